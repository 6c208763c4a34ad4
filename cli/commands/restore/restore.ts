/**
 * `npm run restore`: replaces the messages by those of a backup or of a file, in both storage modes.
 *
 * The api is taken out of its Service, so that nobody writes, and its file is replaced whole by one rename. Everything that
 * was there is copied first. If the command is killed, running it again completes the restore, and restoring the copy undoes
 * it: the file is at every moment the old one or the new one.
 */
import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Backups } from "../../../kubernetes/backups";
import { ChatApi, type Message } from "../../../kubernetes/chat-api";
import { Client } from "../../../kubernetes/client";
import { restoresFolder } from "../../../model/names";
import { interruption } from "../../../preflight/messages";
import { countMessages } from "../../../preflight/text";
import { dataFolder } from "../../../pulumi/login";
import { outputsIn } from "../../../pulumi/state";
import { UserError } from "../../../system/errors";
import { writePrivately } from "../../../system/files";
import { type Call, UsageError } from "../../command";
import { type OpenStack, openStack, requireNamespace } from "../../stack";
import { confirm, isInteractive } from "../../terminal";
import { firstMessages, isSame, parseMessages } from "./source";

/** What a restore works on. */
interface Work {
    readonly open: OpenStack;
    readonly api: ChatApi;
    readonly backups: Backups | undefined;
    /** Name of the backup, or path of the file. */
    readonly source: string;
}

/** Runs the command. */
export async function restore({ words, flags, values, output }: Call): Promise<void> {
    const [source, named] = words;
    if (source === undefined) {
        throw new UsageError(
            "Nothing to restore is named.\n" +
                "  List the backups:  npm run backups\n" +
                "  Restore one:       npm run restore -- NAME",
        );
    }
    if (!flags.has("yes") && !isInteractive()) {
        throw new UsageError(
            "npm run restore replaces all messages, and there is no terminal at which it could ask. Nothing was changed.\n" +
                `  Restore without a question:  npm run restore -- ${[...words, "--yes"].join(" ")}`,
        );
    }
    const open = await openStack(named, { mayStart: false, yes: false, output });
    const { namespaceName } = outputsIn(open.state, open.stack.name);
    const client = await Client.connect({ context: open.context, env: open.cluster.env });
    await requireNamespace(client, namespaceName, open.stack.name);
    const api = new ChatApi(client, namespaceName);
    const work: Work = { open, api, source, backups: await Backups.find(client, namespaceName) };
    const isGoingOn = await requireNoSwitch(work);
    const wanted = firstMessages(await readSource(work), values.get("messages"));
    await requireShell(work);
    const before = await api.read();
    await ask(work, before, wanted, flags.has("yes"));
    if (!isGoingOn) {
        await backUp(work);
    }
    await replace(work, before, wanted);
    output.info(`\nThe api has ${countMessages(wanted.length)} now, and is back in its Service.`);
}

/** Whether an earlier restore has taken the api out of its Service. */
async function requireNoSwitch({ open, api }: Work): Promise<boolean> {
    const state = await api.state();
    const interrupted = state && interruption(state);
    if (interrupted && interrupted.code !== "restore-interrupted") {
        throw new UserError(open.output.render([interrupted]));
    }
    return interrupted !== undefined;
}

async function readSource({ open, backups, source }: Work): Promise<readonly Message[]> {
    if (existsSync(source)) {
        return parseMessages(readFileSync(source, "utf8"), source);
    }
    if (!backups) {
        throw new UserError(
            `There is no file ${source}, and stack ${open.stack.name} makes no backups. Nothing was changed.`,
        );
    }
    open.output.info(`Reading ${source} ...`);
    return parseMessages(await backups.read(source), source);
}

async function requireShell({ api }: Work): Promise<void> {
    if (!(await api.hasShell())) {
        throw new UserError(
            "The api's image has no shell, so its file cannot be replaced. Nothing was changed.\n" +
                "  Use an image with a shell:  pulumi config set --path images.api IMAGE",
        );
    }
}

async function ask(
    { open, source }: Work,
    before: readonly Message[],
    wanted: readonly Message[],
    yes: boolean,
): Promise<void> {
    const question = `Replace the api's ${countMessages(before.length)} by the ${countMessages(wanted.length)} of ${source}?`;
    if (yes) {
        open.output.info(question.replace(/\?$/, ". A copy is made first."));
    } else if (!(await confirm(question))) {
        throw new UserError("Nothing was changed.");
    }
}

/** The backup of what is there, if the stack makes any and its file can be read on a claim. */
async function backUp({ open, api, backups }: Work): Promise<void> {
    if (backups && (await api.mode()) === "persistent") {
        open.output.info("1/4 Make a backup of what is there");
        await backups.make("before-restore");
    }
}

async function replace(work: Work, before: readonly Message[], wanted: readonly Message[]): Promise<void> {
    const { open, api } = work;
    const { output, stack } = open;
    const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
    const copy = join(dataFolder(stack.env), restoresFolder, `${stack.name}-${time}.json`);
    writePrivately(copy, JSON.stringify(before, undefined, 2));
    onFailure(work, copy);
    output.info("2/4 Take the api out of its Service, so that nobody can post");
    await api.takeOutOfService(`${hostname()}:${copy}`);
    const last = await api.readWhenQuiet();
    writePrivately(copy, JSON.stringify(last, undefined, 2));
    output.info(`3/4 Replace its file. The ${countMessages(last.length)} that it had are in ${copy}`);
    await api.replaceFile(wanted);
    await requireSame(api, wanted);
    output.info("4/4 Put the api back into its Service");
    await api.putBackIntoService();
}

/** Through the api, as people read it. It reads its file for every request. */
async function requireSame(api: ChatApi, wanted: readonly Message[]): Promise<void> {
    for (let attempt = 0; attempt < 10; attempt++) {
        if (isSame(await api.read(), wanted)) {
            return;
        }
        await sleep(1000);
    }
    throw new UserError("The api does not return the messages that were restored.");
}

/** Says what the state is and how to go on, however the command ends. */
function onFailure({ open: { stack }, source }: Work, copy: string): void {
    process.on("exit", (status) => {
        if (status !== 0) {
            console.error(
                "\nThe restore is not complete: the api may be out of its Service, and nobody can post then.\n" +
                    `  Complete it:  npm run restore -- ${source} ${stack.name}\n` +
                    `  Go back:      npm run restore -- ${copy} ${stack.name}`,
            );
        }
    });
}
