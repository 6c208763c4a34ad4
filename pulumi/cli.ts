/** The Pulumi CLI, on one stack. */
import type { RawConfig } from "../config/settings.ts";
import { UserError } from "../system/errors.ts";
import { type Environment, capture, outputOf, runVisibly } from "../system/process.ts";
import { keepingConfigClean } from "./project.ts";
import type { StateResource } from "./state.ts";

/** Name of the stack that is selected. Undefined if there is none. */
export function selectedStack(env: Environment): string | undefined {
    const name = outputOf("pulumi", ["stack", "--show-name", "--non-interactive"], env);
    return name === "" ? undefined : name;
}

export class PulumiStack {
    public readonly name: string;
    public readonly env: Environment;
    private readonly stdout: 1 | 2;

    /**
     * @param env environment that has pulumi and a place for the state, as `logIn` returns it.
     * @param stdout where Pulumi's standard output goes: 2 if a command's own is for programs.
     */
    public constructor(name: string, env: Environment, stdout: 1 | 2 = 1) {
        this.name = name;
        this.env = env;
        this.stdout = stdout;
    }

    /**
     * Runs a command with its output on the terminal.
     *
     * @param more environment variables for this run alone.
     * @throws UserError if it fails.
     */
    public run(args: readonly string[], more: Environment = {}): void {
        keepingConfigClean(this.name, () => {
            runVisibly("pulumi", [...args, "--stack", this.name], { ...this.env, ...more }, this.stdout);
        });
    }

    /**
     * The resources in the stack's state. None if there is no such stack.
     *
     * @throws UserError if Pulumi does not return the state: unreadable is not the same as empty.
     */
    public resources(): readonly StateResource[] {
        const state = this.ask("state", ["stack", "export"]) as
            { deployment?: { resources?: readonly StateResource[] } } | undefined;
        return state?.deployment?.resources ?? [];
    }

    /**
     * The whole config as Pulumi hands it to the program: defaults of Pulumi.yaml, secrets and ESC environments included.
     *
     * @returns undefined if there is no such stack.
     * @throws UserError if Pulumi does not return it.
     */
    public config(): RawConfig | undefined {
        const values = keepingConfigClean(this.name, () =>
            this.ask("config", ["config", "--json", "--show-secrets"]),
        ) as Record<string, { value?: string; objectValue?: unknown }> | undefined;
        return (
            values &&
            Object.fromEntries(
                Object.entries(values).map(([key, { value, objectValue }]) => [
                    key,
                    value ?? JSON.stringify(objectValue),
                ]),
            )
        );
    }

    /** What a command prints as JSON. Undefined if there is no such stack. */
    private ask(what: "state" | "config", command: readonly string[]): unknown {
        const args = [...command, "--stack", this.name, "--non-interactive"];
        const { status, stdout, stderr } = capture("pulumi", args, this.env);
        if (stderr.includes("no stack named")) {
            return undefined;
        }
        if (status !== 0) {
            throw new UserError(
                `Pulumi does not return the ${what} of stack ${this.name}. Nothing was changed.\n${stderr.trim()}`,
            );
        }
        return JSON.parse(stdout);
    }
}
