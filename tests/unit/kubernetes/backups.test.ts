/** Backups: the Job that makes one, and the pod that reads them. */
import { strict as assert } from "node:assert";
import {
    copiesIn,
    jobFrom,
    makeBackup,
    placed,
    readerPod,
    startFirstBackup,
} from "../../../kubernetes/backups.ts";
import type { CronJob } from "../../../kubernetes/objects.ts";
import { backupNamed } from "../../../pods/backups.ts";
import { fakeClient } from "../support/client.ts";

const env = [
    { name: "REASON", value: "scheduled" },
    { name: "BACKUPS", value: "/backups" },
];
const cronJob: CronJob = {
    metadata: { name: "synergychat-api-backup", namespace: "chat", uid: "1" },
    spec: {
        jobTemplate: {
            metadata: { labels: { app: "synergychat-api-backup" } },
            spec: {
                backoffLimit: 1,
                template: {
                    metadata: { labels: { app: "synergychat-api-backup" } },
                    spec: {
                        initContainers: [{ name: "copy", env }, { name: "synergychat-api" }],
                        containers: [{ name: "prove", env }],
                    },
                },
            },
        },
    },
};

describe("the Job of a backup", () => {
    it("is the CronJob's with another reason, in every container that has one", () => {
        const job = jobFrom(cronJob, "before-restore", new Date("2026-11-25T12:00:00.5Z"));
        assert.equal(job.name, "synergychat-api-backup-before-restore-20261125t120000z");
        const reason = [{ name: "REASON", value: "before-restore" }, env[1]];
        assert.deepEqual(job.spec, {
            backoffLimit: 1,
            template: {
                metadata: { labels: { app: "synergychat-api-backup" } },
                spec: {
                    initContainers: [{ name: "copy", env: reason }, { name: "synergychat-api" }],
                    containers: [{ name: "prove", env: reason }],
                },
            },
        });
    });

    it("belongs to the CronJob, which takes it along, and its name is one of the cluster's", () => {
        for (const reason of ["manual", "before-restore", "before-switch", "before-down"] as const) {
            const { name, owner, labels } = jobFrom(cronJob, reason);
            assert.match(name, /^[a-z0-9-]{1,63}$/);
            assert.deepEqual([owner?.kind, owner?.metadata.uid], ["CronJob", "1"]);
            assert.deepEqual(labels, { app: "synergychat-api-backup" });
        }
    });

    it("returns the backup that it has proven", async () => {
        const backup = { name: "a.json", time: "", size: 1, messages: 2, reason: "manual", proven: true };
        const client = fakeClient((path) => {
            const pods = { kind: "PodList", items: [{ metadata: { name: "pod" } }] };
            const status = { conditions: [{ type: "Complete", status: "True" }] };
            if (path.includes("/proxy/messages")) {
                return { kind: "found", body: [] };
            }
            return {
                kind: "found",
                body: path.includes("/log?") ? backup : path.includes("/pods") ? pods : { status },
            };
        });
        const end = await makeBackup(client, cronJob, "manual");
        assert.ok(end.ok);
        assert.deepEqual([end.backup, end.notSent], [backup, undefined]);
    });

    it("returns the permission that is missing if the log of a successful Job cannot be read", async () => {
        const client = fakeClient((path) => {
            const pods = { kind: "PodList", items: [{ metadata: { name: "pod" } }] };
            const status = { conditions: [{ type: "Complete", status: "True" }] };
            if (path.includes("/log?")) {
                return { kind: "forbidden", message: "pods/log is forbidden" };
            }
            const body = path.includes("/proxy/messages") ? [] : path.includes("/pods") ? pods : { status };
            return { kind: "found", body };
        });
        const end = await makeBackup(client, cronJob, "manual");
        assert.ok(!end.ok && end.reason.includes("pods/log"));
    });

    it("returns a backup that it has proven and not copied, with the reason", async () => {
        const backup = { name: "a.json", time: "", size: 1, messages: 2, reason: "manual", proven: true };
        const client = fakeClient((path) => {
            const terminated = { exitCode: 1 };
            const containerStatuses = [{ name: "send", state: { terminated } }];
            const pods = {
                kind: "PodList",
                items: [{ metadata: { name: "pod" }, status: { containerStatuses } }],
            };
            const status = { conditions: [{ type: "Failed", status: "True" }] };
            const log = path.endsWith("send") ? "Fatal: wrong password" : backup;
            return {
                kind: "found",
                body: path.includes("/proxy/messages")
                    ? []
                    : path.includes("/log?")
                      ? log
                      : path.includes("/pods")
                        ? pods
                        : { status },
            };
        });
        const end = await makeBackup(client, cronJob, "manual");
        assert.ok(end.ok);
        assert.deepEqual([end.backup, end.notSent], [backup, "Fatal: wrong password."]);
    });

    it("is not even started if the api does not return its messages", async () => {
        const requests: string[] = [];
        const client = fakeClient((_path, method) => {
            requests.push(method);
            return { kind: "failed", status: 503, message: "no endpoints available" };
        });
        let now = 0;
        const clock = { now: () => (now += 15_000), sleep: () => Promise.resolve() };
        const end = await makeBackup(client, cronJob, "manual", clock);
        assert.deepEqual([end.ok, !end.ok && end.job, requests], [false, undefined, ["GET", "GET"]]);
    });
});

describe("the first backup", () => {
    /** What is posted by a stack with this CronJob, and what `startFirstBackup` returns. */
    async function start(
        live: CronJob | undefined,
        status = 201,
    ): Promise<{ posted: unknown[]; problem: string | undefined }> {
        const posted: unknown[] = [];
        const client = fakeClient((_path, method, body) => {
            if (method === "GET") {
                return live ? { kind: "found", body: live } : { kind: "not found", message: "" };
            }
            posted.push(body);
            return status < 300
                ? { kind: "found", body: {} }
                : { kind: "failed", status, message: "exceeded quota" };
        });
        return { problem: await startFirstBackup(client, "chat"), posted };
    }

    it("is started as a Job of the CronJob, which then knows its success", async () => {
        const { posted, problem } = await start(cronJob);
        assert.equal(problem, undefined);
        const [{ metadata }] = posted as [{ metadata: Record<string, any> }];
        assert.equal(metadata.name, "synergychat-api-backup-first");
        assert.deepEqual(metadata.ownerReferences, [
            {
                apiVersion: "batch/v1",
                kind: "CronJob",
                name: "synergychat-api-backup",
                uid: "1",
                controller: true,
            },
        ]);
    });

    it("is not started again after a success, whatever became of its Job", async () => {
        const done = { ...cronJob, status: { lastSuccessfulTime: "2026-11-25T12:00:00Z" } };
        assert.deepEqual(await start(done), { posted: [], problem: undefined });
        assert.deepEqual(await start(undefined), { posted: [], problem: undefined });
    });

    it("says why it was not started, unless it runs already", async () => {
        assert.match((await start(cronJob, 403)).problem ?? "", /quota/);
        assert.equal((await start(cronJob, 409)).problem, undefined);
    });
});

describe("the list of backups", () => {
    const name = (day: number) => `2026112${day}T120000Z-2-0a1b2c3d-manual.json`;
    const snapshot = (day: number) => ({
        paths: [`/backups/${name(day)}`],
        summary: { total_bytes_processed: 9, backup_end: `2026-12-0${day}T12:00:00.123Z` },
    });

    it("has those of both places once, the newest first", () => {
        const [here] = backupNamed(name(5), { size: 9, proven: false });
        assert.ok(here);
        const there = copiesIn(JSON.stringify([snapshot(4), snapshot(5), snapshot(6), { paths: ["/etc"] }]));
        assert.equal(there[0]?.time, "2026-12-04T12:00:00Z");
        assert.deepEqual(
            placed([here], there).map(({ name: one, proven, places }) => [one, proven, places]),
            [
                [name(6), true, ["target"]],
                [name(5), false, ["claim", "target"]],
                [name(4), true, ["target"]],
            ],
        );
    });
});

describe("the pod that reads the backups", () => {
    const volumeMounts = [{ name: "backups", mountPath: "/backups" }];
    const spec = {
        restartPolicy: "Never",
        securityContext: { runAsNonRoot: true },
        imagePullSecrets: [{ name: "registry" }],
        automountServiceAccountToken: false,
        initContainers: [{ name: "copy" }, { name: "synergychat-api" }],
        containers: [{ name: "prove", image: "node:24", imagePullPolicy: "Never", env, volumeMounts }],
    };
    const metadata = { labels: { app: "synergychat-api-backup", owner: "dev" } };
    const pod = readerPod({
        ...cronJob,
        spec: { jobTemplate: { spec: { template: { metadata, spec } } } },
    }) as Record<string, any>;

    it("is as little privileged as the pod of a backup, and is none of the api's pods", () => {
        assert.deepEqual(pod.metadata.labels, { app: "synergychat-backups-reader", owner: "dev" });
        const { securityContext, imagePullSecrets, automountServiceAccountToken } = pod.spec;
        assert.deepEqual(securityContext, spec.securityContext);
        assert.deepEqual(imagePullSecrets, spec.imagePullSecrets);
        assert.equal(automountServiceAccountToken, false);
    });

    it("neither copies nor starts an api", () => {
        assert.deepEqual(pod.spec.initContainers, []);
        const [{ image, imagePullPolicy, env: environment }, ...others] = pod.spec.containers;
        assert.deepEqual([image, imagePullPolicy, environment, others], ["node:24", "Never", env, []]);
    });

    it("runs restic beside it, if the backups are copied to a target", () => {
        const both = {
            ...spec,
            initContainers: [...spec.initContainers, ...spec.containers],
            containers: [{ name: "send", image: "restic", env, volumeMounts }],
        };
        const { spec: started } = readerPod({
            ...cronJob,
            spec: { jobTemplate: { spec: { template: { metadata, spec: both } } } },
        });
        assert.deepEqual(
            started.containers.map(({ name, image }) => [name, image]),
            [
                ["prove", "node:24"],
                ["send", "restic"],
            ],
        );
    });

    it("cannot write, and ends by itself or with the CronJob", () => {
        assert.deepEqual(pod.spec.containers[0].volumeMounts, [{ ...volumeMounts[0], readOnly: true }]);
        assert.ok(pod.spec.activeDeadlineSeconds > 0);
        assert.equal(pod.metadata.ownerReferences[0].uid, "1");
    });
});
