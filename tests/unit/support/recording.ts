/** Programs that only record how they are called, in place of the real ones on the PATH of one of the project's commands. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const root = resolve(__dirname, "../../..");

/** How a command ended. */
export interface Run {
    readonly status: number | null;
    /** What it printed. */
    readonly text: string;
    /** The calls of the recording programs by this and all earlier runs. */
    readonly calls: readonly string[];
}

export interface RunOptions {
    /** Which of the streams seem to be a terminal. Default: none. */
    readonly terminal?: readonly ("stdin" | "stdout")[];
    /** What is typed. Default: nothing, standard input is /dev/null. */
    readonly typed?: string;
}

/** A folder of its own for each test, with the recording programs, the project's files and the state that they keep. */
export class Recording {
    readonly folder = mkdtempSync(join(tmpdir(), "synergychat-recording-"));

    /** @param programs shell scripts by name. In them `$STATE` is this folder. */
    constructor(programs: Readonly<Record<string, string>>) {
        for (const [program, script] of Object.entries(programs)) {
            const recording = `#!/bin/sh\necho "${program} $*" >> "$STATE/calls"\n${script}\n`;
            writeFileSync(join(this.folder, program), recording, { mode: 0o755 });
        }
        for (const file of ["Pulumi.yaml", "Pulumi.dev.yaml"]) {
            copyFileSync(join(root, file), join(this.folder, file));
        }
    }

    write(file: string, text = ""): void {
        writeFileSync(join(this.folder, file), text);
    }

    /** The environment in which the recording programs are found. */
    get env(): Record<string, string> {
        return {
            PATH: [this.folder, dirname(process.execPath), "/usr/bin", "/bin"].join(":"),
            HOME: this.folder,
            STATE: this.folder,
            TS_NODE_PROJECT: join(root, "tsconfig.json"),
        };
    }

    /** Runs `npm run COMMAND -- ARGS` in the folder. */
    run(command: "up" | "down", args: readonly string[], { terminal = [], typed }: RunOptions = {}): Run {
        this.write("terminal.cjs", terminal.map((stream) => `process.${stream}.isTTY = true;`).join("\n"));
        const { status, stdout, stderr } = spawnSync(
            process.execPath,
            [
                `--require=${join(this.folder, "terminal.cjs")}`,
                `--require=${require.resolve("ts-node/register")}`,
                join(root, "operations", `${command}.ts`),
                ...args,
            ],
            {
                cwd: this.folder,
                env: this.env,
                encoding: "utf8",
                ...(typed === undefined ? { stdio: ["ignore", "pipe", "pipe"] } : { input: typed }),
            },
        );
        return { status, text: stdout + stderr, calls: this.calls };
    }

    get calls(): readonly string[] {
        const file = join(this.folder, "calls");
        return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    }

    remove(): void {
        rmSync(this.folder, { recursive: true });
    }
}
