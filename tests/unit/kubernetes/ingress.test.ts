/** The wait for an ingress controller, and the addresses that one publishes. */
import { strict as assert } from "node:assert";
import { findExposureObject, waitForIngressController } from "../../../kubernetes/ingress.ts";
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

describe("the object that publishes the addresses", () => {
    const find = (kind: "ingress" | "gateway" | "none", status?: object) =>
        findExposureObject(
            fakeClient(() =>
                status ? { kind: "found", body: { status } } : { kind: "not found", message: "no" },
            ),
            "chat",
            kind,
        );

    it("is an Ingress or a Gateway", async () => {
        const ingress = [{ ip: "10.0.0.1" }, { hostname: "lb.internal" }, {}];
        assert.deepEqual(await find("ingress", { loadBalancer: { ingress } }), {
            ...{ kind: "Ingress", name: "app-ingress", addresses: ["10.0.0.1", "lb.internal"] },
        });
        assert.deepEqual(await find("gateway", { addresses: [{ value: "10.0.0.2" }] }), {
            ...{ kind: "Gateway", name: "app-gateway", addresses: ["10.0.0.2"] },
        });
    });

    it("may have no address yet, or not be there", async () => {
        assert.deepEqual((await find("ingress", {}))?.addresses, []);
        assert.equal((await find("gateway"))?.addresses, undefined);
        assert.equal(await find("none"), undefined);
    });
});
