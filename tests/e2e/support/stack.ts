/** A stack of a scenario's own, worked on by the real pulumi from the project's root, as a person would. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { deleteLeftVolumes, kubectl } from "./cluster.ts";
import { execute } from "./execute.ts";

/** What a command printed, both streams in one. */
export interface Result {
    readonly status: number | null;
    readonly text: string;
}

export class TestStack {
    /** Name of stack and namespace alike. */
    public readonly name: string;
    public readonly webHost: string;
    public readonly apiHost: string;
    private config: Record<string, unknown>;
    private readonly first: Record<string, unknown>;
    /** What Pulumi has put into the stack's file: without it, each run after an edit would derive a new key. */
    private salt: unknown;

    /** @param scenario names the stack, its namespace and its hosts, so that scenarios never meet. */
    public constructor(scenario: string, config: Record<string, unknown> = {}) {
        this.name = `e2e-${scenario}`;
        this.webHost = `${scenario}.synchat.internal`;
        this.apiHost = `${scenario}.synchatapi.internal`;
        this.config = {
            "kubernetes:context": "minikube",
            namespace: this.name,
            webHost: this.webHost,
            apiHost: this.apiHost,
            webReplicas: 1,
            ...config,
        };
        this.first = this.config;
    }

    /** Makes the stack, after what a killed run of the scenario may have left. */
    public async create(): Promise<void> {
        await this.clear();
        await this.run("stack", "init", this.name, "--no-select");
        this.salt = parse(readFileSync(this.file, "utf8")).encryptionsalt;
        this.writeConfig();
    }

    /** Changes the config, as an edit of the stack's file. A value of undefined removes its key. */
    public edit(changes: Record<string, unknown>): void {
        this.config = { ...this.config, ...changes };
        this.writeConfig();
    }

    /** What the config said of a key when the scenario began. */
    public original(key: string): unknown {
        return this.first[key];
    }

    public async up(...flags: readonly string[]): Promise<string> {
        return this.run("up", "--yes", "--skip-preview", ...flags);
    }

    /**
     * Deletes the namespace with everything in it, and does not wait: the end of the run does (see setup.ts). How Pulumi
     * destroys a stack is the subject of scenarios of their own. The state is deleted with the run's folder.
     */
    public async remove(): Promise<void> {
        rmSync(this.file, { force: true });
        await kubectl("delete", "namespace", this.ownNamespaces, "--wait=false");
    }

    /** What a killed run of the same scenario may have left. */
    private async clear(): Promise<void> {
        rmSync(this.file, { force: true });
        await kubectl("delete", "namespace", this.ownNamespaces, "--wait=true", "--timeout=100s");
        // Other scenarios may look at their volumes at this moment.
        await deleteLeftVolumes((namespace) => namespace === this.name);
    }

    private get ownNamespaces(): string {
        return `--selector=app.kubernetes.io/instance=synergychat-${this.name}`;
    }

    public async outputs(): Promise<any> {
        return JSON.parse(await this.run("stack", "output", "--json"));
    }

    /** What a pulumi command prints. Fails the test when the command fails. */
    public async run(...args: readonly string[]): Promise<string> {
        const { status, text } = await this.pulumi(...args);
        if (status !== 0) {
            throw new Error(`pulumi ${args.join(" ")} ended with ${String(status)}:\n${text}`);
        }
        return text;
    }

    /** Runs a pulumi command on this stack. */
    public async pulumi(...args: readonly string[]): Promise<Result> {
        const named = args[0] === "stack" && args[1] !== "output" ? args : [...args, "--stack", this.name];
        const plain = ["--non-interactive", "--color=never"];
        const { status, stdout, stderr } = await execute("pulumi", [...named, ...plain], 240_000);
        return { status, text: stdout + stderr };
    }

    private get file(): string {
        return `Pulumi.${this.name}.yaml`;
    }

    private writeConfig(): void {
        const all = Object.entries(this.config);
        const set = all.filter(([, value]) => value !== undefined);
        const full = set.map(([key, value]) => [key.includes(":") ? key : `synergychat:${key}`, value]);
        writeFileSync(this.file, stringify({ encryptionsalt: this.salt, config: Object.fromEntries(full) }));
    }
}
