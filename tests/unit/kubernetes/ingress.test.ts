/** The wait for the controller of an exposure. */
import { strict as assert } from "node:assert";
import type { Answer } from "../../../kubernetes/client.ts";
import { waitForController } from "../../../kubernetes/ingress.ts";
import { fakeClient } from "../support/client.ts";

const found = (body: object): Answer => ({ kind: "found", body });
const accepted = (status: string) =>
    found({ status: { conditions: [{ type: "Accepted", status, message: "Waiting for controller" }] } });

/** How often the cluster was asked until the controller was ready, if it answers so, one after the other. */
async function asked(
    exposure: Parameters<typeof waitForController>[1],
    ...answers: readonly Answer[]
): Promise<number> {
    let count = 0;
    const client = fakeClient(() => answers[Math.min(count++, answers.length - 1)] ?? assert.fail());
    await waitForController(client, exposure, "synergychat-dev", () => undefined);
    return count;
}

describe("the wait for a controller", () => {
    it("ends when the gateway class is accepted", async () => {
        const gateway = { kind: "gateway", gatewayClass: "eg" } as const;
        assert.equal(await asked(gateway, accepted("Unknown"), accepted("True")), 2);
    });

    it("leaves a class that does not exist to the preflight", async () => {
        const gateway = { kind: "gateway", gatewayClass: "eg" } as const;
        assert.equal(await asked(gateway, { kind: "not found", message: "no" }), 1);
    });

    it("ends when a webhook for Ingresses answers, and asks nothing without an exposure", async () => {
        const message = 'failed calling webhook "validate.example.org": connection refused';
        assert.equal(
            await asked({ kind: "ingress" }, { kind: "failed", status: 500, message }, found({})),
            2,
        );
        assert.equal(await asked({ kind: "none" }), 0);
    });
});
