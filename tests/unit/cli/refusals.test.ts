/** What stops a switch and a restore alike. */
import { strict as assert } from "node:assert";
import { begunElsewhere, lateMessages, runningOperation } from "../../../cli/refusals.ts";
import { operationOf, outOfServiceLabel } from "../../../model/labels.ts";

describe("the refusals of a switch and a restore", () => {
    for (const operation of ["switch", "restore"] as const) {
        it(`refuse a second ${operation} beside one that runs, and name its process`, () => {
            assert.equal(runningOperation(operation, 4711).code, `${operation}-running`);
            assert.ok(runningOperation(operation, 4711).reason.includes("4711"));
        });

        it(`refuse a ${operation} that began elsewhere, and name its journal and both ways on`, () => {
            const again = `npm run ${operation} -- WORD`;
            const found = begunElsewhere(operation, { namespace: "chat", journal: "host:/path.json", again });
            assert.equal(found.code, `${operation}-begun-elsewhere`);
            assert.ok(found.reason.includes("host:/path.json"));
            const patch = [
                "kubectl patch service api-service --namespace chat --type=json",
                `--patch='[{"op":"remove","path":"/spec/selector/synergychat~1out-of-service"}]'`,
            ].join(" ");
            assert.deepEqual(
                found.fixes.flatMap(({ run }) => run),
                [again, patch, again],
            );
        });

        it(`recognize a Service that a ${operation} has taken the api out of`, () => {
            assert.equal(operationOf({ [outOfServiceLabel]: operation }), operation);
        });
    }

    it("recognize a Service in service, and one that an earlier version's switch has taken the api out of", () => {
        assert.equal(operationOf({ app: "synergychat-api" }), undefined);
        assert.equal(operationOf(undefined), undefined);
        assert.equal(operationOf({ [outOfServiceLabel]: "true" }), "switch");
    });

    it("refuse to go on if there are more messages than in the copy", () => {
        assert.equal(lateMessages(3, 3), undefined);
        assert.equal(lateMessages(3, 4)?.code, "messages-posted-past-service");
    });
});
