/** What the program asks Pulumi's engine, on mocks of it. */
import { strict as assert } from "node:assert";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { RecordedObject } from "../../kubernetes/snapshot.ts";
import { stopIfRegistered } from "../../pulumi/engine.ts";

const absent: readonly RecordedObject[] = ["gone-1", "gone-2"].map((uid) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "settings", namespace: "chat", uid },
}));
const problem = new pulumi.RunError("absent");

/** The error of a program if Pulumi answers a registration with an object of this UID. Undefined: it came to its end. */
async function errorAfter(uid: string | undefined): Promise<unknown> {
    await pulumi.runtime.setMocks({
        newResource: ({ inputs }) => ({
            id: "settings",
            state: { ...inputs, metadata: { ...(inputs.metadata as object), ...(uid && { uid }) } },
        }),
        call: () => ({}),
    });
    // The mocks do not know hooks.
    const monitor = pulumi.runtime.getMonitor() as unknown as Record<string, unknown>;
    monitor.registerResourceHook = (_: unknown, done: (error: null) => void) => {
        done(null);
    };
    return new Promise((resolve) => {
        // A rejection that nobody handles is how Pulumi ends a program: it makes it an exit with the message.
        const listeners = process.listeners("unhandledRejection");
        process.removeAllListeners("unhandledRejection");
        const finish = (error?: unknown): void => {
            process.removeAllListeners("unhandledRejection");
            listeners.forEach((listener) => process.on("unhandledRejection", listener));
            resolve(error);
        };
        process.on("unhandledRejection", finish);
        void pulumi.runtime
            .runInPulumiStack(() => {
                stopIfRegistered(absent, problem);
                new pulumi.ComponentResource("synergychat:index:Part", "part");
                const { metadata } = new k8s.core.v1.ConfigMap("settings", {
                    metadata: { name: "settings" },
                });
                return new Promise((done) => metadata.apply(() => setImmediate(done)));
            })
            .then(() => pulumi.runtime.disconnect())
            .then(() => setImmediate(finish), finish);
    });
}

describe("stopIfRegistered", () => {
    it("stops the program if Pulumi takes an absent object for unchanged", async () => {
        assert.equal(await errorAfter("gone-2"), problem);
    });

    it("shows no stack trace, although Pulumi may answer when the program has ended", async () => {
        // Pulumi's cmd/run/index.ts then shows `error.stack || error.message`.
        assert.equal(((await errorAfter("gone-1")) as Error).stack, "");
    });

    it("stops nothing if Pulumi creates the object", async () => {
        assert.equal(await errorAfter(undefined), undefined);
        assert.equal(await errorAfter("new"), undefined);
    });
});
