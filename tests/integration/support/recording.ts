/**
 * Stand-ins for minikube, kubectl and pulumi on the PATH of one of the project's commands. They record how they are called,
 * and keep just enough state in files to answer as the real ones would.
 */
import { spawn, spawnSync } from "node:child_process";
import {
    copyFileSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { projectName } from "../../../pulumi/project.ts";

const root = resolve(import.meta.dirname, "../../..");

/** What Node.js has compiled, for all runs: the home folder that each has is empty. */
const compiled = mkdtempSync(join(tmpdir(), "synergychat-compiled-"));
process.on("exit", () => {
    rmSync(compiled, { recursive: true, force: true });
});

/** How a command ended. */
export interface Run {
    readonly status: number | null;
    readonly stdout: string;
    /** Everything that it printed. */
    readonly text: string;
    /** The calls of the stand-ins by this run. */
    readonly calls: readonly string[];
}

/** How a command is run. */
export interface RunOptions {
    /**
     * Which of the streams seem to be a terminal.
     *
     * @default []
     */
    readonly terminal?: readonly ("stdin" | "stdout")[];
    /**
     * What is typed.
     *
     * @default - Nothing: standard input is /dev/null.
     */
    readonly typed?: string;
    /**
     * More environment variables.
     *
     * @default {}
     */
    readonly env?: Readonly<Record<string, string>>;
}

/** `$STATE` is the folder of the recording: its files are the state of cluster and stack. */
const programs = {
    minikube: `
profile=$(echo "$*" | sed -n 's/.*--profile \\([^ ]*\\).*/\\1/p')
case "$*" in
"profile list"*) cat "$STATE/profiles" ;;
status*) cat "$STATE/minikube-status" 2>/dev/null; exit 7 ;;
start*) test ! -e "$STATE/broken" || { echo "no driver found" >&2; exit 1; }; touch "$STATE/running-$profile" ;;
"addons list"*)
    if test -e "$STATE/addons"; then cat "$STATE/addons"; exit; fi
    if test -e "$STATE/ingress"; then status=enabled; else status=disabled; fi
    echo '{"ingress":{"Status":"'$status'"}}' ;;
"addons enable"*) test ! -e "$STATE/broken" || { echo "addon is retired" >&2; exit 10; }; touch "$STATE/$3" ;;
ip*) cat "$STATE/ip" ;;
ssh*"rm -rf"*) rm -f "$STATE/folder" ;;
ssh*) if test -e "$STATE/folder"; then echo present; else echo absent; fi ;;
*) exit 1 ;;
esac`,
    kubectl: `
context=$(echo "$*" | sed -n 's/.*--context[= ]\\([^ ]*\\).*/\\1/p')
echo "$KUBECONFIG" >> "$STATE/kubeconfig"
echo "$KUBERC" >> "$STATE/kuberc"
case "$*" in
"config view"*) cat "$STATE/namespace" 2>/dev/null ;;
"config get-contexts --output=name") cat "$STATE/contexts" ;;
*--raw=/version) test -e "$STATE/running-$context" && echo '{"major":"1"}' || { echo "proxyconnect tcp: 407" >&2; exit 1; } ;;
proxy*) exec node "$STATE/proxy.cjs" "$@" ;;
*) exit 1 ;;
esac`,
    pulumi: `
case "$*" in
version) cat "$STATE/version" ;;
"whoami --json"*) echo '{"user":"somebody","url":"https://example.org"}' ;;
"stack export"*) cat "$STATE/state" ;;
"stack --show-name"*) cat "$STATE/selected" 2>/dev/null ;;
"config --json"*) cat "$STATE/config" ;;
up*)
    touch "$STATE/ran"
    test ! -e "$STATE/declined" || exit 255
    echo "encryptionsalt: v1:abc" >>Pulumi.dev.yaml
    if test -e "$STATE/interrupted"; then kill -INT $PPID; sleep 0.2; exit 1; fi ;;
destroy*)
    touch "$STATE/ran"
    test ! -e "$STATE/declined" || exit 255 ;;
esac`,
};

/**
 * `kubectl proxy` for an API server whose objects are in the file `objects`, by their paths. A path that ends with a known
 * object's folder is that kind's list. Files refusal-1, refusal-2, ... each answer one POST of an Ingress.
 */
const proxy = `
const { createServer } = require("node:http");
const { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const state = process.env.STATE;
const socket = process.argv.find((arg) => arg.startsWith("--unix-socket=")).slice("--unix-socket=".length);
let reads = 0;
const read = () => {
    // The file "later" has the objects that there are some seconds after an update or a destroy.
    if (existsSync(state + "/later") && existsSync(state + "/ran") && ++reads > 20) {
        renameSync(state + "/later", state + "/objects");
    }
    return JSON.parse(readFileSync(state + "/objects", "utf8"));
};
createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const send = (status, body) => response.writeHead(status).end(JSON.stringify(body));
    const objects = read();
    if (request.method !== "GET") {
        appendFileSync(state + "/calls", request.method + " " + request.url + "\\n");
    }
    if (request.method === "POST" && pathname.endsWith("/ingresses")) {
        const refusal = [1, 2, 3].map((number) => state + "/refusal-" + number).find((file) => existsSync(file));
        const message = refusal && readFileSync(refusal, "utf8");
        if (refusal && !existsSync(state + "/refusals-stay")) require("node:fs").rmSync(refusal);
        return refusal ? send(message.startsWith("Forbidden") ? 403 : 500, { message }) : send(201, {});
    }
    if (request.method === "DELETE") {
        if (existsSync(state + "/undeletable")) return send(403, { message: "forbidden" });
        delete objects[pathname];
        writeFileSync(state + "/objects", JSON.stringify(objects));
        return send(200, {});
    }
    if (pathname in objects) return send(200, objects[pathname]);
    const isNamespace = /^\\/api\\/v1\\/namespaces\\/[^/]+$/.test(pathname);
    const items = isNamespace ? [] : Object.entries(objects)
        .filter(([path]) => path.replace(/\\/namespaces\\/[^/]+(?=\\/[^/]+\\/)/, "").startsWith(pathname + "/") || path.startsWith(pathname + "/"))
        .filter(([path]) => !/\\/proxy\\//.test(path))
        .map(([, object]) => object);
    return items.length > 0 ? send(200, { kind: items[0].kind + "List", items }) : send(404, { message: "not found" });
}).listen(socket, () => console.log("Starting to serve on a socket"));
`;

/** The outputs of the stack that is up. */
export const outputs = {
    webUrl: "http://synchat.invalid",
    apiUrl: "http://synchatapi.invalid",
    namespaceName: "synergychat",
    storageMode: "persistent",
    claimName: "synergychat-api-pvc",
    retainsData: false,
    nextCommands: ["kubectl get pods"],
};

/** A folder of its own for each test, with the stand-ins, the project's files and the state. */
export class Recording {
    public readonly folder = mkdtempSync(join(tmpdir(), "synergychat-recording-"));
    private readonly values: Record<string, { value: string }> = {};

    public constructor() {
        for (const [program, script] of Object.entries(programs)) {
            const recording = `#!/bin/sh\necho "${program} $*" >> "$STATE/calls"\n${script}\n`;
            writeFileSync(join(this.folder, program), recording, { mode: 0o755 });
        }
        for (const file of ["Pulumi.yaml", "Pulumi.dev.yaml"]) {
            copyFileSync(join(root, file), join(this.folder, file));
        }
        mkdirSync(join(this.folder, "tools"));
        for (const tool of ["cat", "grep", "ps", "rm", "sed", "sh", "sleep", "touch"]) {
            const found = ["/bin", "/usr/bin"].map((folder) => join(folder, tool)).find(existsSync) ?? tool;
            symlinkSync(found, join(this.folder, "tools", tool));
        }
        this.write("proxy.cjs", proxy);
        this.write("version", "v3.260.0\n");
        this.write("contexts", "minikube\nprod\n");
        this.write("profiles", JSON.stringify({ valid: [{ Name: "minikube" }], invalid: [] }));
        this.write("objects", "{}");
        this.config({ "kubernetes:context": "minikube" });
        this.state([{ type: "pulumi:pulumi:Stack", outputs }]);
    }

    /** Writes a file of the state. */
    public write(file: string, text = ""): void {
        writeFileSync(join(this.folder, file), text);
    }

    /** Text of a file of the state. */
    public read(file: string): string {
        return readFileSync(join(this.folder, file), "utf8");
    }

    /** Sets config values, in the stack's file and in what Pulumi says of it. Short keys are the project's. */
    public config(values: Readonly<Record<string, string>>): void {
        const full = Object.entries(values).map(([key, value]) => [
            key.includes(":") ? key : `${projectName()}:${key}`,
            { value },
        ]);
        Object.assign(this.values, Object.fromEntries(full));
        this.write("config", JSON.stringify(this.values));
        const lines = Object.entries(this.values).map(
            ([key, { value }]) => `  ${key}: ${JSON.stringify(value)}\n`,
        );
        this.write("Pulumi.dev.yaml", `config:\n${lines.join("")}`);
    }

    /** Sets the resources of the stack's state. */
    public state(resources: readonly object[]): void {
        this.write("state", JSON.stringify({ deployment: { resources } }));
    }

    /** Sets the cluster's objects, by their paths in the API. */
    public objects(objects: Readonly<Record<string, object>>): void {
        this.write("objects", JSON.stringify(objects));
    }

    /** Runs `npm run COMMAND -- ARGS` in the folder, without the package install. */
    public run(command: string, args: readonly string[] = [], options: RunOptions = {}): Run {
        const { typed } = options;
        rmSync(join(this.folder, "calls"), { force: true });
        const { status, stdout, stderr } = spawnSync(
            process.execPath,
            this.nodeArgs(command, args, options),
            {
                cwd: this.folder,
                env: { ...this.env, ...options.env },
                encoding: "utf8",
                ...(typed === undefined ? { stdio: ["ignore", "pipe", "pipe"] } : { input: typed }),
            },
        );
        const calls = join(this.folder, "calls");
        return {
            status,
            stdout,
            text: stdout + stderr,
            calls: existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : [],
        };
    }

    /** As `run`, until standard output has a line, and then Ctrl+C. Returns what was printed. */
    public runUntil(
        line: RegExp,
        command: string,
        args: readonly string[],
        options: RunOptions,
    ): Promise<string> {
        const child = spawn(process.execPath, this.nodeArgs(command, args, options), {
            cwd: this.folder,
            env: { ...this.env, ...options.env },
            stdio: ["ignore", "pipe", "inherit"],
        });
        return new Promise((resolve, reject) => {
            let text = "";
            child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
                text += chunk;
                if (line.test(text)) {
                    child.kill("SIGINT");
                }
            });
            child.on("error", reject);
            child.on("close", () => {
                resolve(text);
            });
        });
    }

    private nodeArgs(command: string, args: readonly string[], { terminal = [] }: RunOptions): string[] {
        this.write("terminal.cjs", terminal.map((stream) => `process.${stream}.isTTY = true;`).join("\n"));
        const main = join(root, "cli", "main.ts");
        return [`--require=${join(this.folder, "terminal.cjs")}`, main, command, ...args];
    }

    /** Removes a program from the PATH. */
    public without(program: keyof typeof programs): void {
        rmSync(join(this.folder, program));
    }

    public remove(): void {
        rmSync(this.folder, { recursive: true });
    }

    /** The environment in which the stand-ins are found, and none of this machine's own kubectl, minikube and pulumi. */
    private get env(): Record<string, string> {
        return {
            PATH: [this.folder, join(this.folder, "tools"), dirname(process.execPath)].join(":"),
            HOME: this.folder,
            NODE_COMPILE_CACHE: compiled,
            STATE: this.folder,
        };
    }
}
