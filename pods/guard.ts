/**
 * The sidecar of the api: mirrors its file, repairs it, and makes Events of repairs and of the supervisor's restarts.
 *
 * File system events tell when to look. Some mounts of minikube deliver none, so it also looks four times a second.
 */
import { existsSync, watch, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, readIfThere } from "./database.ts";
import { Events } from "./events.ts";
import { Keeper } from "./keeper.ts";

const interval = 250; // ms
const { env } = process;

const database = env.API_DB_FILEPATH ?? "";
const run = env.RUN ?? "/run/synergychat";
const keeper = new Keeper({ database, backups: env.BACKUPS });
const events = new Events({
    name: env.POD_NAME ?? "",
    namespace: env.POD_NAMESPACE ?? "",
    uid: env.POD_UID ?? "",
    server: {
        host: env.KUBERNETES_SERVICE_HOST ?? "",
        port: Number(env.KUBERNETES_SERVICE_PORT ?? "443"),
    },
    credentials: env.CREDENTIALS ?? "/var/run/secrets/kubernetes.io/serviceaccount",
});

let wake = (): void => undefined;

/** Looks at the file. A disk that is full or a volume that is gone must not end the guard. */
function look(): void {
    try {
        const report = keeper.look();
        if (report) {
            events.add(report.reason, report.message);
            void checkApi(report.messages);
        }
    } catch (error) {
        console.error((error as Error).message);
    }
}

/** Says in the log whether the api returns what its file has. */
async function checkApi(wanted: number): Promise<void> {
    for (let attempt = 0; attempt < 20; attempt++) {
        try {
            const answer = await fetch(`http://127.0.0.1:${env.API_PORT ?? "8080"}/messages`);
            const messages = parse(await answer.text());
            if (answer.ok && messages) {
                console.log(`The api returns ${messages.length} messages, and its file has ${wanted}.`);
                return;
            }
        } catch {
            // It may be about to start.
        }
        await sleep(500);
    }
    console.error("The api does not return its messages.");
}

/** Makes Events of the restarts that the supervisor has written down since the last look, also across our own restart. */
function reportRestarts(): void {
    const file = join(run, "restarts");
    const done = join(run, "restarts-reported");
    const lines = (readIfThere(file) ?? "").split("\n").slice(0, -1);
    const reported = Number(readIfThere(done) ?? "0");
    if (lines.length <= reported) {
        return;
    }
    for (const line of lines.slice(reported)) {
        const { at, code } = JSON.parse(line) as { at: number; code: number };
        events.add(
            "ApiRestarted",
            `The api ended with exit code ${code} and was started again.`,
            new Date(at * 1000),
        );
    }
    writeFileSync(done, String(lines.length));
}

function watchFolder(): void {
    try {
        const watcher = watch(dirname(database), () => {
            wake();
        });
        watcher.on("error", () => {
            watcher.close();
        });
    } catch {
        // Polling is enough.
    }
}

process.on("SIGTERM", () => {
    // The api has ended before its sidecar, so this is the last state.
    look();
    process.exit(0);
});

if (existsSync(dirname(database))) {
    watchFolder();
}
for (;;) {
    look();
    try {
        reportRestarts();
    } catch (error) {
        console.error((error as Error).message);
    }
    void events.send();
    await Promise.race([
        sleep(interval),
        new Promise<void>((resolve) => {
            wake = resolve;
        }),
    ]);
}
