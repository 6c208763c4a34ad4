/**
 * The picture of the stack: what the program declares in both storage modes, as an SVG. Pure: resources in, text out.
 *
 * From top to bottom a request's way: ingress, services, deployments, volumes; from left to right the app's parts. What
 * only one storage mode has is marked with it. A resource that has no place of its own is listed in the last line, so
 * that the picture never leaves one out.
 */
import type { Container, Declared, PodSpec } from "./declared";

type Mode = "ephemeral" | "persistent";

/** A card of the picture. */
interface Card {
    readonly x: number;
    readonly y: number;
    readonly width: number;
    readonly height: number;
}

const parts = ["web", "api", "crawler"] as const;
type Part = (typeof parts)[number];

const column = { width: 290, gap: 30, left: 40 };
const width = column.left * 2 + column.width * 3 + column.gap * 2;
const rows = {
    browser: 16,
    namespace: 104,
    ingress: 142,
    service: 236,
    config: 320,
    deployment: 410,
    chip: 30,
};
const tall = { card: 60, volume: 100 };

/** Draws the stack. */
export function draw(modes: Readonly<Record<Mode, readonly Declared[]>>): string {
    const all = modes.persistent;
    const others = unplaced(all);
    const last = below("api", all) + 2 * tall.volume + 16;
    const bottom = Math.max(last, below("crawler", all) + tall.volume) + 24;
    const foot = others.length * 20;
    const body = [
        namespaceBox(all, bottom + foot),
        browserAndIngress(all),
        ...parts.map((part) => partColumn(all, part)),
        callOfCrawler(),
        databaseVolume(modes, "ephemeral", below("api", all)),
        databaseVolume(modes, "persistent", below("api", all) + tall.volume + 16),
        cacheVolume(all),
        ...others.map((other, index) =>
            text(column.left, bottom + 6 + index * 20, "small", `also: ${other}`),
        ),
    ];
    return svg(bottom + foot + 24, body);
}

// --- what is drawn --------------------------------------------------------------------------------------------------

function namespaceBox(all: readonly Declared[], bottom: number): string {
    const box = { x: 16, y: rows.namespace, width: width - 32, height: bottom - rows.namespace };
    const title = `Namespace ${named(ofKind(all, "Namespace")[0])}`;
    return rectangle(box, "namespace", 14) + text(width - 36, box.y + 26, "kind namespace-ink end", title);
}

function browserAndIngress(all: readonly Declared[]): string {
    const [ingress] = ofKind(all, "Ingress");
    const right = leftOf("api") + column.width;
    const browser = { x: column.left, y: rows.browser, width: right - column.left, height: 52 };
    const lines = (ingress?.inputs.spec.rules ?? []).map((route) => {
        const part = route.http.paths[0]?.backend.service.name.replace(/-service$/, "") as Part;
        const x = leftOf(part) + 24;
        return [
            arrow(`M ${x} ${rows.browser + 52} V ${rows.ingress}`),
            text(x + 10, rows.namespace - 12, "ink", `http://${route.host}`),
            arrow(`M ${x} ${rows.ingress + tall.card} V ${rows.service}`),
        ].join("");
    });
    return [
        rectangle(browser, "browser", 26),
        text(
            browser.x + browser.width / 2,
            rows.browser + 31,
            "name middle",
            "a browser: its page calls the api itself",
        ),
        titled({ ...browser, y: rows.ingress, height: tall.card }, "ingress", "Ingress", named(ingress)),
        ...lines,
    ].join("");
}

/** One part of the app: its Service and ConfigMap, and below them the Deployment that both belong to. */
function partColumn(all: readonly Declared[], part: Part): string {
    const [service, map, deployment] = ["Service", "ConfigMap", "Deployment"].map((kind) =>
        ofPart(all, kind, part),
    );
    const x = leftOf(part);
    const port = service?.inputs.spec.ports[0]?.port ?? 0;
    const card = { x, y: rows.service, width: column.width, height: tall.card };
    return [
        arrow(`M ${x + 24} ${rows.service + tall.card} V ${rows.deployment}`),
        titled(card, "service", `Service, port ${port}`, named(service)),
        titled(
            { ...card, x: x + 36, y: rows.config, width: column.width - 36 },
            "config",
            "ConfigMap",
            named(map),
        ),
        arrow(`M ${x + 163} ${rows.config + tall.card} V ${rows.deployment}`),
        deploymentCard(deployment, deploymentBox(part, all)),
    ].join("");
}

function deploymentCard(deployment: Declared | undefined, box: Card): string {
    const replicas = deployment?.inputs.spec.replicas ?? 0;
    // More than one pod shows as cards behind the card.
    const behind = Array.from({ length: Math.min(replicas - 1, 2) }, (_, index) => 6 * (index + 1)).reverse();
    const chips = (podOf(deployment)?.containers ?? []).map(({ name, ports }, index) => {
        const chip = {
            x: box.x + 14,
            y: box.y + 62 + index * rows.chip,
            width: box.width - 28,
            height: rows.chip - 6,
        };
        return [
            rectangle(chip, "chip", 6),
            text(chip.x + 10, chip.y + 16, "small ink", name),
            text(chip.x + chip.width - 10, chip.y + 16, "small end", `:${ports[0]?.containerPort}`),
        ].join("");
    });
    return [
        ...behind.map((by) => rectangle({ ...box, x: box.x + by, y: box.y + by }, "card", 10)),
        titled(box, "deployment", "Deployment", named(deployment)),
        text(box.x + box.width - 14, box.y + 24, "small end", replicas === 1 ? "1 pod" : `${replicas} pods`),
        ...chips,
    ].join("");
}

/** The api asks the crawler for its counts. */
function callOfCrawler(): string {
    const from = leftOf("api") + column.width;
    return arrow(
        `M ${from} ${rows.deployment + 30} h ${column.gap / 2} V ${rows.service + 30} H ${leftOf("crawler")}`,
    );
}

/** The api's volume: the one thing in which the modes differ. */
function databaseVolume(modes: Readonly<Record<Mode, readonly Declared[]>>, mode: Mode, y: number): string {
    const all = modes[mode];
    const volume = podOf(ofPart(all, "Deployment", "api"))?.volumes[0];
    const claimed = volume?.persistentVolumeClaim?.claimName;
    const claim = ofKind(all, "PersistentVolumeClaim").find((one) => named(one) === claimed);
    const size = claim?.inputs.spec.resources.requests.storage ?? "";
    return volumeCard("api", all, y, mode, {
        kind: claimed ? `Claim, ${size}` : "emptyDir",
        corner: `storageMode: ${mode}`,
        name: claimed ?? volume?.name ?? "",
        file: ofPart(all, "ConfigMap", "api")?.inputs.data.API_DB_FILEPATH ?? "",
        fate: claimed ? "messages stay when the pod goes" : "messages go with the pod",
    });
}

function cacheVolume(all: readonly Declared[]): string {
    const mounts = containersOf(all, "crawler").map(({ volumeMounts }) => volumeMounts?.[0]?.mountPath);
    return volumeCard("crawler", all, below("crawler", all), "ephemeral", {
        kind: "emptyDir",
        corner: "",
        name: podOf(ofPart(all, "Deployment", "crawler"))?.volumes[0]?.name ?? "",
        file: mounts[0] ?? "",
        fate: `shared by ${mounts.length} ${mounts.length === 1 ? "container" : "containers"} of a pod`,
    });
}

/** A volume, hanging from the Deployment above it. */
function volumeCard(part: Part, all: readonly Declared[], y: number, look: Mode, words: VolumeWords): string {
    const from = deploymentBox(part, all);
    const card = { x: from.x + 36, y, width: from.width - 36, height: tall.volume };
    return [
        arrow(`M ${from.x + 16} ${from.y + from.height} V ${y + 30} H ${card.x}`),
        titled(card, look, words.kind, words.name),
        text(card.x + card.width - 12, y + 24, `small end ${look}-ink`, words.corner),
        text(card.x + 16, y + 67, "small", words.file),
        text(card.x + 16, y + 87, "small", words.fate),
    ].join("");
}

interface VolumeWords {
    readonly kind: string;
    readonly corner: string;
    readonly name: string;
    readonly file: string;
    readonly fate: string;
}

// --- where it is drawn ----------------------------------------------------------------------------------------------

function leftOf(part: Part): number {
    return column.left + parts.indexOf(part) * (column.width + column.gap);
}

function deploymentBox(part: Part, all: readonly Declared[]): Card {
    const height = 66 + containersOf(all, part).length * rows.chip + 2;
    return { x: leftOf(part), y: rows.deployment, width: column.width, height };
}

/** Where the volumes below a Deployment begin. */
function below(part: Part, all: readonly Declared[]): number {
    const { y, height } = deploymentBox(part, all);
    return y + height + 24;
}

// --- the program's resources ----------------------------------------------------------------------------------------

function ofKind(all: readonly Declared[], kind: string): Declared[] {
    return all.filter(({ type }) => type.endsWith(`:${kind}`));
}

function ofPart(all: readonly Declared[], kind: string, part: Part): Declared | undefined {
    return ofKind(all, kind).find(({ inputs }) => inputs.metadata?.labels?.app === `synergychat-${part}`);
}

function podOf(deployment: Declared | undefined): PodSpec | undefined {
    return deployment?.inputs.spec.template.spec;
}

function containersOf(all: readonly Declared[], part: Part): readonly Container[] {
    return podOf(ofPart(all, "Deployment", part))?.containers ?? [];
}

function named(resource: Declared | undefined): string {
    return resource?.inputs.metadata?.name ?? "";
}

function unplaced(all: readonly Declared[]): string[] {
    const placed = ["Namespace", "Ingress", "Service", "ConfigMap", "Deployment", "PersistentVolumeClaim"];
    return all
        .filter(({ inputs }) => inputs.metadata !== undefined)
        .map((resource) => ({ kind: resource.type.split(":").at(-1) ?? "", name: named(resource) }))
        .filter(({ kind }) => !placed.includes(kind))
        .map(({ kind, name }) => `${kind} ${name}`)
        .sort();
}

// --- SVG ------------------------------------------------------------------------------------------------------------

function titled(card: Card, look: string, kind: string, name: string): string {
    return (
        rectangle(card, "card", 10) +
        rectangle({ ...card, width: 5, x: card.x }, `bar ${look}`, 2.5) +
        text(card.x + 16, card.y + 24, `kind ${look}-ink`, kind) +
        text(card.x + 16, card.y + 46, "name", name)
    );
}

function rectangle({ x, y, width: w, height }: Card, look: string, radius: number): string {
    return `<rect class="${look}" x="${x}" y="${y}" width="${w}" height="${height}" rx="${radius}"/>\n`;
}

function text(x: number, y: number, look: string, content: string): string {
    return `<text class="${look}" x="${x}" y="${y}">${escaped(content)}</text>\n`;
}

function arrow(path: string): string {
    return `<path class="arrow" d="${path}" marker-end="url(#head)"/>\n`;
}

function escaped(content: string): string {
    return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Colours by what they stand for, each for a light and a dark page. */
const colours: Readonly<Record<string, readonly [light: string, dark: string]>> = {
    ground: ["#ffffff", "#0d1117"],
    card: ["#ffffff", "#161b22"],
    line: ["#cfd6e0", "#3a424e"],
    chip: ["#eef2f8", "#222a35"],
    ink: ["#1d2433", "#e6edf3"],
    soft: ["#57606f", "#9aa6b5"],
    inside: ["#f6f8fb", "#0f141b"],
    namespace: ["#57606f", "#9aa6b5"],
    ingress: ["#7b3fc4", "#c297ff"],
    service: ["#0b7285", "#56cfe1"],
    config: ["#8f5a00", "#f0b75a"],
    deployment: ["#2456c9", "#85aaff"],
    ephemeral: ["#b3372a", "#ff9b8e"],
    persistent: ["#1b7a3d", "#6fdc92"],
};

function svg(height: number, body: readonly string[]): string {
    const palette = (index: 0 | 1) =>
        Object.entries(colours)
            .map(([name, pair]) => `--${name}: ${pair[index]};`)
            .join(" ");
    const kinds = ["namespace", "ingress", "service", "config", "deployment", "ephemeral", "persistent"];
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">
<title id="title">SynergyChat's resources in both storage modes</title>
<style>
svg { ${palette(0)} }
@media (prefers-color-scheme: dark) { svg { ${palette(1)} } }
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--soft); }
.kind { font-size: 12px; font-weight: 600; letter-spacing: 0.02em; }
.name { font-size: 12.5px; font-weight: 600; fill: var(--ink); }
.small { font-size: 12px; } .ink { fill: var(--ink); } .middle { text-anchor: middle; } 
.ground { fill: var(--ground); }
.card { fill: var(--card); stroke: var(--line); }
.browser { fill: var(--chip); stroke: var(--line); }
.chip { fill: var(--chip); }
rect.namespace { fill: var(--inside); stroke: var(--line); stroke-dasharray: 6 4; }
.arrow { fill: none; stroke: var(--soft); stroke-width: 1.5; }
#head path { fill: var(--soft); }
text.end { text-anchor: end; }
${kinds.map((kind) => `.bar.${kind} { fill: var(--${kind}); } .${kind}-ink { fill: var(--${kind}); }`).join("\n")}
</style>
<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M 0 0 L 10 5 L 0 10 z"/></marker></defs>
${rectangle({ x: 0, y: 0, width, height }, "ground", 16)}${body.join("")}</svg>
`;
}
