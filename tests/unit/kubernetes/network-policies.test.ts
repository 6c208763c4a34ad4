/** Whether a cluster enforces network policies, as a tried connection tells. */
import { strict as assert } from "node:assert";
import { enforcesPolicies } from "../../../kubernetes/network-policies.ts";
import type { Ended } from "../../../system/process.ts";
import { TransientError } from "../../../system/errors.ts";
import { fakeClient } from "../support/client.ts";
import { object } from "../support/snapshots.ts";

const pod = (part: string, isReady = true) => ({
    ...object("Pod", `${part}-1`, { labels: { app: `synergychat-${part}` } }),
    status: { podIP: "10.0.0.9", conditions: [{ type: "Ready", status: isReady ? "True" : "False" }] },
});

const ended = (status: number, stderr = ""): Ended => ({ status, stdout: "", stderr });

async function tried(pods: readonly object[], exec: () => Ended): Promise<[boolean | undefined, string]> {
    const commands: string[] = [];
    const client = fakeClient(() => ({ kind: "found", body: { kind: "PodList", items: pods } }));
    const run = (_namespace: string, { pod }: { pod: string }, command: readonly string[]) => {
        commands.push(`${pod}: ${command.slice(-2).join(":")}`);
        return exec();
    };
    const enforced = await enforcesPolicies(Object.assign(client, { exec: run }), "chat");
    return [enforced, commands.join()];
}

describe("enforcesPolicies", () => {
    const both = [pod("web"), pod("crawler")];
    const connection = "web-1: 10.0.0.9:8080";

    it("tells an open connection from a denied one", async () => {
        assert.deepEqual(await tried(both, () => ended(0)), [false, connection]);
        assert.deepEqual(await tried(both, () => ended(1, "timed out")), [true, connection]);
    });

    it("does not tell without a pod that is ready, without a program for it, or without permission", async () => {
        const unready = [pod("web"), pod("crawler", false)];
        assert.deepEqual(await tried(unready, () => ended(1)), [undefined, ""]);
        const missing = 'exec: "sh": executable file not found in $PATH';
        assert.deepEqual(await tried(both, () => ended(1, missing)), [undefined, connection]);
        assert.deepEqual(await tried(both, () => ended(127)), [undefined, connection]);
        const refused = () => {
            throw new TransientError("forbidden");
        };
        assert.deepEqual(await tried(both, refused), [undefined, connection]);
    });
});
