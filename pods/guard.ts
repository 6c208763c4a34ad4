/**
 * The sidecar of the api: it mirrors the api's file, repairs it if it is torn, and reports repairs and restarts as Events.
 *
 * Environment: API_DB_FILEPATH, API_PORT, POD_NAME, POD_UID, POD_NAMESPACE, and BACKUPS if there are backups.
 */
import { watch } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type PodEvent, EventQueue, sendTo } from "./events.ts";
import { type Reason, Keeper } from "./keeper.ts";
import { Restarts } from "./restarts.ts";

const { env } = process;
const file = env.API_DB_FILEPATH ?? "";
const runFolder = env.RUN_FOLDER ?? "/run/synergychat";
const tokenFolder = env.TOKEN_FOLDER ?? "/var/run/secrets/kubernetes.io/serviceaccount";

/** Some volumes deliver no events of changes, so the file is looked at regularly as well. */
const interval = 500;

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
const restarts = new Restarts(join(runFolder, "restarts"));
let lastFailure = "";

function report(reason: Reason, message: string, more: Partial<PodEvent> = {}): void {
    console.log(`${reason}: ${message}`);
    queue.add({ reason, message, at: new Date(), ...more });
}

/** After a repair, the api must serve the file again: it reads it for each request. */
async function reportRepair(message: string): Promise<void> {
    report("ApiFileRepaired", `${message} ${await whatTheApiServes()}`);
}

async function whatTheApiServes(): Promise<string> {
    const deadline = Date.now() + 3000;
    for (;;) {
        try {
            const response = await fetch(`http://127.0.0.1:${env.API_PORT ?? ""}/messages`, {
                signal: AbortSignal.timeout(2000),
            });
            const messages = (await response.json()) as unknown[];
            return `The api serves ${String(messages.length)}.`;
        } catch {
            if (Date.now() > deadline) {
                return "The api did not answer within three seconds.";
            }
            await sleep(200);
        }
    }
}

function look(keeper: Keeper): void {
    try {
        for (const { number, at, code } of restarts.next()) {
            const message = `The api ended with exit code ${String(code)} and was started again.`;
            report("ApiRestarted", message, { at, id: `restart-${String(number)}` });
        }
        keeper.look();
        if (lastFailure !== "") {
            lastFailure = "";
            report("ApiGuardRecovered", `The guard mirrors ${file} again.`, { type: "Normal" });
        }
    } catch (error) {
        const { message } = error as Error;
        if (message !== lastFailure) {
            lastFailure = message;
            report(
                "ApiGuardFailed",
                `The guard cannot mirror or repair ${file}, and keeps trying: ${message}`,
            );
        }
    }
}

const keeper = new Keeper(file, env.BACKUPS, (reason, message) => {
    if (reason === "ApiFileRepaired") {
        void reportRepair(message);
    } else {
        report(reason, message);
    }
});

process.on("SIGTERM", () => {
    look(keeper);
    process.exit(0);
});

look(keeper);
setInterval(look, interval, keeper);
try {
    watch(dirname(file), (_, name) => {
        if (name === null || name === basename(file)) {
            look(keeper);
        }
    }).on("error", (error) => {
        console.log(`No more events of changes of ${file}: ${error.message}`);
    });
} catch (error) {
    console.log(`No events of changes of ${file}, looking at it regularly only: ${(error as Error).message}`);
}
