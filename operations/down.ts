/**
 * `npm run down [-- STACK]`: a plain `pulumi destroy`, then proof of the end: every claim, volume and data folder that
 * the stack's namespace had is looked for, and named as gone or kept. Exits with 1 when one is not as the stack says.
 */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Cluster, findCluster } from "./cluster";
import { UserError, main, onPath, output } from "./process";
import { contextOf, outputs, pulumi, withPulumi } from "./stack";

/** A claim and the volume behind it, as they were before the destroy. */
interface Data {
    readonly namespace: string;
    readonly claim: string;
    readonly volume: string | undefined;
    /** Folder on the node, where the volume is one. */
    readonly folder: string | undefined;
}

main(async () => {
    const stack = process.argv[2] ?? "dev";
    const context = contextOf(stack);
    const found = await findCluster(context);
    const cluster = { ...found, env: await withPulumi(found.env) };
    const { namespaceName, retainsData } = outputs(stack, cluster.env);
    const data = dataOf(namespaceName, context, cluster);
    console.log(data.length === 0 ? "The stack has no claim." : "The claims of the stack's namespace:");
    data.forEach(({ claim, volume }) => {
        console.log(
            `  ${claim}, volume ${volume ?? "not bound"}${retainsData ? ", kept" : ", deleted with its messages"}`,
        );
    });
    pulumi(stack, ["destroy", "--yes", "--refresh"], cluster.env);
    await prove(data, retainsData, context, cluster);
});

function dataOf(namespace: string, context: string, cluster: Cluster): Data[] {
    return get<Claim>(context, cluster, "pvc", "--namespace", namespace).map(({ metadata, spec }) => ({
        namespace,
        claim: metadata.name,
        volume: spec.volumeName,
        folder: spec.volumeName && volumeNamed(spec.volumeName, context, cluster)?.spec.hostPath?.path,
    }));
}

async function prove(data: readonly Data[], kept: boolean, context: string, cluster: Cluster): Promise<void> {
    const wrong: string[] = [];
    for (const item of data) {
        for (const [what, isThere] of things(item, context, cluster)) {
            const there = await settled(isThere, kept);
            console.log(`  ${there ? "kept" : "gone"}  ${what}`);
            if (there !== kept) {
                wrong.push(what);
            }
        }
    }
    if (wrong.length > 0) {
        throw new UserError(
            `${wrong.join(", ")}: ${kept ? "gone, although retainData is set" : "still there"}.\n` +
                "See what holds it: kubectl describe pvc,pv. minikube's provisioner ignores volumes that it made before\n" +
                "its last restart: delete such a volume with kubectl delete pv, and its folder with minikube ssh.",
        );
    }
}

/** What is looked for, and how. */
function things(item: Data, context: string, cluster: Cluster): [what: string, isThere: () => boolean][] {
    const { namespace, claim, volume, folder } = item;
    const found: [string, () => boolean][] = [
        [
            `claim ${claim}`,
            () =>
                get<Claim>(context, cluster, "pvc", "--namespace", namespace).some(
                    ({ metadata }) => metadata.name === claim,
                ),
        ],
    ];
    if (volume) {
        found.push([`volume ${volume}`, () => volumeNamed(volume, context, cluster) !== undefined]);
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
    readonly metadata: { readonly name: string };
    readonly spec: { readonly volumeName?: string };
}

interface Volume {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly hostPath?: { readonly path: string } };
}

function volumeNamed(name: string, context: string, cluster: Cluster): Volume | undefined {
    return get<Volume>(context, cluster, "pv").find(({ metadata }) => metadata.name === name);
}

function get<T>(context: string, cluster: Cluster, ...what: readonly string[]): T[] {
    const json = output("kubectl", ["--context", context, "get", ...what, "--output=json"], cluster.env);
    if (json === undefined) {
        throw new UserError(
            `kubectl get ${what.join(" ")} failed: is the cluster of context ${context} running?`,
        );
    }
    return (JSON.parse(json) as { items: T[] }).items;
}
