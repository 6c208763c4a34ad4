/**
 * `npm run switch -- persistent|ephemeral [STACK]`: changes the storage mode and takes the messages along.
 *
 * The api is taken out of its Service, its messages are copied to a file of this machine, `pulumi up` changes the
 * storage, the messages are written into the new volume and compared, and the api is put back. What was done stands in a
 * journal beside the copy: killed at any step, the next run goes on from there, in this direction or back.
 */
import { rmSync, writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { connect } from "../cluster/kubectl";
import { claimName } from "../components/storage";
import { switchMark } from "../preflight";
import { RunningApi } from "./api";
import { readArguments } from "./arguments";
import { type Journal, journalPath, readJournal, removeJournal, writeJournal } from "./journal";
import { type Message, answered, begins, count, fingerprint, join } from "./messages";
import { type Environment, UserError, main, output } from "./process";
import { clusterOf, configFile, configIn, dataFolder, outputs, projectName, pulumi } from "./stack";

type Mode = Journal["to"];

/** A journal that has its copy: from here on the storage may change. */
type Copied = Journal & { readonly copy: readonly Message[] };

interface Work {
    readonly stack: string;
    readonly to: Mode;
    readonly api: RunningApi;
    readonly env: Environment;
    /** Path of the journal. */
    readonly journal: string;
}

const attempts = 3; // to write the messages: the pod may go meanwhile

main(async () => {
    const [to, named] = readArguments("Usage: npm run switch -- persistent|ephemeral [STACK]", 2).words;
    if (to !== "persistent" && to !== "ephemeral") {
        throw new UserError(
            `The storage mode is ${JSON.stringify(to ?? "")}: it must be persistent or ephemeral.\n` +
                "Run: npm run switch -- persistent, or: npm run switch -- ephemeral",
        );
    }
    const { stack, context, env, state } = await clusterOf(named);
    const { namespaceName } = outputs(state, stack);
    const api = new RunningApi(await connect({ context, env }), namespaceName);
    const journal = journalPath(dataFolder(env), stack, await api.installation());
    const work: Work = { stack, to, api, env, journal };
    refuseOtherNamespace(work, namespaceName);
    await takeAlong(work);
});

async function takeAlong(work: Work): Promise<void> {
    const { to, api } = work;
    const earlier = readJournal(work.journal);
    refuseSecond(earlier);
    if (!earlier && (await api.mode()) === to) {
        configure(work, "storageMode", to);
        // A switch from another machine, which was not completed, has left it out.
        await api.serve(true);
        console.log(`The storage of stack ${work.stack} is ${to} already.`);
        return;
    }
    sayHowToGoOn(work);
    await refuseProtected(work);
    const copied = await copy(work, begin(work, earlier));
    await changeStorage(work, copied);
    const after = await fill(work, copied);
    prove(copied.copy, after);
    await api.serve(true);
    removeJournal(work.journal);
    console.log(`\nThe storage is ${to} now, and the api answers again.`);
}

/** Where this run starts: from nothing, or from what an earlier one did. */
function begin({ to }: Work, earlier: Journal | undefined): Journal {
    const own = { to, pid: process.pid };
    if (!earlier) {
        return own;
    }
    console.log(`Going on with a switch to ${earlier.to} storage that was interrupted.`);
    const { to: before, wanted, ...done } = earlier;
    // On the way back, what was to be in the end is what there is to take along.
    return before === to ? { ...earlier, ...own } : { ...done, ...own, ...(wanted && { copy: wanted }) };
}

/** Step 1: from here on nobody posts, and the messages are in a file of this machine. */
async function copy(work: Work, journal: Journal): Promise<Copied> {
    const { api, to } = work;
    console.log("1/4 Taking the api out of its Service (nobody can post), and copying its messages ...");
    writeJournal(work.journal, journal);
    try {
        await api.serve(false);
        if (journal.copy && (await api.mode()) === to) {
            console.log(`    Copied by the earlier run: ${count(journal.copy)}, in ${work.journal}`);
            return { ...journal, copy: journal.copy };
        }
        const messages = join(journal.copy ?? [], await api.messages());
        await refuseAnswered(work, messages);
        const unread = journal.copy ? journal.unreadClaim : await unreadClaim(work);
        const copied = { ...journal, copy: messages, ...(unread && { unreadClaim: unread }) };
        writeJournal(work.journal, copied);
        proveCopy(work, messages);
        return copied;
    } catch (error) {
        if (!journal.copy) {
            await undo(work);
        }
        throw error;
    }
}

/** Read back from the disk: only what stands there counts. */
function proveCopy(work: Work, messages: readonly Message[]): void {
    const copy = readJournal(work.journal)?.copy ?? [];
    if (fingerprint(copy) !== fingerprint(messages)) {
        throw new UserError(
            `The copy in ${work.journal} differs from the api's messages: is the disk sound?`,
        );
    }
    console.log(`    ${count(copy)} (${fingerprint(copy)}), in ${work.journal}`);
}

async function undo(work: Work): Promise<void> {
    console.log("    Nothing was changed: putting the api back into its Service.");
    await work.api.serve(true);
    removeJournal(work.journal);
}

/** Step 2: the claim may go, since the copy is on the disk. */
async function changeStorage(work: Work, journal: Copied): Promise<void> {
    console.log(`2/4 Changing the storage to ${work.to}: pulumi up ...`);
    configure(work, "storageMode", work.to);
    const env = { ...work.env, [switchMark]: "1" };
    const discard = await claimToDiscard(work, journal);
    const config = discard === undefined ? [] : ["--config-file", writeConfig(work, discard)];
    try {
        pulumi(work.stack, ["up", "--yes", "--skip-preview", ...config], env);
    } finally {
        rmSync(configPath(work), { force: true });
    }
}

/** In a file for this `up` alone: what stands in the stack's own config would count for a later change as well. */
function writeConfig(work: Work, discard: string): string {
    console.log(`    discardClaim: ${discard}, for this pulumi up`);
    const config = { ...configIn(configFile(work.stack)), [`${projectName()}:discardClaim`]: discard };
    writeFileSync(configPath(work), stringify({ config }), { mode: 0o600 });
    return configPath(work);
}

function configPath({ journal }: Work): string {
    return journal.replace(/json$/, "yaml");
}

/** Step 3: into the new volume. Gives what the api has in the end. */
async function fill(work: Work, journal: Copied): Promise<readonly Message[]> {
    const { api } = work;
    console.log("3/4 Writing the messages into the new volume ...");
    let current = await api.messages();
    const wanted = journal.wanted ?? join(current, journal.copy);
    if (wanted.length > journal.copy.length) {
        console.log(`    It holds ${count(current)} already: they stay, and the copy follows them.`);
    }
    writeJournal(work.journal, { ...journal, wanted });
    for (let attempt = 1; attempt <= attempts && !begins(wanted, current); attempt++) {
        if (!begins(current, wanted)) {
            throw new UserError(`The new volume holds other messages than the copy, in ${work.journal}.`);
        }
        await write(work, wanted, current.length);
        current = await api.messages();
    }
    if (!begins(wanted, current)) {
        throw new UserError(
            `The api has ${count(current)} of ${wanted.length}. Is its pod sound? See: kubectl describe pod`,
        );
    }
    return current;
}

/** By its file where the image has a shell, which keeps every field; else by posts, as people's own. */
async function write(work: Work, wanted: readonly Message[], done: number): Promise<void> {
    try {
        if (await work.api.hasShell()) {
            await work.api.replaceFile(wanted);
            return;
        }
        await work.api.post(wanted.slice(done), (posted) => {
            if (posted % 100 === 0) {
                console.log(`    ${done + posted} of ${wanted.length}`);
            }
        });
    } catch (error) {
        // The pod may have gone meanwhile: what it has now is looked at again, and the rest written.
        if (!(error instanceof UserError)) {
            throw error;
        }
        console.log(`    ${error.message}`);
    }
}

/** Step 4. */
function prove(before: readonly Message[], after: readonly Message[]): void {
    console.log(
        "4/4 Compared, authors and texts in their order:\n" +
            `    before  ${count(before)} (${fingerprint(before)})\n` +
            `    after   ${count(after)} (${fingerprint(after)})`,
    );
}

/** A claim that is there before any pod mounts it: an earlier switch kept it. */
async function unreadClaim({ api }: Work): Promise<string | undefined> {
    return (await api.claim()) === claimName ? undefined : api.claimUid(claimName);
}

/** The claim of the stack's own that goes. Whatever it holds is in the copy; one that holds more is never named here. */
async function claimToDiscard(
    { to, api, ...work }: Work,
    { unreadClaim }: Copied,
): Promise<string | undefined> {
    if (to === "persistent" || configured(work, "retainData") === "true") {
        return undefined;
    }
    const uid = await api.claimUid(claimName);
    // Mounted, it was read for the copy, and since. Not mounted, it was made by the switch, unless it was there before.
    return (await api.claim()) === claimName || uid !== unreadClaim ? uid : undefined;
}

async function refuseProtected(work: Work): Promise<void> {
    const goes = work.to === "ephemeral" && (await work.api.claim()) === claimName;
    if (goes && configured(work, "protectData") === "true" && configured(work, "retainData") !== "true") {
        throw new UserError(
            "protectData is set, so the claim cannot go. Keep it: pulumi config set retainData true.\n" +
                "Or let it go: pulumi config set protectData false, then npm run up, then this again.",
        );
    }
}

function refuseOtherNamespace(work: Work, live: string): void {
    const wanted = configured(work, "namespace");
    if (wanted !== live) {
        throw new UserError(
            `namespace is ${JSON.stringify(wanted)} in the config, but the stack is in ${live}: run npm run up first.`,
        );
    }
}

async function refuseAnswered(work: Work, messages: readonly Message[]): Promise<void> {
    const [first, ...more] = answered(messages);
    if (first && !(await work.api.hasShell())) {
        throw new UserError(
            `${more.length + 1} of the messages begin with /stats, the first is ${JSON.stringify(first.Text)}: the api answers such a\n` +
                "message with one of its own, so posting them again would add to them, and its image has no shell by which\n" +
                "its file could be written. This chat cannot be taken along.",
        );
    }
}

function refuseSecond(earlier: Journal | undefined): void {
    const running =
        earlier &&
        output("ps", ["-o", "command=", "-p", String(earlier.pid)], process.env)?.includes("switch");
    if (running && earlier.pid !== process.pid) {
        throw new UserError(`Another switch is running (process ${earlier.pid}). Wait until it has ended.`);
    }
}

/** However this ends, a person knows where the messages are. */
function sayHowToGoOn(work: Work): void {
    process.on("SIGINT", () => process.exit(130));
    process.on("exit", (status) => {
        if (status !== 0 && readJournal(work.journal)) {
            const where = readJournal(work.journal)?.copy
                ? `The messages are safe in\n  ${work.journal}`
                : "Its messages are where they were: nothing was copied yet, and nothing changed.";
            console.error(
                `\nThe switch is not complete, and the api is out of its Service. ${where}\n` +
                    `To go on: npm run switch -- ${work.to} ${work.stack}\nTo go back, name the other mode.`,
            );
        }
    });
}

function configured({ stack, env }: Pick<Work, "stack" | "env">, key: string): string | undefined {
    const json = output("pulumi", ["config", "--json", "--stack", stack], env) ?? "{}";
    const config = JSON.parse(json) as Partial<Record<string, { readonly value?: string }>>;
    return config[`${projectName()}:${key}`]?.value;
}

function configure(work: Work, key: string, value: string): void {
    if (configured(work, key) !== value) {
        console.log(`    pulumi config set ${key} ${value}`);
        pulumi(work.stack, ["config", "set", key, value], work.env);
    }
}
