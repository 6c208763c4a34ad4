// Programs from the Go module proxy.
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { attempt, run } from "./exec.ts";
import type { Paths } from "./paths.ts";
import { kubernetes, kubernetesProvider, oldestGo, pulumi } from "./pins.ts";
import { Problem } from "./problem.ts";
import { atMostMinutesLeft, say, throttled } from "./progress.ts";
import { fingerprint, isStamped, readIfThere, stamp, withFolder } from "./stamps.ts";

interface Program {
    name: string;
    package: string;
    /** What `go build` calls it, if not `name`. */
    built?: string;
}

interface Module {
    folder: string;
    programs: readonly Program[];
    ldflags: string;
    /** Files that packages of the module embed, each with the module and the file in it that has the content. */
    embedded?: Record<string, readonly [module: string, file: string]>;
    /** With an empty Go cache, on two cores. */
    coldMinutes: number;
}

const kubernetesProgram = (name: string): Program => ({ name, package: `k8s.io/kubernetes/cmd/${name}` });
const [major, minor] = kubernetes.split(".");
const version = "k8s.io/component-base/version";
const providerModule = "github.com/pulumi/pulumi-kubernetes/provider/v4";
const provider: Program = {
    // Under its usual name the CLI would find it on the PATH, and warn.
    name: "kubernetes-provider",
    package: "./provider",
    built: "provider",
};

const programs: Module = {
    folder: join(import.meta.dirname, "programs"),
    programs: [
        { name: "etcd", package: "go.etcd.io/etcd/server/v3", built: "server" },
        kubernetesProgram("kube-apiserver"),
        kubernetesProgram("kube-controller-manager"),
        kubernetesProgram("kube-scheduler"),
        kubernetesProgram("kubelet"),
        kubernetesProgram("kube-proxy"),
        kubernetesProgram("kubectl"),
        { name: "contour", package: "github.com/projectcontour/contour/cmd/contour" },
        { name: "coredns", package: "./coredns" },
        { name: "volumes", package: "./volumes" },
        { name: "pause", package: "./pause" },
        provider,
    ],
    ldflags: [
        `-X ${version}.gitVersion=v${kubernetes} -X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`,
        `-X main.version=${kubernetesProvider}`,
    ].join(" "),
    embedded: {
        "provider/schema.json": [providerModule, "cmd/pulumi-resource-kubernetes/schema.json"],
        "provider/terraform-mapping.json": [
            providerModule,
            "cmd/pulumi-resource-kubernetes/terraform-mapping.json",
        ],
    },
    coldMinutes: 13,
};

const pulumiCli: Module = {
    folder: join(import.meta.dirname, "pulumi-cli"),
    programs: [
        { name: "pulumi", package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" },
        // Beside the CLI it is found without a warning.
        { name: "pulumi-language-nodejs", package: "./language-host", built: "language-host" },
    ],
    ldflags: `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${pulumi}`,
    coldMinutes: 4,
};

const networkPolicies: Module = {
    folder: join(import.meta.dirname, "network-policies"),
    programs: [{ name: "network-policies", package: "." }],
    ldflags: "",
    coldMinutes: 2,
};

const backupTarget: Module = {
    folder: join(import.meta.dirname, "backup-target"),
    programs: [
        { name: "restic", package: "github.com/restic/restic/cmd/restic" },
        { name: "s3", package: "./s3" },
    ],
    ldflags: "",
    coldMinutes: 3,
};

export interface Wanted {
    cli: boolean;
    provider: boolean;
    networkPolicies: boolean;
    backupTarget: boolean;
}

/** Builds the programs of the node, and those of Pulumi's that are wanted. */
export async function build(paths: Paths, wanted: Wanted): Promise<void> {
    const ofNode = programs.programs.filter((program) => wanted.provider || program !== provider);
    const modules = [
        { ...programs, programs: ofNode },
        ...(wanted.cli ? [pulumiCli] : []),
        ...(wanted.networkPolicies ? [networkPolicies] : []),
        ...(wanted.backupTarget ? [backupTarget] : []),
    ];
    const missing: Module[] = [];
    for (const module of modules) {
        const stale = await staleOf(module, paths);
        if (stale.length > 0) {
            missing.push({ ...module, programs: stale });
        }
    }
    if (missing.length === 0) {
        return;
    }
    await requireGo();
    await mkdir(paths.bin, { recursive: true });
    await withFolder(paths.cache, async (folder) => {
        const jobs = missing.map((module, index) => {
            const out = join(folder, String(index));
            // All sources are downloaded from the start, while the first module compiles.
            const packages = countPackages(module, out);
            packages.catch(() => undefined);
            return { module, out, packages };
        });
        // The modules one after the other, since each run of Go keeps all processors busy.
        for (const [index, { module, out, packages }] of jobs.entries()) {
            const later = missing.slice(index + 1).reduce((sum, { coldMinutes }) => sum + coldMinutes, 0);
            await compile(module, await packages, later, out);
            await install(module, out, paths);
        }
    });
}

async function staleOf(module: Module, paths: Paths): Promise<Program[]> {
    const stale: Program[] = [];
    for (const program of module.programs) {
        if (!(await isStamped(join(paths.stamps, program.name), await fingerprintOf(program, module)))) {
            stale.push(program);
        }
    }
    return stale;
}

// A newer toolchain than the machine's comes from the module proxy too, whatever the machine's default is.
const goEnv = {
    ...process.env,
    CGO_ENABLED: "0",
    GOFLAGS: "-buildvcs=false",
    GOWORK: "off",
    GOTOOLCHAIN: "auto",
};

/** Downloads the sources of a module's programs, and counts the packages to compile. */
async function countPackages(module: Module, out: string): Promise<number> {
    const names = module.programs.map(({ name }) => name).join(", ");
    say(`downloading the sources of ${names}`);
    await writeOverlay(module, out);
    const packages = module.programs.map((program) => program.package);
    const args = ["list", "-deps", "-overlay", overlayIn(out), ...packages];
    const listed = await run("go", args, { cwd: module.folder, env: goEnv, seconds: 1800 });
    return listed.trimEnd().split("\n").length;
}

/** In one run of Go, which shares what it compiles, and links one program while it compiles for the next. */
async function compile(module: Module, total: number, laterMinutes: number, out: string): Promise<void> {
    const { folder, programs, ldflags, coldMinutes } = module;
    let done = 0;
    const progress = (): string => {
        const left = atMostMinutesLeft(done, total, coldMinutes) + laterMinutes;
        return `${done} of ${total} packages compiled, at most about ${left} min left`;
    };
    const report = throttled(20, () => performance.now(), say);
    const flags = ["-v", "-trimpath", "-overlay", overlayIn(out), "-ldflags", `-s -w ${ldflags}`];
    const packages = programs.map((program) => program.package);
    await run("go", ["build", ...flags, "-o", `${out}/`, ...packages], {
        cwd: folder,
        env: goEnv,
        seconds: 7200,
        onLine: (line) => {
            if (/^[\w./~-]+$/.test(line)) {
                done++;
                report(progress);
            }
        },
    });
}

async function install(module: Module, out: string, paths: Paths): Promise<void> {
    for (const program of module.programs) {
        await rename(join(out, program.built ?? program.name), join(paths.bin, program.name));
        await stamp(join(paths.stamps, program.name), await fingerprintOf(program, module));
    }
    say(`built from source: ${module.programs.map(({ name }) => name).join(", ")}`);
}

const overlayIn = (out: string): string => join(out, "overlay.json");

/** Go embeds only files of the module itself. The overlay makes it take those of other modules for such. */
async function writeOverlay(module: Module, out: string): Promise<void> {
    const replaced: Record<string, string> = {};
    for (const [name, [from, file]] of Object.entries(module.embedded ?? {})) {
        replaced[join(module.folder, name)] = join(await folderOf(from, module), file);
    }
    await stamp(overlayIn(out), JSON.stringify({ Replace: replaced }));
}

/** The folder of a module that this one requires, downloaded if it is not there yet. */
async function folderOf(required: string, module: Module): Promise<string> {
    const download = ["mod", "download", "-json", required];
    const said = await run("go", download, { cwd: module.folder, env: goEnv, seconds: 600 });
    return (JSON.parse(said) as { Dir: string }).Dir;
}

function fingerprintOf(program: Program, module: Module): Promise<string> {
    const sources = program.package.startsWith(".") ? [join(module.folder, program.package)] : [];
    const pins = ["go.mod", "go.sum"].map((file) => join(module.folder, file));
    return fingerprint([program.package, module.ldflags], [...pins, ...sources]);
}

/** What a program was built from, to derive other stamps from. */
export async function builtFrom(paths: Paths, program: string): Promise<string> {
    return (await readIfThere(join(paths.stamps, program))) ?? "";
}

/** The day of the provider's source, which its version in go.mod ends with. */
export async function providerDay(): Promise<string> {
    const text = await readFile(join(programs.folder, "go.mod"), "utf8");
    const found = /pulumi-kubernetes\/provider\/v4 v\S+-(\d{4})(\d\d)(\d\d)\d{6}-/.exec(text);
    return found ? found.slice(1, 4).join("-") : "unknown day";
}

async function requireGo(): Promise<void> {
    const wanted = oldestGo.join(".");
    const { code, stdout } = await attempt("go", ["version"]);
    const found = /go(\d+)\.(\d+)/.exec(stdout);
    if (code !== 0 || !found) {
        throw new Problem(
            `Go is not installed: install Go ${wanted} or newer (Debian: golang-go), then try again`,
        );
    }
    const [first = 0, second = 0] = found.slice(1).map(Number);
    if (first < oldestGo[0] || (first === oldestGo[0] && second < oldestGo[1])) {
        throw new Problem(`Go ${first}.${second} is too old: install Go ${wanted} or newer, then try again`);
    }
}

const contourExamples = ["contour/01-crds.yaml", "contour/02-role-contour.yaml", "gateway/00-crds.yaml"];

/** The definitions and the role that belong to this very Contour, from its own module. */
export async function copyContourObjects(paths: Paths): Promise<void> {
    const file = join(paths.objects, "contour.yaml");
    const stamped = join(paths.stamps, "contour.yaml");
    const value = await fingerprint(contourExamples, [join(programs.folder, "go.mod"), import.meta.filename]);
    if (await isStamped(stamped, value)) {
        return;
    }
    await requireGo();
    const contour = await folderOf("github.com/projectcontour/contour", programs);
    const texts = await Promise.all(
        contourExamples.map((example) => readFile(join(contour, "examples", example), "utf8")),
    );
    // Its one Role is for electing a leader in a namespace of its own, which a single Contour does not do.
    const documents = texts.join("\n---\n").split(/^---$/m);
    await mkdir(paths.objects, { recursive: true });
    await stamp(file, documents.filter((document) => !/^kind: Role$/m.test(document)).join("---\n"));
    await stamp(stamped, value);
}
