/**
 * The program of the backup's pods:
 *
 *   node backup.ts copy        deletes the surplus, makes a backup, and a copy of it to prove it with
 *   node backup.ts prove       waits until the api returns all messages of the copy, and deletes the surplus
 *   node backup.ts list        prints all backups as JSON
 *   node backup.ts read NAME   prints a backup
 *
 * An error is one line, since the commands show the last line of the pod's log.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
    backupsIn,
    makeRoom,
    nameOf,
    nextTime,
    proofOf,
    prune as pruneFolder,
    readBackup,
    sweep,
    writeBackup,
} from "./backups.ts";
import { parse } from "./database.ts";
import { writeDurably } from "./durable.ts";

const { env } = process;
const folder = env.BACKUPS ?? "/backups";
const source = env.SOURCE ?? "http://api-service/messages";
const proof = env.PROOF ?? "/proof/db.json";
const proofName = join(dirname(proof), "name");
const proofSeconds = Number(env.PROOF_SECONDS ?? "120");
const readSeconds = Number(env.READ_SECONDS ?? "120");
const ifTorn = ". If its file is torn: pulumi config set guard true && pulumi up";
const answerSeconds = Math.min(10, proofSeconds); // s for one answer of the api

const commands: Readonly<Record<string, (name?: string) => unknown>> = {
    copy,
    prove,
    list: () => {
        console.log(JSON.stringify(backupsIn(folder), undefined, 2));
    },
    read: (name = "") => process.stdout.write(readBackup(folder, name)),
};

async function copy(): Promise<void> {
    const { text, messages } = await read(source, `at ${source}`, readSeconds, readSeconds, ifTorn);
    const name = nameOf(text, messages, env.REASON ?? "manual", nextTime(folder));
    prune();
    explainIfFull(backupsAreFull, () => {
        try {
            writeBackup(folder, name, text);
        } catch (error) {
            if (!isFull(error) || !makeRoom(folder, Buffer.byteLength(text))) {
                throw error;
            }
            writeBackup(folder, name, text);
        }
    });
    explainIfFull(
        `The volume for the proof (${dirname(proof)}) is full. Free disk space on the node.`,
        () => {
            writeFileSync(proof, text);
            writeFileSync(proofName, name);
        },
    );
    console.log(`${name}: ${messages.length} messages copied.`);
}

async function prove(): Promise<void> {
    const name = readFileSync(proofName, "utf8");
    const wanted = parse(readBackup(folder, name))?.length ?? 0;
    const url = `http://127.0.0.1:${env.API_PORT ?? "8080"}/messages`;
    // An image that answers otherwise for a sixth of the time is not the api's.
    const { messages } = await read(url, "on the copy", proofSeconds, proofSeconds / 6);
    if (messages.length !== wanted) {
        throw new Error(
            `The api returned ${messages.length} messages from the copy, not ${wanted}. ${name} is not proven.`,
        );
    }
    explainIfFull(backupsAreFull, () => {
        writeDurably(proofOf(folder, name), "");
    });
    prune();
    console.log(JSON.stringify(backupsIn(folder).find((backup) => backup.name === name)));
}

/**
 * The messages as the api returns them, which is its file byte for byte. Not from the file: a pod that mounts the api's claim
 * keeps it from being deleted, even when the pod has ended. Again and again, since the api may be starting.
 *
 * @param otherwise for how many seconds it may answer without messages.
 */
async function read(url: string, place: string, seconds: number, otherwise = seconds, advice = "") {
    const start = performance.now();
    let answers = 0; // the first of the answers without messages, in ms
    for (;;) {
        const answer = await fetch(url, { signal: AbortSignal.timeout(answerSeconds * 1000) })
            .then(async (response) => ({ status: response.status, text: await response.text() }))
            .catch(() => undefined);
        const messages = answer && parse(answer.text);
        if (messages) {
            return { text: answer.text, messages };
        }
        const now = performance.now();
        answers = answer ? answers || now : 0;
        if (now - start > seconds * 1000 || (answer && now - answers > otherwise * 1000)) {
            const said = answer && `status ${answer.status}, ${JSON.stringify(answer.text.slice(0, 80))}`;
            throw new Error(
                said
                    ? `The api answers ${place}, but not with messages: ${said}${advice}`
                    : `The api has not answered ${place} for ${seconds} s.`,
            );
        }
        await sleep(200);
    }
}

function prune(): void {
    const kept = env.BACKUPS_KEPT ?? "7";
    // Anything else would count as 0, and delete all of them.
    if (!/^[1-9]\d{0,3}$/.test(kept)) {
        throw new Error(`BACKUPS_KEPT is ${JSON.stringify(kept)}. It must be a whole number from 1 on.`);
    }
    sweep(folder);
    pruneFolder(folder, Number(kept));
}

const backupsAreFull =
    `The volume of the backups (${folder}) is full, and older backups could not make room. Set a larger storageSize if ` +
    "the storage class can expand volumes, and run pulumi up. On minikube, free disk space on the node.";

/** Throws this message if a write fails for lack of space. The system's own error does not tell which volume is full. */
function explainIfFull(message: string, write: () => void): void {
    try {
        write();
    } catch (error) {
        throw isFull(error) ? new Error(message, { cause: error }) : error;
    }
}

function isFull(error: unknown): boolean {
    return ["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "");
}

const [word = "", name] = process.argv.slice(2);
try {
    const command = commands[word];
    if (!command) {
        throw new Error(`Unknown command: ${word}. Commands: ${Object.keys(commands).join(", ")}.`);
    }
    await command(name);
} catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
}
