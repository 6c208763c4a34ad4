/** Where the figures come from: the parts that ran, and the machine. */
import { readFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { outputOf } from "../../system/process.ts";
import { type Ground, kubectl } from "./contestants.ts";

interface About {
    readonly plugins: readonly { readonly name: string; readonly version?: string }[] | null;
    readonly runtime?: { readonly version?: string };
}

/** One sentence for each of them. */
export async function describePlace(ground: Ground, rounds: number): Promise<string> {
    const { env } = ground;
    const about = JSON.parse(outputOf("pulumi", ["about", "--json"], env) ?? "{}") as Partial<About>;
    const version = (name: string) =>
        about.plugins?.find((plugin) => plugin.name === name)?.version ?? "unknown";
    const packages = JSON.parse(readFileSync("package.json", "utf8")) as {
        dependencies: Record<string, string>;
    };
    const { items } = JSON.parse(await kubectl(ground, "get", "nodes", "--output=json")) as {
        items: readonly {
            status: { nodeInfo: { kubeletVersion: string; containerRuntimeVersion: string } };
        }[];
    };
    const [node] = items;
    const [cpu] = cpus();
    return [
        `Medians of ${rounds} interleaved rounds, after one that is not counted.`,
        `Pulumi ${outputOf("pulumi", ["version"], env) ?? "unknown"}, language host ${version("nodejs")}, Kubernetes provider ${version("kubernetes")}, SDK ${packages.dependencies["@pulumi/pulumi"] ?? "unknown"} and ${packages.dependencies["@pulumi/kubernetes"] ?? "unknown"}, Node.js ${about.runtime?.version ?? process.version}.`,
        `Kubernetes ${node?.status.nodeInfo.kubeletVersion ?? "unknown"} on ${items.length} node, ${node?.status.nodeInfo.containerRuntimeVersion ?? ""}.`,
        `${cpus().length} cores (${cpu?.model.trim() ?? "unknown"}), ${Math.round(totalmem() / 2 ** 30)} GiB of memory, load average ${(loadavg()[2] ?? 0).toFixed(1)} over the last 15 minutes.`,
    ].join(" ");
}
