/** Ways in which a pod ends. */
import { strict as assert } from "node:assert";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { say } from "./app.ts";
import { apiRolledOut, kubectl, list, until } from "./cluster.ts";
import { TestStack } from "./stack.ts";

export async function apiPod(stack: TestStack): Promise<any> {
    return (await list(stack.name, "pod", "--selector=app=synergychat-api"))[0];
}

/** As `kubectl drain` does with each pod of its node; without closing the node for the scenarios beside this one. */
export async function evict(stack: TestStack): Promise<void> {
    const { name } = (await apiPod(stack)).metadata;
    const eviction = {
        apiVersion: "policy/v1",
        kind: "Eviction",
        metadata: { name, namespace: stack.name },
    };
    const file = join(process.env.TMPDIR ?? "/tmp", `${stack.name}-eviction.json`);
    writeFileSync(file, JSON.stringify(eviction));
    const path = `/api/v1/namespaces/${stack.name}/pods/${name as string}/eviction`;
    await kubectl("create", `--raw=${path}`, "--filename", file);
    await kubectl(
        "wait",
        "--for=delete",
        `pod/${name as string}`,
        "--namespace",
        stack.name,
        "--timeout=60s",
    );
    await apiRolledOut(stack.name);
}

/** The api exits when somebody swears: its container is restarted in the same pod. */
export async function crash(stack: TestStack): Promise<void> {
    const restarts = async () => (await apiPod(stack)).status.containerStatuses[0].restartCount as number;
    const before = await restarts();
    await assert.rejects(say(stack, "oh heck"));
    await until("the api has exited on a swear word", async () => (await restarts()) !== before);
}
