/** The diagram of the stack as Mermaid text, which GitHub draws. It follows from what the program declares. */
import type { types } from "@pulumi/kubernetes";
import type { Deployment, LiveObject, PodSpec, Service } from "../kubernetes/objects.ts";
import { kindOf } from "../model/kinds.ts";
import type { DeclaredObject } from "./declared.ts";

/** Nodes and edges by their Mermaid text, without the storage mode that they belong to. */
interface Graph {
    readonly nodes: readonly string[];
    readonly edges: readonly Edge[];
}

interface Edge {
    readonly from: string;
    readonly to: string;
    readonly label: string;
}

type ConfigMap = LiveObject<types.output.core.v1.ConfigMap>;
type Ingress = LiveObject<types.output.networking.v1.Ingress>;

/** The kinds that have edges. */
interface Kinds {
    readonly ConfigMap: ConfigMap;
    readonly Deployment: Deployment;
    readonly Ingress: Ingress;
    readonly Service: Service;
}

/**
 * Draws the stack in both storage modes at once. What only one of them has is labelled with it.
 *
 * @param ephemeral what the program declares with ephemeral storage.
 * @param persistent what it declares with persistent storage.
 */
export function diagram(ephemeral: readonly DeclaredObject[], persistent: readonly DeclaredObject[]): string {
    const [first, second] = [graphOf(sorted(ephemeral)), graphOf(sorted(persistent))];
    const namespace = persistent.find(({ kind }) => kind === "Namespace")?.metadata.name ?? "";
    const indented = [...new Set([...first.nodes, ...second.nodes])].map((node) => `    ${node}`);
    return [
        "flowchart TB",
        '  browser(["Browser"])',
        `  subgraph namespace["Namespace ${namespace}"]`,
        ...indented,
        "  end",
        ...new Set(labelled(first.edges, second.edges).map(edgeText)),
    ].join("\n");
}

/** The order in which the mocks record objects may change. The diagram's must not. */
function sorted(objects: readonly DeclaredObject[]): readonly DeclaredObject[] {
    return objects.toSorted((one, other) =>
        idOf(one.kind, one.metadata.name) < idOf(other.kind, other.metadata.name) ? -1 : 1,
    );
}

function labelled(ephemeral: readonly Edge[], persistent: readonly Edge[]): readonly Edge[] {
    const has = (edges: readonly Edge[], edge: Edge) =>
        edges.some((other) => edgeText(other) === edgeText(edge));
    const only = (mode: string, edges: readonly Edge[], others: readonly Edge[]) =>
        edges
            .filter((edge) => !has(others, edge))
            .map((edge) => ({ ...edge, label: `${mode}:<br/>${edge.label}` }));
    return [
        ...persistent.filter((edge) => has(ephemeral, edge)),
        ...only("ephemeral", ephemeral, persistent),
        ...only("persistent", persistent, ephemeral),
    ];
}

function edgeText({ from, to, label }: Edge): string {
    return label === "" ? `  ${from} --> ${to}` : `  ${from} -- "${label}" --> ${to}`;
}

function graphOf(objects: readonly DeclaredObject[]): Graph {
    const inNamespace = objects.filter(({ kind }) => kind !== "Namespace");
    const deployments = ofKind(objects, "Deployment");
    return {
        nodes: [...inNamespace.map(objectNode), ...deployments.flatMap(emptyDirNodes)],
        edges: [
            ...ofKind(objects, "Ingress").flatMap(ingressEdges),
            ...ofKind(objects, "Service").flatMap((service) => serviceEdges(service, deployments)),
            ...deployments.flatMap((deployment) => [
                ...configMapEdges(deployment, ofKind(objects, "ConfigMap"), objects),
                ...volumeEdges(deployment),
            ]),
        ],
    };
}

function ofKind<Kind extends keyof Kinds>(
    objects: readonly DeclaredObject[],
    kind: Kind,
): readonly Kinds[Kind][] {
    return objects.filter((object): object is DeclaredObject & Kinds[Kind] => object.kind === kind);
}

// --- nodes ---

function objectNode(object: DeclaredObject): string {
    const { kind, metadata } = object;
    const details = kind === "Deployment" ? [podsOf(object as Deployment)] : [];
    return node(idOf(kind, metadata.name), [kind, metadata.name, ...details], kindOf(kind).holdsData);
}

function emptyDirNodes(deployment: Deployment): readonly string[] {
    return (podSpec(deployment).volumes ?? []).flatMap(({ name = "", emptyDir }) =>
        emptyDir ? node(emptyDirId(deployment, name), ["emptyDir", name], true) : [],
    );
}

function podsOf(deployment: Deployment): string {
    const replicas = deployment.spec?.replicas ?? 1;
    const containers = podSpec(deployment).containers?.length ?? 0;
    return `${count(replicas, "pod")}${containers > 1 ? ` of ${count(containers, "container")}` : ""}`;
}

/** A node. A cylinder stores something. */
function node(id: string, lines: readonly string[], stores: boolean): string {
    const text = `"${lines.join("<br/>")}"`;
    return stores ? `${id}[(${text})]` : `${id}[${text}]`;
}

function idOf(kind: string, name: string): string {
    return `${kind}_${name}`.replaceAll(/[^A-Za-z0-9_]/g, "_");
}

function emptyDirId({ metadata }: Deployment, volume: string): string {
    return idOf("emptyDir", `${metadata.name}_${volume}`);
}

function podSpec({ spec }: Deployment): PodSpec {
    return spec?.template?.spec ?? {};
}

function count(number: number, noun: string): string {
    return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

// --- edges ---

function ingressEdges({ metadata, spec }: Ingress): readonly Edge[] {
    const ingress = idOf("Ingress", metadata.name);
    return (spec?.rules ?? []).flatMap(({ host = "", http }) =>
        (http?.paths ?? []).flatMap(({ backend }) => [
            { from: "browser", to: ingress, label: "" },
            { from: ingress, to: idOf("Service", backend?.service?.name ?? ""), label: host },
        ]),
    );
}

function serviceEdges({ metadata, spec }: Service, deployments: readonly Deployment[]): readonly Edge[] {
    const selector = Object.entries(spec?.selector ?? {});
    return deployments
        .filter((deployment) => {
            const labels = deployment.spec?.template?.metadata?.labels ?? {};
            return selector.every(([label, value]) => labels[label] === value);
        })
        .map((deployment) => ({
            from: idOf("Service", metadata.name),
            to: idOf("Deployment", deployment.metadata.name),
            label: "",
        }));
}

/** The ConfigMaps that a Deployment reads, and the Services whose addresses it finds there. */
function configMapEdges(
    deployment: Deployment,
    configMaps: readonly ConfigMap[],
    objects: readonly DeclaredObject[],
): readonly Edge[] {
    const id = idOf("Deployment", deployment.metadata.name);
    const names = (podSpec(deployment).containers ?? []).flatMap(({ envFrom = [], env = [] }) => [
        ...envFrom.flatMap(({ configMapRef }) => configMapRef?.name ?? []),
        ...env.flatMap(({ valueFrom }) => valueFrom?.configMapKeyRef?.name ?? []),
    ]);
    return configMaps
        .filter(({ metadata }) => names.includes(metadata.name))
        .flatMap(({ metadata, data = {} }) => [
            { from: idOf("ConfigMap", metadata.name), to: id, label: "" },
            ...Object.entries(data).flatMap(([key, value]) =>
                objects
                    .filter(
                        (object) => object.kind === "Service" && value === `http://${object.metadata.name}`,
                    )
                    .map((service) => ({ from: id, to: idOf("Service", service.metadata.name), label: key })),
            ),
        ]);
}

function volumeEdges(deployment: Deployment): readonly Edge[] {
    const { volumes = [], containers = [] } = podSpec(deployment);
    return volumes.flatMap(({ name = "", emptyDir, persistentVolumeClaim }) => {
        const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
        const claim = persistentVolumeClaim?.claimName;
        const to =
            claim === undefined
                ? emptyDir && emptyDirId(deployment, name)
                : idOf("PersistentVolumeClaim", claim);
        const from = idOf("Deployment", deployment.metadata.name);
        return to === undefined
            ? []
            : { from, to, label: mounts.find((mount) => mount.name === name)?.mountPath ?? "" };
    });
}
