/** Two scanners of Kubernetes manifests: kube-score from the Go module proxy, and checkov from PyPI. Neither needs a network to scan. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Environment, capture, runVisibly } from "../../system/process.ts";
import { installDebianPackage } from "../support/debian.ts";

const here = import.meta.dirname;
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "synergychat-scanners");
const kubeScore = join(cache, "kube-score");

/** A finding as `CHECK of KIND NAME`. */
export type Finding = string;

/** Builds kube-score, and returns what runs it on a file. */
export function provideKubeScore(): (file: string) => readonly Finding[] {
    const build = ["build", "-C", here, "-o", kubeScore, "github.com/zegl/kube-score/cmd/kube-score"];
    runVisibly("go", build, process.env, 1);
    return (file) => {
        const args = ["score", "--output-format", "json", file];
        const objects = jsonOf(kubeScore, args) as KubeScoreObject[];
        return objects.flatMap(({ type_meta, object_meta, checks }) =>
            checks
                .filter(({ grade, skipped }) => grade < allOk && !skipped)
                .map(({ check }) => `${check.id} of ${type_meta.kind} ${object_meta.name}`),
        );
    };
}

const allOk = 10;

interface KubeScoreObject {
    readonly type_meta: { readonly kind: string };
    readonly object_meta: { readonly name: string };
    readonly checks: readonly {
        readonly check: { readonly id: string };
        readonly grade: number;
        readonly skipped: boolean;
    }[];
}

/** Installs checkov, and returns what runs it on all files of a folder: the findings by file name, and how many checks passed. */
export function provideCheckov(): (folder: string) => CheckovResults {
    const requirements = join(here, "checkov.txt");
    const version = capture("python3", ["--version"], process.env).stdout;
    const hash = createHash("sha256").update(version).update(readFileSync(requirements)).digest("hex");
    const folder = join(cache, `checkov-${hash.slice(0, 12)}`);
    const python = (...args: string[]) => ["-m", "pip", "--disable-pip-version-check", ...args];
    if (!existsSync(folder)) {
        if (capture("python3", python("--version"), process.env).status !== 0) {
            installDebianPackage("python3-pip");
        }
        console.log("Installing checkov, which takes a minute or two ...");
        const part = `${folder}.part`;
        rmSync(part, { recursive: true, force: true });
        mkdirSync(cache, { recursive: true });
        const flags = ["--quiet", "--no-deps", "--only-binary=:all:", "--root-user-action=ignore"];
        runVisibly(
            "python3",
            python("install", ...flags, "--target", part, "-r", requirements),
            process.env,
            1,
        );
        renameSync(part, folder);
    }
    return (scanned) => {
        const args = ["--framework", "kubernetes", "--skip-download", "--compact", "--output", "json"];
        const env = { ...process.env, PYTHONPATH: folder };
        const output = jsonOf("python3", ["-m", "checkov.main", ...args, "-d", scanned], env);
        const { results } = output as Checkov;
        const findings: Record<string, Finding[]> = {};
        for (const { file_path, check_id, resource } of results.failed_checks) {
            const [kind = "", , name = ""] = resource.split(".");
            (findings[file_path.slice(1)] ??= []).push(`${check_id} of ${kind} ${name}`);
        }
        return { findings, passed: results.passed_checks.length };
    };
}

export interface CheckovResults {
    readonly findings: Readonly<Record<string, readonly Finding[]>>;
    readonly passed: number;
}

interface Checkov {
    readonly results: {
        readonly passed_checks: readonly unknown[];
        readonly failed_checks: readonly {
            readonly file_path: string;
            readonly check_id: string;
            readonly resource: string;
        }[];
    };
}

/** Both scanners exit with status 1 if they find something. */
function jsonOf(program: string, args: readonly string[], env: Environment = process.env): unknown {
    const { stdout, stderr } = capture(program, args, env);
    try {
        return JSON.parse(stdout) as unknown;
    } catch {
        throw new Error(`${program} ${args.join(" ")} printed no JSON: ${stdout}${stderr}`);
    }
}
