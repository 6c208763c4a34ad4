// Container images without a container engine: static Go programs in tars that `ctr images import` takes.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { pack, type Header } from "tar-stream";

export interface ImageFile {
    /** Where it is in the image. Its folders come by themselves. */
    path: string;
    /** A file of this machine to copy; or else `content`, `directory` or `symlink`. */
    source?: string;
    content?: string | Buffer;
    directory?: boolean;
    /** What the link points to. */
    symlink?: string;
    /** 0644 for a file, 0755 for a directory, unless told. */
    mode?: number;
}

/** As in a Dockerfile. */
export interface ImageConfig {
    entrypoint?: string[];
    cmd?: string[];
}

export interface ImageSpec {
    reference: string;
    out: string;
    files: ImageFile[];
    config: ImageConfig;
}

export interface BuiltImage {
    reference: string;
    tar: string;
}

interface TarEntry {
    header: Partial<Header> & Pick<Header, "name">;
    body: Buffer;
}

const epoch = new Date(0);
const architectures: Partial<Record<string, string>> = { x64: "amd64" };
const architecture = architectures[process.arch] ?? process.arch;

/** Writes one image as a docker-archive. The same input gives the same bytes. */
export async function imageTar({ reference, out, files, config }: ImageSpec): Promise<void> {
    const layer = await tar(await layerEntries(files));
    const layerDigest = sha256(layer);
    const image = Buffer.from(
        JSON.stringify({
            created: epoch.toISOString(),
            architecture,
            os: "linux",
            config: {
                Entrypoint: config.entrypoint,
                Cmd: config.cmd,
                Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                WorkingDir: "/",
            },
            rootfs: { type: "layers", diff_ids: [`sha256:${layerDigest}`] },
            history: [{ created: epoch.toISOString(), created_by: "sandbox/images/build.ts" }],
        }),
    );
    const configName = `${sha256(image)}.json`;
    const layerName = `${layerDigest}/layer.tar`;
    const manifest = [{ Config: configName, RepoTags: [reference], Layers: [layerName] }];
    const archive = await tar([
        file(configName, image),
        directory(layerDigest),
        file(layerName, layer),
        file("manifest.json", Buffer.from(JSON.stringify(manifest))),
    ]);

    await mkdir(dirname(out), { recursive: true });
    // Under its own name only once it is whole: what an interrupted build leaves must not be imported.
    await writeFile(`${out}.part`, archive);
    await rename(`${out}.part`, out);
}

async function layerEntries(files: ImageFile[]): Promise<TarEntry[]> {
    const entries = new Map<string, TarEntry>();
    for (const item of files) {
        const name = posix.join("/", item.path).replace(/^\/|\/$/g, "");
        const entry = await layerEntry(name, item);
        for (const parent of parents(name)) {
            if (!entries.has(parent)) {
                entries.set(parent, directory(parent));
            }
        }
        entries.set(name, entry);
    }
    return [...entries.values()];
}

async function layerEntry(name: string, item: ImageFile): Promise<TarEntry> {
    if (item.directory) {
        return directory(name, item.mode);
    }
    if (item.symlink !== undefined) {
        return {
            header: { name, type: "symlink", linkname: item.symlink, mode: 0o777 },
            body: Buffer.alloc(0),
        };
    }
    if (item.source !== undefined) {
        return file(name, await readFile(item.source), item.mode);
    }
    if (item.content !== undefined) {
        return file(name, Buffer.from(item.content), item.mode);
    }
    throw new Error(`${item.path}: needs one of source, content, directory, symlink`);
}

/** `a/b/c` gives `a` and `a/b`. */
function parents(name: string): string[] {
    const parts = name.split("/");
    return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}

function file(name: string, body: Buffer, mode = 0o644): TarEntry {
    return { header: { name, type: "file", mode, size: body.length }, body };
}

function directory(name: string, mode = 0o755): TarEntry {
    return { header: { name: `${name}/`, type: "directory", mode }, body: Buffer.alloc(0) };
}

async function tar(entries: TarEntry[]): Promise<Buffer> {
    const stream = pack();
    const bytes = buffer(stream);
    for (const { header, body } of entries) {
        stream.entry({ ...header, uid: 0, gid: 0, mtime: epoch }, body);
    }
    stream.finalize();
    return bytes;
}

function sha256(bytes: Buffer): string {
    return createHash("sha256").update(bytes).digest("hex");
}

// What programs of a Linux system expect to find.
const base: ImageFile[] = [
    {
        path: "/etc/passwd",
        content: "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n",
    },
    { path: "/etc/group", content: "root:x:0:\nnonroot:x:65532:\n" },
    { path: "/tmp", directory: true, mode: 0o1777 },
    { path: "/var/lib", directory: true },
];

/** A static one: the images have no C library. */
export const busybox = "/bin/busybox";

/** The shell and the small tools that the originals have from Debian. */
async function shell(): Promise<ImageFile[]> {
    const { stdout } = await promisify(execFile)(busybox, ["--list"]);
    const tools = stdout.split("\n").filter((tool) => tool !== "" && tool !== "busybox");
    return [
        { path: busybox, source: busybox, mode: 0o755 },
        ...tools.map((tool) => ({ path: `/bin/${tool}`, symlink: "busybox" })),
    ];
}

/** Each stand-in: what it stands in for, the name of its tar, its program, and whether it has a shell. */
export const standIns = [
    standIn("web", "latest"),
    standIn("api", "latest"),
    standIn("crawler", "latest"),
    // As an image that somebody has hardened.
    standIn("api", "without-shell"),
];

function standIn(
    program: "web" | "api" | "crawler",
    tag: "latest" | "without-shell",
): { reference: string; name: string; program: string; hasShell: boolean } {
    return {
        reference: `docker.io/bootdotdev/synergychat-${program}:${tag}`,
        name: `synergychat-${program}-${tag}`,
        program,
        hasShell: tag === "latest",
    };
}

/** The image of the programs in folder pods/ that guard and back up the api's file. */
export const nodeImage = { reference: "docker.io/library/node:24-alpine", name: "node-24-alpine" };

/** Writes a stand-in for it. */
export async function writeNodeImage(out: string): Promise<void> {
    const files = await nodeFiles();
    await imageTar({ reference: nodeImage.reference, out, files, config: { cmd: ["node"] } });
}

/** What an image with a shell has beside its program. */
export async function systemFiles(): Promise<ImageFile[]> {
    return [...base, ...(await shell())];
}

/** The Node.js that runs the sandbox, and a shell. */
export async function nodeFiles(): Promise<ImageFile[]> {
    const node = await realpath(process.execPath);
    return [
        ...(await systemFiles()),
        { path: "/usr/local/bin/node", source: node, mode: 0o755 },
        ...(await librariesOf(node)),
    ];
}

/** The shared libraries of a program and their loader, at the paths at which it looks for them. */
async function librariesOf(program: string): Promise<ImageFile[]> {
    const { stdout } = await promisify(execFile)("ldd", [program]);
    const paths = stdout.split("\n").flatMap((line) => /(?:=> )?(\/\S+) \(/.exec(line)?.[1] ?? []);
    return paths.map((path) => ({ path, source: path, mode: 0o755 }));
}

/** Builds the stand-ins for the course's images. */
export async function buildImages(outDir: string, log: (line: string) => void): Promise<BuiltImage[]> {
    const tools = await shell();
    const programs = await mkdtemp(join(tmpdir(), "synergychat-images-"));
    try {
        log("building the stand-ins for SynergyChat's three images");
        await promisify(execFile)(
            "go",
            ["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", `${programs}/`, "./cmd/..."],
            {
                cwd: import.meta.dirname,
                env: { ...process.env, CGO_ENABLED: "0", GOOS: "linux", GOWORK: "off" },
            },
        );
        const images: BuiltImage[] = [];
        for (const { reference, name, program, hasShell } of standIns) {
            const out = join(outDir, `${name}.tar`);
            const own = { path: `/bin/${program}`, source: join(programs, program), mode: 0o755 };
            await imageTar({
                reference,
                out,
                files: [...base, ...(hasShell ? tools : []), own],
                // As the originals do it: a container's `args` take the place of the program.
                config: { cmd: [`/bin/${program}`] },
            });
            log(`${reference} in ${out}`);
            images.push({ reference, tar: out });
        }
        return images;
    } finally {
        await rm(programs, { recursive: true, force: true });
    }
}
