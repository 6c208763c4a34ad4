import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cluster, type PodEvent, type Send, EventQueue, sendTo } from "../events.ts";
import { type ApiServer, startApiServer } from "./support/cluster.ts";
import { until } from "./support/processes.ts";

const at = new Date("2026-11-25T12:00:00.123Z");

function event(message: string): PodEvent {
    return { reason: "ApiFileRepaired", message, type: "Warning", at };
}

describe("Events", function () {
    this.timeout(60_000);
    let folder: string;
    let api: ApiServer;
    let cluster: Cluster;
    let send: Send;

    beforeEach(async () => {
        folder = mkdtempSync(join(tmpdir(), "events-"));
        api = await startApiServer(folder);
        cluster = {
            pod: { name: "synergychat-api-1", uid: "a-b-c", namespace: "chat" },
            host: "127.0.0.1",
            port: api.port,
            tokenFolder: folder,
        };
        send = sendTo(cluster);
    });
    afterEach(() => {
        api.server.closeAllConnections();
        api.server.close();
        rmSync(folder, { recursive: true });
    });

    it("are made in the pod's namespace, about the pod", async () => {
        assert.equal(await send({ ...event("Repaired."), id: "1" }), "accepted");
        assert.deepEqual(api.requests, [
            { path: "/api/v1/namespaces/chat/events", authorization: "Bearer first-token" },
        ]);
        const [made] = api.events;
        assert.equal(made?.metadata.name, "synergychat-api-1.1");
        assert.equal(made.metadata.namespace, "chat");
        assert.equal(made.involvedObject.kind, "Pod");
        assert.equal(made.involvedObject.name, "synergychat-api-1");
        assert.equal(made.involvedObject.uid, "a-b-c");
        assert.equal(made.reason, "ApiFileRepaired");
        assert.equal(made.message, "Repaired.");
        assert.equal(made.type, "Warning");
        assert.equal(made.reportingComponent, "synergychat-guard");
        assert.equal(made.firstTimestamp, "2026-11-25T12:00:00Z");
    });

    it("use the token as it is now, because the kubelet renews it", async () => {
        writeFileSync(join(folder, "token"), "second-token");
        await send(event("Repaired."));
        assert.equal(api.requests[0]?.authorization, "Bearer second-token");
    });

    it("fit into the API's limit", async () => {
        await send(event("x".repeat(5000)));
        assert.equal(api.events[0]?.message.length, 1024);
    });

    for (const [status, answer] of [
        [201, "accepted"],
        [409, "accepted"],
        [403, "refused"],
        [404, "refused"],
        [422, "refused"],
        [401, "later"],
        [429, "later"],
        [500, "later"],
        [503, "later"],
    ] as const) {
        it(`are ${answer === "later" ? "sent later" : answer} if the API server answers ${String(status)}`, async () => {
            api.answer = status;
            assert.equal(await send(event("Repaired.")), answer);
        });
    }

    it("are sent later if nobody listens, or the certificate is not the cluster's", async () => {
        writeFileSync(join(folder, "ca.crt"), "");
        assert.equal(await send(event("Repaired.")), "later");
        api.server.close();
        assert.equal(await send(event("Repaired.")), "later");
    });

    it("are sent later if the API server does not answer", async () => {
        api.answer = "silent";
        assert.equal(await sendTo(cluster, 100)(event("Repaired.")), "later");
    });

    it("are sent in order once the API server answers, each once", async () => {
        api.answer = 503;
        const queue = new EventQueue(send, 10);
        for (const message of ["one", "two", "three"]) {
            queue.add(event(message));
        }
        await until("two attempts", () => api.requests.length >= 2);
        api.answer = 201;
        await until("the Events", () => api.events.length === 3);
        assert.deepEqual(
            api.events.map(({ message }) => message),
            ["one", "two", "three"],
        );
        assert.equal(new Set(api.events.map(({ metadata }) => metadata.name)).size, 3);
    });

    it("do not wait for one that is refused", async () => {
        const answers = ["refused", "accepted"] as const;
        const sent: string[] = [];
        const queue = new EventQueue(({ message }) =>
            Promise.resolve(answers[sent.push(message) - 1] ?? "accepted"),
        );
        queue.add(event("one"));
        queue.add(event("two"));
        await until("both", () => sent.length === 2);
        assert.deepEqual(sent, ["one", "two"]);
    });

    it("are dropped, the oldest first, if more than a hundred wait", async () => {
        const sent: string[] = [];
        let answer: "later" | "accepted" = "later";
        const queue = new EventQueue(({ message }) => {
            if (answer === "accepted") {
                sent.push(message);
            }
            return Promise.resolve(answer);
        }, 10);
        for (let number = 1; number <= 150; number++) {
            queue.add(event(String(number)));
        }
        answer = "accepted";
        await until("the newest", () => sent.at(-1) === "150");
        assert.equal(sent.length, 100);
        assert.equal(sent[0], "51");
    });
});
