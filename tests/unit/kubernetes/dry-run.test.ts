import { strict as assert } from "node:assert";
import type { Answer } from "../../../kubernetes/client.ts";
import { isContained, tryObjects } from "../../../kubernetes/dry-run.ts";
import type { RecordedObject } from "../../../kubernetes/objects.ts";
import { fakeClient } from "../support/client.ts";

const cronJob = {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "backup", namespace: "chat", labels: { app: "chat" } },
    spec: { schedule: "0 0 L * *" },
};
const refused: Answer = { kind: "failed", status: 422, message: "spec.schedule: Invalid value" };
const taken: Answer = { kind: "found", body: {} };

function recorded(one: typeof cronJob): RecordedObject {
    return { ...one, urn: "", metadata: { ...one.metadata, uid: "1" } };
}

/** The messages for an object, and the requests, of a cluster that answers so. */
async function messagesFor(
    object: typeof cronJob,
    answer: (path: string, method: string) => Answer,
    live: readonly object[] = [],
    known: readonly RecordedObject[] = [recorded(object)],
): Promise<{
    readonly messages: readonly string[];
    readonly replaced: number;
    readonly asked: readonly string[];
}> {
    const asked: string[] = [];
    const client = fakeClient((path, method) => {
        asked.push(`${method} ${path.replace(/\?.*/, "")}`);
        return answer(path, method);
    });
    const query = { namespace: "chat", recorded: known };
    const tried = await tryObjects(client, [object], live as never, query);
    const found = tried.flatMap(({ rejection }) => rejection ?? []);
    const refusals = found.filter(({ replaced }) => !replaced);
    return {
        messages: refusals.map(({ message }) => message),
        replaced: found.length - refusals.length,
        asked,
    };
}

describe("a dry run of a declared object", () => {
    it("returns what the API server says if it refuses the object, also as a new one", async () => {
        const { messages, asked } = await messagesFor(cronJob, () => refused);
        assert.deepEqual(messages, [refused.message]);
        assert.deepEqual(asked, [
            "PATCH /apis/batch/v1/namespaces/chat/cronjobs/backup",
            "POST /apis/batch/v1/namespaces/chat/cronjobs",
        ]);
    });

    it("tells an object that is taken from one of which only the change is refused, which Pulumi replaces", async () => {
        const { messages, replaced } = await messagesFor(cronJob, () => taken);
        assert.deepEqual([messages, replaced], [[], 0]);
        const answer = (_: string, method: string) => (method === "PATCH" ? refused : taken);
        const changed = await messagesFor(cronJob, answer);
        assert.deepEqual([changed.messages, changed.replaced], [[], 1]);
    });

    it("is made of a namespace too", async () => {
        const chat = { ...cronJob, apiVersion: "v1", kind: "Namespace" };
        const { messages, asked } = await messagesFor(chat, () => refused);
        assert.deepEqual(messages, [refused.message]);
        assert.equal(asked[0], "PATCH /api/v1/namespaces/backup");
    });

    it("keeps nothing from changing if a policy is newer than an unchanged Deployment", async () => {
        const web = { ...cronJob, apiVersion: "apps/v1", kind: "Deployment" };
        const there = { ...web, apiVersion: undefined };
        assert.deepEqual((await messagesFor(web, () => refused, [there])).messages, []);
    });

    it("refuses to change an object that the state does not have, which Pulumi would not replace", async () => {
        const answer = (_: string, method: string) => (method === "PATCH" ? refused : taken);
        assert.deepEqual((await messagesFor(cronJob, answer, [], [])).messages, [refused.message]);
    });

    it("refuses another size of a claim, for which Pulumi does not replace the claim", async () => {
        const claim = { ...cronJob, apiVersion: "v1", kind: "PersistentVolumeClaim" };
        const replacedFor = async (message: string) => {
            const answer = (_: string, method: string): Answer =>
                method === "PATCH" ? { kind: "failed", status: 422, message } : taken;
            return (await messagesFor(claim, answer)).replaced;
        };
        assert.equal(await replacedFor("field can not be less than status.capacity"), 0);
        assert.equal(await replacedFor("spec is immutable after creation"), 1);
    });

    it("includes a pod of each Deployment, but no quota, which counts the pods that are replaced", async () => {
        const template = { metadata: { labels: { app: "web" } }, spec: { serviceAccountName: "web" } };
        const web = { ...cronJob, apiVersion: "apps/v1", kind: "Deployment", spec: { template } };
        const refusedPod = async (message: string, live: readonly object[] = []) => {
            const answer = (path: string): Answer =>
                path.includes("/pods")
                    ? { kind: "forbidden", message }
                    : path.endsWith("/v1")
                      ? {
                            kind: "found",
                            body: { resources: [{ name: "pods", kind: "Pod", namespaced: true }] },
                        }
                      : taken;
            const there = live.map((one) => ({ ...one, apiVersion: undefined }));
            return (await messagesFor(web as never, answer, there)).messages;
        };
        const policy = "ValidatingAdmissionPolicy 'no-latest' denied request: no tag latest";
        assert.deepEqual(await refusedPod(policy), [policy]);
        assert.deepEqual(await refusedPod("exceeded quota: small"), []);
        assert.deepEqual(await refusedPod(policy, [web]), []);
    });

    it("returns that a webhook does not answer", async () => {
        const message = 'failed calling webhook "validate.example.org": connection refused';
        const failed = (): Answer => ({ kind: "failed", status: 500, message });
        assert.deepEqual((await messagesFor(cronJob, failed)).messages, [message]);
    });

    it("returns a refusal of a policy or a quota, but not a missing permission", async () => {
        const forbidden = (message: string) => (): Answer => ({ kind: "forbidden", message });
        const policy = forbidden('admission webhook "deny" denied the request: no');
        assert.equal((await messagesFor(cronJob, policy)).messages.length, 1);
        const missing = forbidden('cronjobs.batch is forbidden: User "ada" cannot patch resource "cronjobs"');
        assert.deepEqual((await messagesFor(cronJob, missing)).messages, []);
    });

    it("is not made for what the cluster has already, with its defaults", async () => {
        const live = { ...cronJob, apiVersion: undefined, spec: { ...cronJob.spec, suspend: false } };
        assert.deepEqual((await messagesFor(cronJob, () => refused, [live])).asked, []);
        assert.equal(isContained({ a: [1, { b: 2 }] }, { a: [1, { b: 2, c: 3 }], d: 4 }), true);
        assert.equal(isContained({ a: [1] }, { a: [1, 2] }), false);
        assert.equal(isContained({ a: 1 }, { a: 2 }), false);
    });

    it("finds the path of a kind that the stack does not make by itself, and skips one that the cluster does not have", async () => {
        const note = { ...cronJob, apiVersion: "example.org/v1", kind: "Note" };
        const resources = [{ name: "notes", kind: "Note", namespaced: true }];
        const discovery = (path: string): Answer =>
            path === "/apis/example.org/v1" ? { kind: "found", body: { resources } } : refused;
        const { asked } = await messagesFor(note, discovery);
        assert.equal(asked[1], "PATCH /apis/example.org/v1/namespaces/chat/notes/backup");
        const { messages } = await messagesFor(note, () => ({ kind: "not found", message: "no" }));
        assert.deepEqual(messages, []);
    });
});
