/**
 * `npm run switch -- persistent|ephemeral [STACK]`: changes the storage mode and takes the messages along.
 *
 * The api is taken out of its Service, its messages are copied to a file of this machine, `pulumi up` changes the
 * storage, the messages are written into the new volume and compared, and the api is put back. What was done stands in a
 * journal beside the copy: killed at any step, the next run goes on from there, in this direction or back.
 */
import { rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { stringify } from "yaml";
import { connect } from "../cluster/kubectl";
import { outOfService } from "../components/labels";
import { claimName } from "../components/storage";
import { type Settings, readSettings } from "../config";
import { switchMark } from "../preflight";
import { RunningApi } from "./api";
import { readArguments } from "./arguments";
import { claimType } from "./guards";
import { type Journal, beginJournal, journalPath, readJournal, removeJournal, writeJournal } from "./journal";
import { type Message, answered, begins, count, fingerprint, join } from "./messages";
import { UsageError, UserError, main, output } from "./process";
import {
    type StackCluster,
    clusterOf,
    configDocument,
    configText,
    dataFolder,
    outputs,
    projectName,
    pulumi,
    rawConfig,
    restoreConfig,
    settingOf,
} from "./stack";

type Mode = Journal["to"];

/** A journal that has its copy: from here on the storage may change. */
type Copied = Journal & { readonly copy: readonly Message[] };

interface Work {
    readonly cluster: StackCluster;
    readonly to: Mode;
    readonly api: RunningApi;
    /** Path of the journal. */
    readonly journal: string;
}

const attempts = 3; // to write the messages: the pod may go meanwhile

main(async () => {
    const [to, named] = readArguments("Usage: npm run switch -- persistent|ephemeral [STACK]", 2).words;
    if (to !== "persistent" && to !== "ephemeral") {
        throw new UsageError(
            `The storage mode is ${JSON.stringify(to ?? "")}: it must be persistent or ephemeral.\n` +
                "Run: npm run switch -- persistent, or: npm run switch -- ephemeral",
        );
    }
    const cluster = await clusterOf(named);
    const { stack, env, state } = cluster;
    const { namespaceName } = outputs(state, stack);
    const api = new RunningApi(await connect(cluster), namespaceName);
    const journal = journalPath(dataFolder(env), await api.installation());
    refuseOtherNamespace(stack, namespaceName);
    await takeAlong({ cluster, to, api, journal });
});

async function takeAlong(work: Work): Promise<void> {
    const { to, api, cluster } = work;
    const earlier = readJournal(work.journal);
    refuseSecond(earlier);
    if (!earlier) {
        refuseElsewhere(work, await api.takenOutBy());
        if ((await api.mode()) === to) {
            configure(work, to);
            console.log(`The storage of stack ${cluster.stack} is ${to} already.`);
            return;
        }
    }
    const settings = readSettings(rawConfig(cluster.stack, { storageMode: to }), projectName());
    await refuseProtected(work, settings);
    const journal = begin(work, earlier);
    sayHowToGoOn(work);
    const copied = await copy(work, journal);
    await changeStorage(work, copied, settings, earlier === undefined);
    prove(await fill(work, copied));
    api.putBack();
    await api.untilServed(true);
    removeJournal(work.journal);
    console.log(`\nThe storage is ${to} now, and the api answers again.`);
}

/** Where this run starts: from nothing, or from what an earlier one did. */
function begin({ to, journal }: Work, earlier: Journal | undefined): Journal {
    const own = { to, pid: process.pid };
    if (!earlier) {
        if (!beginJournal(journal, own)) {
            throw new UserError("Another switch has just begun. Wait until it has ended.");
        }
        return own;
    }
    console.log(`Going on with a switch to ${earlier.to} storage that was interrupted.`);
    const begun = earlier.to === to ? { ...earlier, ...own } : { ...turned(earlier), ...own };
    writeJournal(journal, begun);
    return begun;
}

/** On the way back, what was to be in the end is what there is to take along: all that the copy and the claim held. */
function turned({ copy, unreadClaim, wanted }: Journal): Partial<Journal> {
    return wanted ? { copy: wanted } : { ...(copy && { copy }), ...(unreadClaim && { unreadClaim }) };
}

/** Step 1: from here on nobody posts, and the messages are in a file of this machine. */
async function copy(work: Work, journal: Journal): Promise<Copied> {
    const { api, to } = work;
    console.log("1/4 Taking the api out of its Service (nobody can post), and copying its messages ...");
    try {
        await api.takeOut(`${hostname()}:${work.journal}`);
        if (journal.copy && (await api.mode()) === to) {
            console.log(`    Copied by the earlier run: ${count(journal.copy)}, in ${work.journal}`);
            return { ...journal, copy: journal.copy };
        }
        const copied = await gather(work, journal);
        writeJournal(work.journal, copied);
        proveCopy(work, copied.copy);
        return copied;
    } catch (error) {
        if (!journal.copy) {
            undo(work);
        }
        throw error;
    }
}

/** All that there is to take along: what an earlier run copied, and what the api has. */
async function gather(work: Work, { unreadClaim, ...journal }: Journal): Promise<Copied> {
    const { api } = work;
    const { copy: earlier } = journal;
    if (earlier && !(await api.isReady())) {
        // On the way back from a volume that no pod could use: nobody has posted since the copy was made.
        console.log("    The api has no pod that is ready, so the earlier copy is what there is.");
        return { ...journal, copy: earlier, ...(unreadClaim && { unreadClaim }) };
    }
    const messages = earlier ? join(earlier, await api.read()) : await lastMessages(work);
    await refuseAnswered(work, messages);
    const mounted = (await api.claim()) === claimName;
    // A claim that is there before any pod mounts it: an earlier switch kept it.
    const unread = mounted ? undefined : earlier ? unreadClaim : await api.claimUid(claimName);
    return { ...journal, copy: messages, ...(unread && { unreadClaim: unread }) };
}

/** Who is connected to the pod can still post. With a claim the pod can be ended, without one only waited for. */
async function lastMessages({ api }: Work): Promise<readonly Message[]> {
    if ((await api.mode()) === "ephemeral") {
        return api.messages();
    }
    api.restart();
    return api.read();
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

/** Back to before this run. The api answers again once it is ready, as soon as it was before. */
function undo(work: Work): void {
    console.log("    The storage was not changed: putting the api back into its Service.");
    work.api.putBack();
    removeJournal(work.journal);
}

/**
 * Step 2: the claim may go, since the copy is on the disk.
 *
 * @param isFirst whether no earlier run has done anything yet.
 */
async function changeStorage(
    work: Work,
    journal: Copied,
    settings: Settings,
    isFirst: boolean,
): Promise<void> {
    const { cluster, to } = work;
    console.log(`2/4 Changing the storage to ${to}: pulumi up ...`);
    const before = configText(cluster.stack);
    configure(work, to);
    const discard = await claimToDiscard(work, journal, settings);
    const config = discard === undefined ? [] : ["--config-file", writeConfig(work, discard)];
    try {
        await refuseLate(work, journal);
        // A killed run may have changed what it did not get to record: on the way back that would seem unchanged.
        pulumi(cluster.stack, ["up", "--yes", "--skip-preview", "--refresh", ...config], {
            ...cluster.env,
            [switchMark]: "1",
        });
    } catch (error) {
        if (isFirst && (await isUntouched(work, journal))) {
            restoreConfig(cluster.stack, before);
            undo(work);
            throw new UserError("The storage cannot be changed, see above. Everything is as it was before.");
        }
        throw error;
    } finally {
        rmSync(configPath(work), { force: true });
    }
}

/** Whoever was connected to the pod when the copy was made may have posted since. */
async function refuseLate({ api, to }: Work, { copy }: Copied): Promise<void> {
    if ((await api.mode()) === to || !(await api.isReady())) {
        return;
    }
    const now = await api.read();
    if (now.length > copy.length) {
        throw new UserError(
            `The api has ${count(now)} by now, and the copy ${copy.length}: somebody posts past its Service.\n` +
                "End what does that (kubectl port-forward, or a connection that was open before), then run this again.",
        );
    }
}

/** Whether the api still has the storage that it had, with all messages in it. */
async function isUntouched({ api, to }: Work, { copy }: Copied): Promise<boolean> {
    try {
        return (await api.mode()) !== to && (await api.isReady()) && begins(copy, await api.read());
    } catch {
        return false;
    }
}

/** In a file for this `up` alone: what stands in the stack's own config would count for a later change as well. */
function writeConfig(work: Work, discard: string): string {
    console.log(`    discardClaim: ${discard}, for this pulumi up`);
    const document = configDocument(work.cluster.stack);
    const config = { ...document.config, [`${projectName()}:discardClaim`]: discard };
    writeFileSync(configPath(work), stringify({ ...document, config }), { mode: 0o600 });
    return configPath(work);
}

function configPath({ journal }: Work): string {
    return journal.replace(/json$/, "yaml");
}

/** Step 3: into the new volume. */
async function fill(work: Work, journal: Copied): Promise<Filled> {
    const { api } = work;
    console.log("3/4 Writing the messages into the new volume ...");
    let current = await api.read();
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
        current = await api.read();
    }
    return { wanted, current };
}

/** What the new volume was to hold, and what it holds. */
interface Filled {
    readonly wanted: readonly Message[];
    readonly current: readonly Message[];
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
function prove({ wanted, current }: Filled): void {
    console.log(
        "4/4 Compared, authors and texts in their order:\n" +
            `    before  ${count(wanted)} (${fingerprint(wanted)})\n` +
            `    after   ${count(current)} (${fingerprint(current)})`,
    );
    if (!begins(wanted, current)) {
        throw new UserError("They are not all there. Is the api's pod sound? See: kubectl describe pod");
    }
}

/** The claim of the stack's own that goes. Whatever it holds is in the copy; one that holds more is never named here. */
async function claimToDiscard(
    { to, api }: Work,
    { unreadClaim }: Copied,
    { retainData }: Settings,
): Promise<string | undefined> {
    if (to === "persistent" || retainData) {
        return undefined;
    }
    const uid = await api.claimUid(claimName);
    return uid === unreadClaim ? undefined : uid;
}

/** In the config, or as the last up recorded it. */
async function refuseProtected(
    { to, api, cluster }: Work,
    { protectData, retainData }: Settings,
): Promise<void> {
    const goes = to === "ephemeral" && (await api.claim()) === claimName;
    const recorded = cluster.state.some(({ type, protect }) => type === claimType && protect === true);
    if (goes && (recorded || protectData) && !retainData) {
        throw new UserError(
            "protectData is set, so the claim cannot go. Keep it: pulumi config set retainData true.\n" +
                "Or let it go: pulumi config set protectData false, then npm run up, then this again.",
        );
    }
}

function refuseOtherNamespace(stack: string, live: string): void {
    const wanted = settingOf(stack, "namespace");
    if (wanted !== live) {
        throw new UserError(
            `namespace is ${JSON.stringify(wanted)} in the config, but the stack is in ${live}: run npm run up first,\n` +
                `or go back: pulumi config set namespace ${live}`,
        );
    }
}

/** Its journal has the messages, and may be half written into a volume by now. */
function refuseElsewhere({ api }: Work, journal: string | undefined): void {
    if (journal !== undefined) {
        throw new UserError(
            `A switch of this stack was begun elsewhere and is not complete. Its journal, with the messages: ${journal}\n` +
                "Go on there. Only where that is gone for good: put the api back, with the messages that it has, and run this again:\n" +
                `kubectl patch service api-service --namespace ${api.namespace} --type=json ` +
                `--patch='[{"op":"remove","path":"/spec/selector/${outOfService.replace("/", "~1")}"}]'`,
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
    process.on("exit", (status) => {
        if (status !== 0 && readJournal(work.journal)) {
            const where = readJournal(work.journal)?.copy
                ? `The messages are safe in\n  ${work.journal}`
                : "Its messages are where they were: nothing was copied yet, and nothing changed.";
            console.error(
                `\nThe switch is not complete, and the api is out of its Service. ${where}\n` +
                    `To go on: npm run switch -- ${work.to} ${work.cluster.stack}\nTo go back, name the other mode.`,
            );
        }
    });
}

function configure({ cluster: { stack, env } }: Work, mode: Mode): void {
    if (settingOf(stack, "storageMode") !== mode) {
        console.log(`    pulumi config set storageMode ${mode}`);
        pulumi(stack, ["config", "set", "storageMode", mode], env);
    }
}
