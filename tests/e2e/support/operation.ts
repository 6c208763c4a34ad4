/** The project's own commands on a scenario's stack, run as a person would, to their end or to a kill. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Entries } from "../../../cli/commands/switch/steps.ts";
import type { Result, TestStack } from "./stack.ts";

/** What the commands keep on this machine, apart from its user's own. */
const dataHome = mkdtempSync(join(tmpdir(), "synergychat-data-"));
process.on("exit", () => {
    rmSync(dataHome, { recursive: true, force: true });
});

/**
 * Runs a command of the project, without npm around it.
 *
 * @param env more of its environment, or other.
 * @param killAt once this is printed, or once this ends, the command and all that it started are killed with SIGKILL, as by
 *   a power cut.
 */
export function operation(
    script: "up" | "down" | "switch" | "verify" | "backup" | "backups" | "restore",
    stack: TestStack,
    args: readonly string[] = [],
    killAt?: RegExp | (() => Promise<void>),
    env: Readonly<Record<string, string>> = {},
): Promise<Result & { readonly stdout: string }> {
    const child = spawn(process.execPath, ["cli/main.ts", script, ...args, stack.name], {
        detached: true, // a process group of its own: its id is the child's
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, XDG_DATA_HOME: dataHome, ...env },
    });
    return new Promise((resolve, reject) => {
        let text = "";
        let stdout = "";
        const kill = (): void => {
            if (child.pid !== undefined && child.exitCode === null) {
                process.kill(-child.pid, "SIGKILL");
            }
        };
        const take = (chunk: string): void => {
            text += chunk;
            if (killAt instanceof RegExp && killAt.test(text)) {
                kill();
            }
        };
        if (typeof killAt === "function") {
            killAt().then(kill, reject);
        }
        for (const stream of [child.stdout, child.stderr]) {
            stream.setEncoding("utf8").on("data", take);
        }
        child.stdout.on("data", (chunk: string) => {
            stdout += chunk;
        });
        child.on("error", reject);
        child.on("close", (status) => {
            resolve({ status, text, stdout });
        });
    });
}

/** The journal of the one switch that did not come to its end. Fails when others than its owner may read it. */
export function journal(): Entries | undefined {
    const folder = join(dataHome, "synergychat", "switches");
    const file = files(folder).find((name) => /^[0-9a-f]{8}-[0-9a-f-]{27}\.json$/.test(name));
    if (file === undefined) {
        return undefined;
    }
    const path = join(folder, file);
    if ((statSync(path).mode & 0o077) !== 0) {
        throw new Error(`${path} can be read by others`);
    }
    return JSON.parse(readFileSync(path, "utf8")) as Entries;
}

function files(folder: string): string[] {
    try {
        return readdirSync(folder);
    } catch {
        return [];
    }
}
