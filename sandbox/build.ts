// Programs from the Go module proxy.
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { attempt, run } from "./exec.ts";
import type { Paths } from "./paths.ts";
import { kubernetes, oldestGo, pulumi } from "./pins.ts";
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
    what: string;
    programs: readonly Program[];
    ldflags: string;
    /** With an empty Go cache, on two cores. */
    coldMinutes: number;
}

const kubernetesProgram = (name: string): Program => ({ name, package: `k8s.io/kubernetes/cmd/${name}` });
const [major, minor] = kubernetes.split(".");
const version = "k8s.io/component-base/version";

const node: Module = {
    folder: join(import.meta.dirname, "node"),
    what: "the node's programs",
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
    ],
    ldflags: `-X ${version}.gitVersion=v${kubernetes} -X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`,
    coldMinutes: 10,
};

const pulumiCli: Module = {
    folder: join(import.meta.dirname, "pulumi-cli"),
    what: "the Pulumi CLI",
    programs: [{ name: "pulumi", package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" }],
    ldflags: `-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${pulumi}`,
    coldMinutes: 5,
};

export function buildNode(paths: Paths): Promise<void> {
    return build(node, paths);
}

export function buildPulumi(paths: Paths): Promise<void> {
    return build(pulumiCli, paths);
}

// A newer toolchain than the machine's comes from the module proxy too, whatever the machine's default is.
const goEnv = {
    ...process.env,
    CGO_ENABLED: "0",
    GOFLAGS: "-buildvcs=false",
    GOWORK: "off",
    GOTOOLCHAIN: "auto",
};

async function build(module: Module, paths: Paths): Promise<void> {
    const missing: Program[] = [];
    for (const program of module.programs) {
        if (!(await isStamped(join(paths.stamps, program.name), await fingerprintOf(program, module)))) {
            missing.push(program);
        }
    }
    if (missing.length === 0) {
        return;
    }
    await requireGo();
    await mkdir(paths.bin, { recursive: true });
    await withFolder(paths.cache, async (out) => {
        await compile(module, missing, out);
        for (const program of missing) {
            await rename(join(out, program.built ?? program.name), join(paths.bin, program.name));
            await stamp(join(paths.stamps, program.name), await fingerprintOf(program, module));
        }
    });
    say(`${module.what}: built`);
}

/** In one run of Go, so that it shares what it compiles and links one program while it compiles for the next. */
async function compile(module: Module, programs: readonly Program[], out: string): Promise<void> {
    const { what, folder, ldflags, coldMinutes } = module;
    const packages = programs.map((program) => program.package);
    say(`${what}: ${programs.length} to build from source, at most about ${coldMinutes} min: downloading`);
    const listed = await run("go", ["list", "-deps", ...packages], {
        cwd: folder,
        env: goEnv,
        seconds: 1800,
    });
    const total = listed.trimEnd().split("\n").length;
    let done = 0;
    const report = throttled(20, () => performance.now(), say);
    const args = ["build", "-v", "-trimpath", "-ldflags", `-s -w ${ldflags}`, "-o", `${out}/`, ...packages];
    await run("go", args, {
        cwd: folder,
        env: goEnv,
        seconds: 7200,
        onLine: (line) => {
            if (/^[\w./~-]+$/.test(line)) {
                done++;
                report(() => {
                    const left = atMostMinutesLeft(done, total, coldMinutes);
                    return `${what}: ${done} of ${total} packages compiled, at most about ${left} min left`;
                });
            }
        },
    });
}

function fingerprintOf(program: Program, module: Module): Promise<string> {
    const sources = program.package.startsWith("./") ? [join(module.folder, program.package)] : [];
    const pins = ["go.mod", "go.sum"].map((file) => join(module.folder, file));
    return fingerprint([program.package, module.ldflags], [...pins, ...sources]);
}

/** What a program was built from, to derive other stamps from. */
export async function builtFrom(paths: Paths, program: string): Promise<string> {
    return (await readIfThere(join(paths.stamps, program))) ?? "";
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
    const value = await fingerprint(contourExamples, [join(node.folder, "go.mod"), import.meta.filename]);
    if (await isStamped(stamped, value)) {
        return;
    }
    const download = ["mod", "download", "-json", "github.com/projectcontour/contour"];
    const said = await run("go", download, { cwd: node.folder, env: goEnv, seconds: 600 });
    const { Dir: module } = JSON.parse(said) as { Dir: string };
    const texts = await Promise.all(
        contourExamples.map((example) => readFile(join(module, "examples", example), "utf8")),
    );
    // Its one Role is for electing a leader in a namespace of its own, which a single Contour does not do.
    const documents = texts.join("\n---\n").split(/^---$/m);
    await mkdir(paths.objects, { recursive: true });
    await stamp(file, documents.filter((document) => !/^kind: Role$/m.test(document)).join("---\n"));
    await stamp(stamped, value);
}
