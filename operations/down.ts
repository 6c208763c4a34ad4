/**
 * `npm run down [-- STACK]`: a plain `pulumi destroy`, then proof of the end: every claim, volume and data folder that
 * the stack's namespace had is looked for, and named as gone or kept. Exits with 1 when one is not as the stack says.
 */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { halfSwitched } from "../checks/messages";
import { type Labelled, isOwn } from "../checks/ownership";
import { type ApiFacts, apiIn, countInWords } from "../cluster/facts";
import { connect } from "../cluster/kubectl";
import { instanceOf } from "../components/labels";
import { claimName } from "../components/storage";
import { rules } from "../config";
import { readArguments } from "./arguments";
import { UserError, agrees, isAttended, main, onPath, output } from "./process";
import {
    type Outputs,
    type Resource,
    type StackCluster,
    clusterOf,
    configOf,
    freeDeadLock,
    knownOutputs,
    projectName,
    pulumi,
    resourcesOf,
    shortName,
} from "./stack";
import { type LiveClaim, namespaceType, refusal, stays } from "./guards";
import {
    type HeldClaim,
    type HeldVolume,
    type MountingPod,
    explainClaim,
    explainVolume,
    holders,
} from "./holders";
import { type Found, deleteAll, unrecorded } from "./unrecorded";

/** A claim and the volume behind it, as they were before the destroy. */
interface Data {
    readonly namespace: string;
    readonly claim: string;
    readonly volume: string | undefined;
    /** Folder on the node, where the volume is one. */
    readonly folder: string | undefined;
    /** Whether it stays, by what the state says. */
    readonly kept: boolean;
}

main(async () => {
    const [named] = readArguments("Usage: npm run down -- [STACK]", 1).words;
    const cluster = await clusterOf(named);
    const { stack } = cluster;
    freeDeadLock(stack, cluster.env);
    const { namespaceName, retainsData } = knownOutputs(stack, cluster.env) ?? configured(stack);
    const state = resourcesOf(stack, cluster.env);
    refuse(stack, state, namespaceName, cluster);
    const data = dataOf(stack, namespaceName, state, cluster);
    const api = await apiIn(await connect(cluster), namespaceName);
    if (api?.outOfService) {
        throw new UserError(`${halfSwitched}\nNothing was changed.`);
    }
    announce(data, api);
    await removeUnrecorded(unrecorded(stack, namespaceName, retainsData, state, cluster), cluster);
    try {
        // Where a person sits at the terminal, Pulumi asks before it deletes.
        pulumi(stack, ["destroy", ...(isAttended() ? [] : ["--yes"]), "--refresh"], cluster.env);
    } catch (error) {
        explain(data, cluster);
        throw error;
    }
    await prove(data, cluster);
});

/** It goes first: a claim cannot go while such a pod mounts it. */
async function removeUnrecorded(found: readonly Found[], cluster: StackCluster): Promise<void> {
    if (found.length === 0) {
        return;
    }
    const names = found.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(", ");
    console.log(`Marked as the stack's and not in its state, as after a command that was killed: ${names}.`);
    if (isAttended() && !(await agrees("Delete these?"))) {
        throw new UserError("Nothing was changed.");
    }
    deleteAll(found, cluster);
}

function refuse(stack: string, state: readonly Resource[], namespace: string, cluster: StackCluster): void {
    const config = { retainData: flag(stack, "retainData"), protectData: flag(stack, "protectData") };
    const claims = get<LiveClaim>(cluster, "pvc", "--namespace", namespace);
    const reason = refusal(config, state, claims);
    if (reason) {
        throw new UserError(reason);
    }
    const guest = claims.find((claim) => !isStacks(stack, claim));
    if (guest && !keepsGuests(stack, state)) {
        throw new UserError(
            `Claim ${guest.metadata.name} is not the stack's, and would go with its namespace ${namespace}.\n` +
                "To keep it: pulumi config set retainData true, then npm run up. To lose it, delete it yourself:\n" +
                `kubectl delete pvc ${guest.metadata.name} --namespace ${namespace}\nNothing was changed.`,
        );
    }
    const pods = get<MountingPod>(cluster, "pods", "--namespace", namespace);
    const foreign = pods.filter((pod) => !isStacks(stack, pod));
    const [holder] = config.retainData ? [] : holders(claimName, foreign);
    if (holder) {
        throw new UserError(
            `Pod ${holder.metadata.name} mounts claim ${claimName} and is not the stack's: the claim cannot go while it runs.\n` +
                `Run: kubectl delete pod ${holder.metadata.name} --namespace ${namespace}\nNothing was changed.`,
        );
    }
}

function isStacks(stack: string, object: Labelled): boolean {
    return isOwn(object, instanceOf(projectName(), shortName(stack)));
}

/** Whether the namespace stays, and with it the claims in it that are not the stack's. */
function keepsGuests(stack: string, state: readonly Resource[]): boolean {
    return flag(stack, "retainData") || stays(state, namespaceType);
}

/** Before anything goes: what does, with how many messages. */
function announce(data: readonly Data[], api: ApiFacts | undefined): void {
    console.log(data.length === 0 ? "The stack has no claim." : "The claims of the stack's namespace:");
    for (const { claim, volume, kept } of data) {
        const held =
            claim === api?.claim && api.messages !== undefined ? countInWords(api.messages) : "what it holds";
        const end = kept ? "kept" : "deleted";
        console.log(`  ${claim}, volume ${volume ?? "not bound"}, ${end} with ${held}`);
    }
    if (api?.messages && api.claim === undefined) {
        console.log(`The api's ${countInWords(api.messages)} on ephemeral storage will be gone.`);
    }
}

/** What the config says where no `up` has come to its end, so that there are no outputs. */
function configured(stack: string): Pick<Outputs, "namespaceName" | "retainsData"> {
    const project = projectName();
    const namespace = configOf(stack, `${project}:namespace`);
    return {
        namespaceName: typeof namespace === "string" ? namespace : rules.namespace.default,
        retainsData: flag(stack, "retainData"),
    };
}

function flag(stack: string, key: "retainData" | "protectData"): boolean {
    return [true, "true"].includes(configOf(stack, `${projectName()}:${key}`) as boolean | string);
}

/** A claim of the stack's own goes with the stack, any other one with the namespace. */
function dataOf(
    stack: string,
    namespace: string,
    state: readonly Resource[],
    cluster: StackCluster,
): readonly Data[] {
    return get<Claim>(cluster, "pvc", "--namespace", namespace).map(({ metadata, spec }) => ({
        namespace,
        claim: metadata.name,
        volume: spec.volumeName,
        folder: spec.volumeName && volumeNamed(spec.volumeName, cluster)?.spec.hostPath?.path,
        kept: isStacks(stack, { metadata }) ? flag(stack, "retainData") : keepsGuests(stack, state),
    }));
}

async function prove(data: readonly Data[], cluster: StackCluster): Promise<void> {
    const wrong: string[] = [];
    for (const item of data) {
        for (const [what, isThere] of things(item, cluster)) {
            const there = await settled(isThere, item.kept);
            console.log(`  ${there ? "kept" : "gone"}  ${what}`);
            if (there !== item.kept) {
                wrong.push(`${what} is ${there ? "still there" : "gone, although it was to be kept"}`);
            }
        }
    }
    if (wrong.length > 0) {
        explain(data, cluster);
        throw new UserError(`It did not end as it should: ${wrong.join("; ")}.`);
    }
}

/** Says what holds each claim and volume that should be gone and is not. */
function explain(data: readonly Data[], cluster: StackCluster): void {
    for (const { namespace, claim, volume } of data.filter(({ kept }) => !kept)) {
        const pods = get<MountingPod>(cluster, "pods", "--namespace", namespace);
        get<HeldClaim>(cluster, "pvc", "--namespace", namespace)
            .filter(({ metadata }) => metadata.name === claim)
            .forEach((held) => {
                console.log(`  ${explainClaim(held, pods)}`);
            });
        const held = volume && volumeNamed(volume, cluster);
        if (held && held.status?.phase !== "Bound") {
            console.log(`  ${explainVolume(held)}`);
        }
    }
}

/** What is looked for, and how. */
function things(item: Data, cluster: StackCluster): [what: string, isThere: () => boolean][] {
    const { namespace, claim, volume, folder } = item;
    const found: [string, () => boolean][] = [
        [
            `claim ${claim}`,
            () =>
                get<Claim>(cluster, "pvc", "--namespace", namespace).some(
                    ({ metadata }) => metadata.name === claim,
                ),
        ],
    ];
    if (volume) {
        found.push([`volume ${volume}`, () => volumeNamed(volume, cluster) !== undefined]);
    }
    if (folder && cluster.kind === "sandbox") {
        found.push([`data folder ${folder}`, () => existsSync(folder)]);
    } else if (folder && cluster.kind === "minikube" && onPath("minikube", cluster.env)) {
        const test = ["ssh", "--", "test", "-e", folder];
        found.push([
            `data folder ${folder} in minikube`,
            () => output("minikube", test, cluster.env) !== undefined,
        ]);
    }
    return found;
}

/** Whether it is there. What must go has half a minute: a volume goes a moment after its claim. */
async function settled(isThere: () => boolean, kept: boolean): Promise<boolean> {
    for (let attempt = 0; attempt < 30 && !kept && isThere(); attempt++) {
        await sleep(1000);
    }
    return isThere();
}

interface Claim {
    readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
    readonly spec: { readonly volumeName?: string };
}

function volumeNamed(name: string, cluster: StackCluster): HeldVolume | undefined {
    return get<HeldVolume>(cluster, "pv").find(({ metadata }) => metadata.name === name);
}

function get<T>(cluster: StackCluster, ...what: readonly string[]): T[] {
    const json = output(
        "kubectl",
        ["--context", cluster.context, "get", ...what, "--output=json"],
        cluster.env,
    );
    if (json === undefined) {
        throw new UserError(
            `kubectl get ${what.join(" ")} failed: is the cluster of context ${cluster.context} running?`,
        );
    }
    return (JSON.parse(json) as { items: T[] }).items;
}
