// Container images without a registry: written as tars, imported into the node's containerd.
import { join } from "node:path";
import { builtFrom } from "./build.ts";
import { containerdSocket } from "./components.ts";
import { attempt, run } from "./exec.ts";
import {
    buildImages,
    busybox,
    imageTar,
    nodeImage,
    standIns,
    writeNodeImage,
    type BuiltImage,
} from "./images/build.ts";
import type { Paths } from "./paths.ts";
import { references } from "./pins.ts";
import { say } from "./progress.ts";
import { fingerprint, isStamped, readIfThere, stamp, writeWhole } from "./stamps.ts";

/** The course's own images. */
const originals = standIns.filter(({ hasShell }) => hasShell).map(({ reference }) => reference);

const tarOf = (paths: Paths, name: string): string => join(paths.images, `${name}.tar`);

/** The images that the cluster itself runs on. */
export async function writeOwnImages(paths: Paths): Promise<void> {
    const writer = join(import.meta.dirname, "images", "build.ts");
    for (const name of ["pause", "coredns"] as const) {
        const stampFile = join(paths.stamps, `${name}.tar`);
        const value = await fingerprint([await builtFrom(paths, name), references[name]], [writer]);
        if (!(await isStamped(stampFile, value))) {
            await imageTar({
                reference: references[name],
                out: tarOf(paths, name),
                files: [{ path: `/${name}`, source: join(paths.bin, name), mode: 0o755 }],
                config: { entrypoint: [`/${name}`] },
            });
            await stamp(stampFile, value);
        }
    }
}

/** Stand-ins for the course's images, if those cannot be pulled. */
export async function writeStandIns(paths: Paths): Promise<void> {
    const sources = join(import.meta.dirname, "images");
    const stampFile = join(paths.stamps, "stand-ins.tar");
    const value = await fingerprint([], [sources, busybox]);
    if (!(await isStamped(stampFile, value))) {
        await buildImages(paths.images, say);
        await stamp(stampFile, value);
    }
}

/** A stand-in for the image of Node.js, which guard and backups use. */
async function writeNode(paths: Paths): Promise<void> {
    const stampFile = join(paths.stamps, `${nodeImage.name}.tar`);
    const value = await fingerprint(
        [process.version],
        [join(import.meta.dirname, "images", "build.ts"), busybox],
    );
    if (!(await isStamped(stampFile, value))) {
        await writeNodeImage(tarOf(paths, nodeImage.name));
        await stamp(stampFile, value);
    }
}

/** What was imported into this cluster, by reference: the stamp of the tar, or that the real one was pulled. */
type Imported = Record<string, string>;
const pulled = "pulled";

/** Sees to it that the node has every image. */
export async function provideImages(paths: Paths, holder: number, registriesOnly: boolean): Promise<void> {
    const record = join(paths.state, "images.json");
    const before = JSON.parse((await readIfThere(record)) ?? "{}") as Imported;
    const there = (await ctr(holder, "images", "list", "--quiet")).split("\n");
    const imported: Imported = Object.fromEntries(
        Object.entries(before).filter(([reference]) => there.includes(reference)),
    );
    const own = (["pause", "coredns"] as const).map((name) => ({
        reference: references[name],
        tar: tarOf(paths, name),
        stampFile: join(paths.stamps, `${name}.tar`),
    }));
    for (const { reference, tar, stampFile } of own) {
        await importOnce({ reference, tar }, stampFile, imported, holder);
    }
    await provideServices(paths, holder, imported, registriesOnly);
    await writeWhole(record, JSON.stringify(imported));
}

async function provideServices(
    paths: Paths,
    holder: number,
    imported: Imported,
    registriesOnly: boolean,
): Promise<void> {
    if (originals.every((reference) => imported[reference] === pulled)) {
        return;
    }
    const undecided = originals.some((reference) => imported[reference] === undefined);
    if (undecided && !registriesOnly && (await pull(holder))) {
        originals.forEach((reference) => (imported[reference] = pulled));
        return;
    }
    await writeStandIns(paths);
    for (const { reference, name } of standIns) {
        const image = { reference, tar: tarOf(paths, name) };
        await importOnce(image, join(paths.stamps, "stand-ins.tar"), imported, holder);
    }
    await writeNode(paths);
    const tar = tarOf(paths, nodeImage.name);
    const { reference } = nodeImage;
    await importOnce({ reference, tar }, join(paths.stamps, `${nodeImage.name}.tar`), imported, holder);
}

async function importOnce(
    image: BuiltImage,
    stampFile: string,
    imported: Imported,
    holder: number,
): Promise<void> {
    const value = (await readIfThere(stampFile)) ?? "";
    if (imported[image.reference] !== value) {
        await ctr(holder, "images", "import", image.tar);
        imported[image.reference] = value;
    }
}

/** First a look whether anything answers at all. */
async function pull(holder: number): Promise<boolean> {
    say("SynergyChat's own images: trying to pull them");
    const look = ["content", "fetch", "--metadata-only", ...originals.slice(0, 1)];
    if ((await attempt("ctr", ctrArgs(holder, look), { seconds: 10 })).code !== 0) {
        return false;
    }
    const pulls = originals.map((reference) =>
        attempt("ctr", ctrArgs(holder, ["images", "pull", reference]), { seconds: 300 }),
    );
    return (await Promise.all(pulls)).every(({ code }) => code === 0);
}

/** It runs on the machine, whose network it needs to pull, and reaches the node's containerd through its file system. */
function ctrArgs(holder: number, args: readonly string[]): string[] {
    return ["--address", `/proc/${holder}/root${containerdSocket}`, "--namespace", "k8s.io", ...args];
}

function ctr(holder: number, ...args: string[]): Promise<string> {
    return run("ctr", ctrArgs(holder, args));
}

export async function runsStandIns(paths: Paths): Promise<boolean> {
    const imported = JSON.parse((await readIfThere(join(paths.state, "images.json"))) ?? "{}") as Imported;
    return originals.some((reference) => imported[reference] !== pulled);
}

export async function answers(holder: number): Promise<boolean> {
    return (await attempt("ctr", ctrArgs(holder, ["version"]), { seconds: 5 })).code === 0;
}
