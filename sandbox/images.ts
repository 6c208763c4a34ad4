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
    systemFiles,
    writeNodeImage,
    type BuiltImage,
} from "./images/build.ts";
import type { Paths } from "./paths.ts";
import { references } from "./pins.ts";
import { say } from "./progress.ts";
import { fingerprint, isStamped, readIfThere, stamp, writeWhole } from "./stamps.ts";

const tarOf = (paths: Paths, name: string): string => join(paths.images, `${name}.tar`);

/** The images that the cluster itself runs on, and those for the tests of backups that leave it. */
function ownImages(backupTarget: boolean): readonly (keyof typeof references)[] {
    return ["pause", "coredns", ...(backupTarget ? (["restic", "s3"] as const) : [])];
}

export async function writeOwnImages(paths: Paths, backupTarget: boolean): Promise<void> {
    const writer = join(import.meta.dirname, "images", "build.ts");
    for (const name of ownImages(backupTarget)) {
        const stampFile = join(paths.stamps, `${name}.tar`);
        const value = await fingerprint([await builtFrom(paths, name), references[name]], [writer]);
        if (!(await isStamped(stampFile, value))) {
            await imageTar({
                reference: references[name],
                out: tarOf(paths, name),
                files: [
                    ...(name === "restic" ? await systemFiles() : []),
                    { path: `/usr/bin/${name}`, source: join(paths.bin, name), mode: 0o755 },
                ],
                config: { entrypoint: [`/usr/bin/${name}`] },
            });
            await stamp(stampFile, value);
        }
    }
}

/** Images that are pulled, or else stood in for, all together. */
interface Group {
    /** What the images are, for people. */
    readonly what: string;
    readonly originals: readonly string[];
    readonly standIns: readonly { readonly reference: string; readonly name: string }[];
    /** Name of the stamp of the stand-ins' tars. */
    readonly stamp: string;
    /** What the stand-ins are made of. */
    readonly madeOf: () => Promise<string>;
    readonly write: (folder: string) => Promise<unknown>;
}

const sources = join(import.meta.dirname, "images");

const groups: readonly Group[] = [
    {
        what: "SynergyChat's own images",
        originals: standIns.filter(({ hasShell }) => hasShell).map(({ reference }) => reference),
        standIns,
        stamp: "stand-ins.tar",
        madeOf: () => fingerprint([], [sources, busybox]),
        write: (folder) => buildImages(folder, say),
    },
    {
        what: "the image node:24-alpine",
        originals: [nodeImage.reference],
        standIns: [nodeImage],
        stamp: `${nodeImage.name}.tar`,
        // By its version, since the program is large and every `up` compares this.
        madeOf: () => fingerprint([process.version], [join(sources, "build.ts"), busybox]),
        write: (folder) => writeNodeImage(join(folder, `${nodeImage.name}.tar`)),
    },
];

async function writeStandIns(paths: Paths, group: Group): Promise<void> {
    const stampFile = join(paths.stamps, group.stamp);
    const value = await group.madeOf();
    if (!(await isStamped(stampFile, value))) {
        await group.write(paths.images);
        await stamp(stampFile, value);
    }
}

/** What was imported into this cluster, by reference: the stamp of the tar, or that the real one was pulled. */
type Imported = Record<string, string>;
const pulled = "pulled";

/** Sees to it that the node has every image. */
export async function provideImages(
    paths: Paths,
    holder: number,
    registriesOnly: boolean,
    backupTarget: boolean,
): Promise<void> {
    const record = join(paths.state, "images.json");
    const before = JSON.parse((await readIfThere(record)) ?? "{}") as Imported;
    const there = (await ctr(holder, "images", "list", "--quiet")).split("\n");
    const imported: Imported = Object.fromEntries(
        Object.entries(before).filter(([reference]) => there.includes(reference)),
    );
    const own = ownImages(backupTarget).map((name) => ({
        reference: references[name],
        tar: tarOf(paths, name),
        stampFile: join(paths.stamps, `${name}.tar`),
    }));
    for (const { reference, tar, stampFile } of own) {
        await importOnce({ reference, tar }, stampFile, imported, holder);
    }
    await Promise.all(groups.map((group) => provide(paths, holder, group, imported, registriesOnly)));
    await writeWhole(record, JSON.stringify(imported));
}

async function provide(
    paths: Paths,
    holder: number,
    group: Group,
    imported: Imported,
    registriesOnly: boolean,
): Promise<void> {
    const { originals } = group;
    if (originals.every((reference) => imported[reference] === pulled)) {
        return;
    }
    const undecided = originals.some((reference) => imported[reference] === undefined);
    if (undecided && !registriesOnly && (await pull(holder, group))) {
        originals.forEach((reference) => (imported[reference] = pulled));
        return;
    }
    await writeStandIns(paths, group);
    for (const { reference, name } of group.standIns) {
        await importOnce(
            { reference, tar: tarOf(paths, name) },
            join(paths.stamps, group.stamp),
            imported,
            holder,
        );
    }
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
async function pull(holder: number, { what, originals }: Group): Promise<boolean> {
    say(`trying to pull ${what}`);
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

/** What of the images runs as a stand-in. */
export async function standInsFor(paths: Paths): Promise<string[]> {
    const imported = JSON.parse((await readIfThere(join(paths.state, "images.json"))) ?? "{}") as Imported;
    return groups
        .filter(({ originals }) => originals.some((reference) => imported[reference] !== pulled))
        .map(({ what }) => what);
}

export async function answers(holder: number): Promise<boolean> {
    return (await attempt("ctr", ctrArgs(holder, ["version"]), { seconds: 5 })).code === 0;
}
