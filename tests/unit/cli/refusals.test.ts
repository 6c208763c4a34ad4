/** What stops a switch and a restore alike. */
import { strict as assert } from "node:assert";
import { runningOperation } from "../../../cli/operation.ts";
import { operationOf, outOfServiceLabel } from "../../../model/labels.ts";

describe("the refusals of a switch and a restore", () => {
    for (const operation of ["switch", "restore"] as const) {
        it(`refuse a second ${operation} beside one that runs, and name its process`, () => {
            const { code, reason } = runningOperation(operation, "process 4711");
            assert.equal(code, `${operation}-running`);
            assert.ok(reason.includes("process 4711"));
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
});
