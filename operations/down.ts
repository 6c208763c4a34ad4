/**
 * `npm run down [-- STACK] [--yes]`: a plain `pulumi destroy`, then proof of the end: every claim, volume and data folder
 * that the stack's namespaces had is looked for, and named as gone or kept. Exits with 1 when one is not as the stack says.
 *
 * Nothing is deleted without a yes: it is asked for at a terminal, and `--yes` gives it without a question.
 */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { halfSwitched } from "../checks/messages";
import { isOwn, isRetained } from "../checks/ownership";
import { type ApiFacts, type Claim, apiIn, countInWords, listOf, objectAt } from "../cluster/facts";
import { type ApiObject, type Connection, connect } from "../cluster/kubectl";
import { instanceOf } from "../components/labels";
import { claimName } from "../components/storage";
import { rules } from "../config";
import { recordedIn } from "../state";
import { readArguments } from "./arguments";
import { UsageError, UserError, agrees, isAttended, main, onPath, output } from "./process";
import {
    type StackCluster,
    clusterOf,
    knownOutputs,
    projectName,
    pulumi,
    settingOf,
    shortName,
} from "./stack";
import { namespaceType, refusal, stays } from "./guards";
import {
    type HeldClaim,
    type HeldVolume,
    type MountingPod,
    explainClaim,
    explainVolume,
    holders,
} from "./holders";
import { deleteAll, marked, unrecorded } from "./unrecorded";

/** What is destroyed, and what is asked of it. */
interface Doomed {
    /** Whether the person gave the yes with the command, by `--yes`. */
    readonly yes: boolean;
    readonly cluster: StackCluster;
    readonly connection: Connection;
    /** The stack's mark on its objects. */
    readonly instance: string;
    /** retainData, as the config says. */
    readonly retainData: boolean;
    /** protectData, as the config says. */
    readonly protectData: boolean;
    /** The stack's namespaces: one, or more after a run that was killed on the way from one to another. */
    readonly places: readonly Place[];
}

/** A namespace, with what would go where it goes. */
interface Place {
    readonly namespace: string;
    /** undefined: there is no such namespace. */
    readonly found: ApiObject | undefined;
    readonly claims: readonly Claim[];
    readonly pods: readonly (MountingPod & ApiObject)[];
    readonly api: ApiFacts | undefined;
}

/** A claim and the volume behind it, as they were before the destroy. */
interface Data {
    readonly namespace: string;
    readonly claim: string;
    readonly volume: string | undefined;
    /** Folder on the node, where the volume is one. */
    readonly folder: string | undefined;
    /** Whether it stays, by what the state says. */
    readonly kept: boolean;
    /** What it holds, in words. */
    readonly held: string;
}

main(async () => {
    const { words, flags } = readArguments("Usage: npm run down -- [STACK] [--yes]", 1, "yes");
    const yes = flags.has("yes");
    if (!yes && !isAttended()) {
        throw new UsageError(
            "npm run down deletes the stack with its data, and there is no terminal at which it could ask for a yes.\n" +
                "Nothing was changed. To delete without a question:\n" +
                `npm run down -- ${[...words, "--yes"].join(" ")}`,
        );
    }
    const doomed = await lookAt(await clusterOf(words[0], yes), yes);
    const { cluster } = doomed;
    refuse(doomed);
    const data = await dataOf(doomed);
    announce(data, doomed);
    await removeUnrecorded(doomed);
    try {
        // Without --yes Pulumi lists what it deletes, and asks.
        pulumi(cluster.stack, ["destroy", ...(yes ? ["--yes"] : []), "--refresh"], cluster.env);
    } catch (error) {
        await explain(data, doomed, isTerminating);
        throw error;
    }
    await prove(data, doomed);
});

async function lookAt(cluster: StackCluster, yes: boolean): Promise<Doomed> {
    const { stack, state } = cluster;
    const connection = await connect(cluster);
    const namespaces = new Set([
        knownOutputs(state)?.namespaceName ?? settingOf(stack, "namespace"),
        ...recordedIn(state).namespaces,
    ]);
    return {
        yes,
        cluster,
        connection,
        instance: instanceOf(projectName(), shortName(stack)),
        retainData: flag(stack, "retainData"),
        protectData: flag(stack, "protectData"),
        places: await Promise.all([...namespaces].map((namespace) => placeOf(connection, namespace))),
    };
}

function flag(stack: string, key: "retainData" | "protectData"): boolean {
    const text = settingOf(stack, key);
    const value = rules[key].parse(text);
    if (value === undefined) {
        throw new UserError(
            `${key} is ${JSON.stringify(text)}: it must be ${rules[key].allowed}. Nothing was changed.`,
        );
    }
    return value;
}

async function placeOf(connection: Connection, namespace: string): Promise<Place> {
    const [found, claims, pods, api] = await Promise.all([
        namespaceNamed(namespace, connection),
        claimsIn<Claim>(connection, namespace),
        podsIn(connection, namespace),
        apiIn(connection, namespace),
    ]);
    return { namespace, found, claims, pods, api };
}

/** It goes first: a claim cannot go while such a pod mounts it. */
async function removeUnrecorded({ cluster, connection, instance, ...doomed }: Doomed): Promise<void> {
    const { stack, state } = cluster;
    const keepData = knownOutputs(state)?.retainsData ?? doomed.retainData;
    const namespaces = doomed.places.map(({ namespace }) => namespace);
    const found = unrecorded(await marked(connection, instance), namespaces, keepData, state);
    if (found.length === 0) {
        return;
    }
    const names = found.map(({ kind, metadata }) => `${kind ?? ""} ${metadata.name}`).join(", ");
    if (state.length === 0) {
        throw new UserError(
            `The state of stack ${stack} is empty, but the cluster has objects with its marks: ${names}.\n` +
                "Is its state in another place, or on another machine? This one is in: pulumi whoami --verbose\n" +
                `To take them over, and then destroy them: npm run up -- ${stack}, then npm run down -- ${stack}\n` +
                "Nothing was changed.",
        );
    }
    console.log(`Marked as the stack's and not in its state, as after a command that was killed: ${names}.`);
    if (!doomed.yes && !(await agrees("Delete these?"))) {
        throw new UserError("Nothing was changed.");
    }
    deleteAll(found, cluster);
}

function refuse(doomed: Doomed): void {
    const claims = doomed.places.flatMap((place) => place.claims);
    const reasons = [
        doomed.places.some(({ api }) => api?.outOfService) ? halfSwitched : undefined,
        refusal(doomed, doomed.cluster.state, claims),
        ...doomed.places.flatMap((place) => [guestIn(place, doomed), holderIn(place, doomed)]),
    ];
    const reason = reasons.find((one) => one !== undefined);
    if (reason !== undefined) {
        throw new UserError(`${reason}\nNothing was changed.`);
    }
}

/** A claim of somebody else's that would go with its namespace. */
function guestIn({ namespace, claims }: Place, doomed: Doomed): string | undefined {
    const guest = claims.find((claim) => !isOwn(claim, doomed.instance));
    return guest && !keepsGuests(doomed)
        ? `Claim ${guest.metadata.name} is not the stack's, and would go with its namespace ${namespace}.\n` +
              "To keep it: pulumi config set retainData true, then npm run up. To lose it, delete it yourself:\n" +
              `kubectl delete pvc ${guest.metadata.name} --namespace ${namespace}`
        : undefined;
}

/** A pod of somebody else's that the claim would wait for. */
function holderIn({ namespace, pods }: Place, { instance, retainData }: Doomed): string | undefined {
    const foreign = pods.filter((pod) => !isOwn(pod, instance));
    const [holder] = retainData ? [] : holders(claimName, foreign);
    return (
        holder &&
        `Pod ${holder.metadata.name} mounts claim ${claimName} and is not the stack's: the claim cannot go while it runs.\n` +
            `Run: kubectl delete pod ${holder.metadata.name} --namespace ${namespace}`
    );
}

/** Whether the namespace stays, and with it the claims in it that are not the stack's. */
function keepsGuests({ retainData, cluster }: Doomed): boolean {
    return retainData || stays(cluster.state, namespaceType);
}

/** Before anything goes: what does, with how many messages. */
function announce(data: readonly Data[], { places }: Doomed): void {
    console.log(data.length === 0 ? "The stack has no claim." : "The claims of the stack's namespace:");
    for (const { claim, volume, kept, held } of data) {
        console.log(`  ${claim}, volume ${volume ?? "not bound"}, ${kept ? "kept" : "deleted"} with ${held}`);
    }
    for (const { api } of places) {
        if (api?.messages && api.claim === undefined) {
            console.log(`The api's ${countInWords(api.messages)} on ephemeral storage will be gone.`);
        }
    }
}

/** A claim of the stack's own goes with the stack, any other one with the namespace. */
function dataOf(doomed: Doomed): Promise<readonly Data[]> {
    const { connection, instance, retainData, places } = doomed;
    const claims = places.flatMap(({ claims, api }) => claims.map((claim) => ({ claim, api })));
    return Promise.all(
        claims.map(async ({ claim, api }) => {
            const { name, namespace = "" } = claim.metadata;
            const volume = claim.spec.volumeName;
            const counted = name === api?.claim && api.messages !== undefined;
            return {
                namespace,
                claim: name,
                volume,
                folder: volume && (await volumeNamed(volume, connection))?.spec.hostPath?.path,
                kept: isOwn(claim, instance) ? retainData : keepsGuests(doomed),
                held: counted ? countInWords(api.messages) : "what it holds",
            };
        }),
    );
}

async function prove(data: readonly Data[], doomed: Doomed): Promise<void> {
    const wrong: string[] = [];
    for (const [what, isThere, kept] of [
        ...data.flatMap((item) => things(item, doomed)),
        ...doomed.places.flatMap((place) => namespaceOf(place, doomed)),
    ]) {
        const there = await settled(isThere, kept);
        console.log(`  ${there ? "kept" : "gone"}  ${what}`);
        if (there !== kept) {
            wrong.push(`${what} is ${there ? "still there" : "gone, although it was to be kept"}`);
        }
    }
    if (wrong.length > 0) {
        await explain(data, doomed);
        throw new UserError(`It did not end as it should: ${wrong.join("; ")}.`);
    }
    if (doomed.retainData && data.length > 0) {
        console.log(
            "The next npm run up finds it again. To delete it: pulumi config set retainData false, then npm run up, then\n" +
                "npm run down.",
        );
    }
}

/**
 * Says what holds each claim and volume that should be gone and is not.
 *
 * @param which of the claims. Default: all.
 */
async function explain(
    data: readonly Data[],
    { connection }: Doomed,
    which: (claim: HeldClaim) => boolean = () => true,
): Promise<void> {
    for (const { namespace, claim, volume } of data.filter(({ kept }) => !kept)) {
        const pods = await podsIn(connection, namespace);
        const left = await claimsIn<HeldClaim>(connection, namespace);
        left.filter((held) => held.metadata.name === claim && which(held)).forEach((held) => {
            console.log(`  ${explainClaim(held, pods)}`);
        });
        const held = volume && (await volumeNamed(volume, connection));
        if (held && held.status?.phase !== "Bound") {
            console.log(`  ${explainVolume(held)}`);
        }
    }
}

/** After a no to Pulumi's question no claim is, and none needs an explanation. */
function isTerminating({ metadata }: HeldClaim): boolean {
    return metadata.deletionTimestamp !== undefined;
}

type Thing = readonly [what: string, isThere: () => Promise<boolean>, kept: boolean];

/** What is looked for, and how. */
function things(item: Data, { cluster, connection }: Doomed): Thing[] {
    const { namespace, claim, volume, folder, kept } = item;
    const isClaimThere = async () =>
        (await claimsIn<Claim>(connection, namespace)).some(({ metadata }) => metadata.name === claim);
    const found: Thing[] = [[`claim ${claim}`, isClaimThere, kept]];
    if (volume) {
        found.push([
            `volume ${volume}`,
            async () => (await volumeNamed(volume, connection)) !== undefined,
            kept,
        ]);
    }
    if (folder && cluster.kind === "sandbox") {
        found.push([`data folder ${folder}`, () => Promise.resolve(existsSync(folder)), kept]);
    } else if (folder && cluster.kind === "minikube" && onPath("minikube", cluster.env)) {
        const test = ["-p", cluster.context, "ssh", "--", "test", "-e", folder];
        found.push([
            `data folder ${folder} in minikube`,
            () => Promise.resolve(output("minikube", test, cluster.env) !== undefined),
            kept,
        ]);
    }
    return found;
}

/** The namespace, where it is the stack's. One that an earlier destroy kept is in no state any more. */
function namespaceOf({ namespace, found }: Place, doomed: Doomed): Thing[] {
    if (!found || !isOwn(found, doomed.instance)) {
        return [];
    }
    const keptEarlier = isRetained(found) && !doomed.cluster.state.some(({ type }) => type === namespaceType);
    const isThere = async () =>
        (await namespaceNamed(namespace, doomed.connection))?.metadata.uid === found.metadata.uid;
    return [[`namespace ${namespace}`, isThere, keptEarlier || keepsGuests(doomed)]];
}

/** Whether it is there. What must go has half a minute: a volume goes a moment after its claim. */
async function settled(isThere: Thing[1], kept: boolean): Promise<boolean> {
    for (let attempt = 0; attempt < 30 && !kept && (await isThere()); attempt++) {
        await sleep(1000);
    }
    return isThere();
}

function claimsIn<T>(connection: Connection, namespace: string): Promise<readonly T[]> {
    return listOf<T>(connection, `/api/v1/namespaces/${namespace}/persistentvolumeclaims`);
}

function podsIn(connection: Connection, namespace: string): Promise<Place["pods"]> {
    return listOf(connection, `/api/v1/namespaces/${namespace}/pods`);
}

function namespaceNamed(name: string, connection: Connection): Promise<ApiObject | undefined> {
    return objectAt(connection, `/api/v1/namespaces/${name}`);
}

function volumeNamed(name: string, connection: Connection): Promise<HeldVolume | undefined> {
    return objectAt(connection, `/api/v1/persistentvolumes/${name}`);
}
