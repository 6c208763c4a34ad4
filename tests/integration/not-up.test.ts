/** Commands on a stack that is not up: one message, and nothing changed. */
import { strict as assert } from "node:assert";
import { Recording } from "./support/recording.ts";

describe("a stack that is not up, on stand-ins", function () {
    this.timeout(600_000); // each run takes seconds to start, and longer on a busy machine
    let recording: Recording;

    beforeEach(() => {
        recording = new Recording();
        recording.write("running-prod");
        recording.config({ "kubernetes:context": "prod" });
    });
    afterEach(() => {
        recording.remove();
    });

    for (const [command, args] of [
        ["verify", []],
        ["switch", ["ephemeral"]],
        ["backup", []],
        ["backup", ["--file=messages.json"]],
        ["backups", ["--json"]],
        ["restore", ["Pulumi.yaml", "--yes"]],
    ] as const) {
        it(`makes ${[command, ...args].join(" ")} name the missing namespace and npm run up`, () => {
            const { status, text, calls } = recording.run(command, args);
            assert.equal(status, 1, text);
            assert.match(text, /no namespace synergychat/);
            assert.match(text, /npm run up -- dev/);
            assert.ok(!calls.some((call) => /^(POST|PATCH|DELETE) |pulumi (up|config set)/.test(call)));
        });
    }

    it("makes down say that nothing was deleted, and ask about nothing", () => {
        recording.state([]);
        const { status, text, calls } = recording.run("down", [], { terminal: ["stdin", "stdout"] });
        assert.equal(status, 0, text);
        assert.match(text, /Stack dev was not up/);
        assert.ok(!calls.some((call) => call.startsWith("pulumi destroy")));
    });
});
