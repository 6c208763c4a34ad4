/** What a Pulumi command did to a stack, and what the cluster holds after it, in a form that two providers can be compared by. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApiObject } from "../../../cluster/kubectl";
import { kubectl } from "./cluster";
import type { TestStack } from "./stack";

/** What one command did. */
export interface Step {
    readonly edit: string;
    /** Each resource that did not stay the same: what was done to it, and the properties that differed. */
    readonly plan: Record<string, string>;
    /** The objects that are other than before this step, without what changes by itself. */
    readonly objects: Record<string, unknown>;
    /** Objects that are no longer there. */
    readonly gone: readonly string[];
    /** Objects that have the same name as before and are others. */
    readonly others: readonly string[];
}

/** Objects as they are in the cluster, by kind, namespace and name. */
export type Objects = ReadonlyMap<string, { readonly uid: string; readonly normal: unknown }>;

/** Runs a command with the engine's own log of events, and reads the plan from that. */
export async function planOf(
    stack: TestStack,
    ...command: readonly string[]
): Promise<Record<string, string>> {
    const folder = mkdtempSync(join(tmpdir(), "synergychat-events-"));
    const log = join(folder, "events.json");
    // Without it the CLI does not know the flag; Pulumi's own automation library sets it too.
    process.env.PULUMI_DEBUG_COMMANDS = "true";
    try {
        await stack.must(...command, "--yes", "--skip-preview", "--event-log", log);
        const lines = readFileSync(log, "utf8").split("\n").filter(Boolean);
        const steps = lines
            .map((line) => JSON.parse(line) as Event)
            .flatMap(({ resourcePreEvent }) => resourcePreEvent?.metadata ?? []);
        return merge(
            steps.filter(
                ({ op, type }) => !["same", "read", "refresh"].includes(op) && type.startsWith("kubernetes:"),
            ),
        );
    } finally {
        rmSync(folder, { recursive: true });
    }
}

interface Event {
    readonly resourcePreEvent?: { readonly metadata: Operation };
}

interface Operation {
    readonly op: string;
    readonly urn: string;
    readonly type: string;
    readonly detailedDiff?: Readonly<Record<string, unknown>> | null;
}

/** A resource has several steps where it is replaced; the order among resources is the engine's own. */
function merge(steps: readonly Operation[]): Record<string, string> {
    const plan = new Map<string, { ops: Set<string>; paths: Set<string> }>();
    for (const { op, urn, type, detailedDiff } of steps) {
        const name = `${type.split(":").at(-1) ?? ""} ${urn.split("::").at(-1) ?? ""}`;
        const entry = plan.get(name) ?? { ops: new Set<string>(), paths: new Set<string>() };
        plan.set(name, entry);
        entry.ops.add(op);
        Object.keys(detailedDiff ?? {}).forEach((path) => entry.paths.add(topOf(path)));
    }
    const lines = [...plan].map(([name, { ops, paths }]) => [
        name,
        [[...ops].join(", "), [...paths].sort().join(" ")].filter(Boolean).join(": "),
    ]);
    return Object.fromEntries(lines.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))) as Record<string, string>;
}

/** The first two names of a property's path: spec.template, data.API_URL. */
function topOf(path: string): string {
    return path.split(/[.[]/).slice(0, 2).join(".");
}

const kinds =
    "deployments,services,configmaps,persistentvolumeclaims,ingresses,gateways.gateway.networking.k8s.io,httproutes.gateway.networking.k8s.io,namespaces";

/** Every object with the stack's mark. */
export async function objectsOf(stack: TestStack): Promise<Objects> {
    const mark = `app.kubernetes.io/instance=synergychat-${stack.name}`;
    const json = await kubectl("get", kinds, "--all-namespaces", "--selector", mark, "--output=json");
    const { items } = JSON.parse(json) as { items: Live[] };
    return new Map(
        items.map((object) => {
            const { namespace, name, uid } = object.metadata;
            return [
                `${object.kind} ${namespace ? `${namespace}/` : ""}${name}`,
                { uid, normal: normal(object) },
            ];
        }),
    );
}

interface Live extends ApiObject {
    readonly apiVersion: string;
    readonly kind: string;
    readonly metadata: ApiObject["metadata"] & { readonly finalizers?: readonly string[] };
    readonly spec?: Readonly<Record<string, unknown>>;
    readonly data?: unknown;
}

/** What controllers write, and what is another with every run. */
const volatileSpec = ["clusterIP", "clusterIPs", "volumeName"];
const volatileAnnotation = /^(deployment|pv|volume(\.beta)?|kubectl)\.kubernetes\.io\//;

function normal({ apiVersion, metadata, spec, data }: Live): unknown {
    const { labels, annotations = {}, finalizers } = metadata;
    const lasting = Object.entries(annotations).filter(([name]) => !volatileAnnotation.test(name));
    const stable = spec && Object.entries(spec).filter(([name]) => !volatileSpec.includes(name));
    return {
        apiVersion,
        metadata: { labels, annotations: Object.fromEntries(lasting), finalizers },
        ...(stable && { spec: Object.fromEntries(stable) }),
        data,
    };
}

/** What changed between two looks at the cluster. */
export function changes(before: Objects, after: Objects): Pick<Step, "objects" | "gone" | "others"> {
    const changed = [...after].filter(
        ([key, { normal }]) => JSON.stringify(before.get(key)?.normal) !== JSON.stringify(normal),
    );
    return {
        objects: Object.fromEntries(
            changed
                .map(([key, { normal }]) => [key, normal])
                .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
        ) as Record<string, unknown>,
        gone: [...before.keys()].filter((key) => !after.has(key)).sort(),
        others: [...after]
            .filter(([key, { uid }]) => before.has(key) && before.get(key)?.uid !== uid)
            .map(([key]) => key)
            .sort(),
    };
}
