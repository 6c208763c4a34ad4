/** Jobs that a command waits for: their ends, and why they failed. */
import { strict as assert } from "node:assert";
import { mock } from "node:test";
import type { Answer } from "../../../kubernetes/client.ts";
import { runJob } from "../../../kubernetes/jobs.ts";
import { fakeClient } from "../support/client.ts";

const found = (body: unknown): Answer => ({ kind: "found", body });
const job = { name: "job-1", labels: {}, spec: { backoffLimit: 1 } };
const condition = (type: string, message = "") => ({
    status: { conditions: [{ type, status: "True", message }] },
});

/** What the cluster has. A path that is not named is an empty list. */
interface Cluster {
    readonly status?: object;
    readonly pod?: object;
    readonly claims?: readonly object[];
    readonly events?: Readonly<Record<string, readonly object[]>>;
    readonly logs?: Readonly<Record<string, string>>;
    readonly refusal?: Answer;
}

function run({ status = {}, pod, claims = [], events = {}, logs = {}, refusal }: Cluster) {
    const list = (kind: string, items: readonly object[]) => found({ kind: `${kind}List`, items });
    const client = fakeClient((path, method) => {
        const url = new URL(path, "http://localhost");
        if (method === "POST") {
            return refusal ?? found({});
        }
        if (url.pathname.endsWith("/jobs/job-1")) {
            return found(status);
        }
        if (url.pathname.endsWith("/log")) {
            return found(logs[url.searchParams.get("container") ?? ""] ?? "");
        }
        if (url.pathname.endsWith("/events")) {
            const name = (url.searchParams.get("fieldSelector") ?? "").replace("involvedObject.name=", "");
            return list("Event", events[name] ?? []);
        }
        return url.pathname.endsWith("/persistentvolumeclaims")
            ? list("PersistentVolumeClaim", claims)
            : list("Pod", pod ? [{ metadata: { name: "job-1-x", namespace: "chat" }, ...pod }] : []);
    });
    // As the client's own, without the second between two questions.
    const waitUntil = async (_what: string, ask: () => Promise<unknown>) => {
        for (;;) {
            const answer = await ask();
            if (answer !== undefined) {
                return answer;
            }
        }
    };
    return runJob(Object.assign(client, { waitUntil }), "chat", job, { seconds: 600, container: "prove" });
}

describe("runJob", () => {
    it("returns the log of a complete Job", async () => {
        const end = await run({ status: condition("Complete"), pod: {}, logs: { prove: "done" } });
        assert.deepEqual(end, { ok: true, log: "done" });
    });

    const ended = (name: string, exitCode: number, more: object = {}) => ({
        name,
        restartCount: 0,
        state: { terminated: { exitCode, ...more } },
    });
    for (const [situation, cluster, reason] of [
        [
            "what the failed container printed last",
            {
                pod: { status: { initContainerStatuses: [ended("copy", 1)] } },
                logs: { copy: "trying\nThe volume of the backups (/backups) is full.\n" },
            },
            "The volume of the backups (/backups) is full.",
        ],
        [
            "not what an api printed that was stopped at the end",
            {
                pod: {
                    status: {
                        initContainerStatuses: [ended("copy", 0), ended("synergychat-api", 143)],
                        containerStatuses: [ended("prove", 1)],
                    },
                },
                logs: { "synergychat-api": "listening", prove: "The api returned 1 of 2 messages." },
            },
            "The api returned 1 of 2 messages.",
        ],
        [
            "also what an api printed that ended by itself",
            {
                pod: {
                    status: {
                        initContainerStatuses: [{ ...ended("synergychat-api", 1), restartCount: 2 }],
                        containerStatuses: [ended("prove", 1)],
                    },
                },
                logs: { "synergychat-api": "cannot read db.json", prove: "No answer." },
            },
            "No answer. The api ended with: cannot read db.json",
        ],
        [
            "how a container ended that printed nothing",
            { pod: { status: { containerStatuses: [ended("prove", 137, { reason: "OOMKilled" })] } } },
            "Container prove: OOMKilled.",
        ],
        ["what the Job says if its pod is gone", {}, "Job was active longer than specified deadline."],
    ] as const) {
        it(`says why a Job failed: ${situation}`, async () => {
            const status = condition("Failed", "Job was active longer than specified deadline");
            assert.partialDeepStrictEqual(await run({ status, ...cluster }), { ok: false, reason });
        });
    }

    it("says why a Job was refused, as by a quota for Jobs", async () => {
        const message = 'jobs.batch "job-1" is forbidden: exceeded quota: full';
        const end = await run({ refusal: { kind: "forbidden", message } });
        assert.deepEqual(end, {
            ok: false,
            reason: `Its Job cannot be started: ${message}.`,
            log: undefined,
        });
    });

    describe("if the Job's pod does not start", () => {
        beforeEach(() => {
            let now = 0;
            mock.method(performance, "now", () => (now += 20_000));
        });
        afterEach(() => {
            mock.restoreAll();
        });

        const warning = (message: string, lastTimestamp = "2026-01-01T00:00:01Z") => ({
            metadata: {},
            type: "Warning",
            message,
            lastTimestamp,
        });
        const mounting = {
            spec: { volumes: [{ persistentVolumeClaim: { claimName: "backups" } }] },
            status: { phase: "Pending" },
        };
        for (const [situation, cluster, reason] of [
            [
                "a quota that allows no pod",
                { events: { "job-1": [warning("pods is forbidden: exceeded quota: full")] } },
                "pods is forbidden: exceeded quota: full.",
            ],
            [
                "a claim that is never bound, in the words of its newest event",
                {
                    pod: mounting,
                    claims: [
                        { metadata: { name: "other" }, status: { phase: "Pending" } },
                        { metadata: { name: "backups" }, status: { phase: "Pending" } },
                    ],
                    events: {
                        backups: [
                            warning("older", "2026-01-01T00:00:00Z"),
                            warning("no volume plugin matched"),
                        ],
                    },
                },
                "Claim backups is not bound to a volume (Pending). no volume plugin matched.",
            ],
            [
                "a volume that cannot be mounted",
                {
                    pod: { status: { phase: "Pending" } },
                    events: { "job-1-x": [warning("MountVolume.SetUp failed")] },
                },
                "MountVolume.SetUp failed.",
            ],
        ] as const) {
            it(`names the reason after some patience: ${situation}`, async () => {
                assert.partialDeepStrictEqual(await run(cluster), { ok: false, reason });
            });
        }

        it("names the container that cannot start", async () => {
            const waiting = { reason: "ImagePullBackOff", message: "no such image" };
            const status = {
                phase: "Pending",
                initContainerStatuses: [{ name: "copy", state: { waiting } }],
            };
            const end = await run({ pod: { status } });
            assert.ok(!end.ok);
            assert.match(end.reason, /container copy: ImagePullBackOff\. no such image/);
        });

        it("waits while the cluster is at work, and gives up at the limit", async () => {
            const pulling = { metadata: {}, type: "Normal", message: "Pulling image" };
            const events = {
                "job-1-x": [
                    warning("FailedMount", "2025-12-31T00:00:00Z"),
                    { ...pulling, lastTimestamp: "2026-01-01T00:00:02Z" },
                ],
            };
            const end = await run({ pod: { status: { phase: "Pending" } }, events });
            assert.partialDeepStrictEqual(end, { ok: false, reason: "Job job-1 did not end within 600 s." });
        });
    });
});
