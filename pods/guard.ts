/**
 * The sidecar of the api: it passes requests on to the api, mirrors the api's file, repairs it if it is torn, and reports
 * repairs, restarts and overdue backups as Events.
 *
 * Environment: API_DB_FILEPATH, API_PORT, GUARD_PORT, HEALTH_PORT, POD_NAME, POD_UID, POD_NAMESPACE, BACKUPS if there are
 * backups, and BACKUP_MAX_AGE in seconds if they have a schedule.
 */
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { newestProof } from "./copies.ts";
import { type PodEvent, EventQueue, sendTo } from "./events.ts";
import { Keeper } from "./keeper.ts";
import { outlivePredecessor } from "./predecessor.ts";
import { Proxy } from "./proxy.ts";

const { env } = process;
const file = env.API_DB_FILEPATH ?? "";
const runFolder = env.RUN_FOLDER ?? "/run/synergychat";
const tokenFolder = env.TOKEN_FOLDER ?? "/var/run/secrets/kubernetes.io/serviceaccount";

/** How often the file is looked at in which the app, or somebody past the way in, may have written, in ms. */
const interval = 100;

const queue = new EventQueue(
    sendTo({
        pod: {
            name: env.POD_NAME ?? "",
            uid: env.POD_UID ?? "",
            namespace: env.POD_NAMESPACE ?? "",
        },
        host: env.KUBERNETES_SERVICE_HOST ?? "",
        port: env.KUBERNETES_SERVICE_PORT ?? "",
        tokenFolder,
    }),
);
/** The restarts whose Event is on its way. */
const restarts = new Set<string>();

function report(reason: string, message: string, more: Partial<PodEvent> = {}): void {
    console.log(`${reason}: ${message}`);
    const type = reason === "ApiGuardRecovered" ? "Normal" : "Warning";
    queue.add({ reason, message, type, at: new Date(), ...more });
}

/** The supervisor records each restart as an empty file whose name says all. It stays until the cluster knows of the restart. */
function reportRestarts(): void {
    for (const id of readdirSync(runFolder).sort()) {
        const [, time, code] = /^restart-(\d+)-\d+-(\d+)$/.exec(id) ?? [];
        if (code !== undefined && !restarts.has(id)) {
            restarts.add(id);
            report("ApiRestarted", `The api ended with exit code ${code} and was started again.`, {
                at: new Date(Number(time) * 1000),
                id,
                onSent: () => {
                    rmSync(join(runFolder, id), { force: true });
                },
            });
        }
    }
}

const started = new Date().toISOString();

/** Says that no new backup is proven, each hour, because the cluster forgets an Event after that. A time in the future hides all later ones. */
function watchBackups(): void {
    const newest = newestProof(env.BACKUPS ?? "");
    const age = Math.abs(Date.now() - Date.parse(newest ?? started)) / 1000;
    const isOverdue = age > Number(env.BACKUP_MAX_AGE);
    if (isOverdue) {
        report(
            "BackupOverdue",
            `${newest === undefined ? "No backup is proven" : `The newest proven backup is of ${newest}`}: two intervals of ` +
                "backupSchedule have passed without one, or the clock was wrong.",
        );
    }
    setTimeout(watchBackups, isOverdue ? 3_600_000 : 10_000);
}

// This container may use twice the memory of the api's: see components/guard.ts.
const keeper = new Keeper(file, env.BACKUPS, report, process.constrainedMemory() / 2 || Infinity);
const proxy = new Proxy(env.API_PORT ?? "", keeper);

process.once("SIGTERM", () => {
    void proxy.close().then(() => {
        keeper.look();
        process.exit(0);
    });
});

const { createServer } = process.getBuiltinModule("node:http");
createServer((_, response) => response.end()).listen(Number(env.HEALTH_PORT ?? "0"));
await proxy.listen(Number(env.GUARD_PORT ?? "0"));
// Requests wait meanwhile, and the mirror is read after it was written for the last time.
await proxy.inTurn(() => outlivePredecessor(join(dirname(file), ".guard", "socket")));
if (env.BACKUP_MAX_AGE !== undefined) {
    watchBackups();
}
setInterval(reportRestarts, interval);
for (;;) {
    await proxy.inTurn(() => proxy.settle());
    await sleep(interval);
}
