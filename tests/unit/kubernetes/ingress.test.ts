/** The wait for an ingress controller. */
import { strict as assert } from "node:assert";
import { waitForIngressController } from "../../../kubernetes/ingress.ts";
import { fakeClient } from "../support/client.ts";

describe("the wait for an ingress controller", () => {
    it("ends when the webhook for Ingresses answers", async () => {
        const message = 'failed calling webhook "validate.example.org": connection refused';
        const infos: string[] = [];
        let count = 0;
        const client = fakeClient(() =>
            ++count < 2 ? { kind: "failed", status: 500, message } : { kind: "found", body: {} },
        );
        await waitForIngressController(client, "synergychat-dev", (text) => infos.push(text));
        assert.deepEqual([count, infos.length], [2, 1]);
    });

    it("leaves what else is wrong with an Ingress to the update", async () => {
        const client = fakeClient(() => ({ kind: "forbidden", message: "you may not" }));
        await waitForIngressController(client, "synergychat-dev", () => assert.fail());
    });
});
