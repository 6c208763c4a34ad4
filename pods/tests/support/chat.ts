/** The stand-in of the api below its supervisor, with its guard or without, as processes of this machine. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApiServer, startApiServer } from "./cluster.ts";
import { type Running, start, until } from "./processes.ts";
import type { Told } from "./set-full.ts";

const pods = join(import.meta.dirname, "..", "..");

/** Builds the stand-in. Undefined without Go. */
export function buildApi(folder: string): string | undefined {
    if (spawnSync("go", ["version"]).status !== 0) {
        return undefined;
    }
    const program = join(folder, "api");
    const images = join(pods, "..", "sandbox", "images");
    execFileSync("go", ["build", "-o", program, "./cmd/api"], { cwd: images });
    return program;
}

export interface Answer {
    readonly status: number;
    readonly headers: IncomingMessage["headers"];
    readonly body: string;
}

/** Where an api is asked: a port of this machine, or a host name at an address. */
export type Place = number | { readonly address: string; readonly host: string };

/** One request over a connection of its own. */
export function ask(place: Place, method: string, path: string, body?: string): Promise<Answer> {
    const [host, port, name] =
        typeof place === "number" ? ["127.0.0.1", place, "api"] : [place.address, 80, place.host];
    return new Promise((resolve, reject) => {
        const headers = { Host: name, Origin: "http://synchat.internal", Connection: "close" };
        const sent = request({ host, port, method, path, headers, agent: false }, (answer) => {
            let text = "";
            answer.setEncoding("utf8");
            answer.on("data", (part: string) => (text += part));
            answer.on("error", reject);
            answer.on("end", () => {
                resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text });
            });
        });
        sent.on("error", reject);
        sent.end(body);
    });
}

/** Posts a message, and returns what its writer may conclude. Only the guard's 503 says that a message is not stored. */
export async function post(place: Place, text: string): Promise<Told> {
    const { status, headers } = await ask(place, "POST", "/messages", messageOf(text));
    return status === 201 ? "stored" : headers["retry-after"] ? "refused" : "unknown";
}

export function messageOf(text: string): string {
    return JSON.stringify({ AuthorUsername: "ada", Text: text });
}

/** The texts of all messages. */
export async function read(place: Place): Promise<readonly string[]> {
    const { status, body } = await ask(place, "GET", "/messages");
    if (status !== 200) {
        throw new Error(`GET /messages: ${String(status)} ${body}`);
    }
    return (JSON.parse(body) as { Text: string }[]).map(({ Text }) => Text);
}

export class Chat {
    public readonly folder = mkdtempSync(join(tmpdir(), "chat-"));
    public readonly file = join(this.folder, "data", "db.json");
    /** Where the app listens, and where its clients ask: the guard, if there is one. */
    public appPort = 0;
    public port = 0;
    public cluster: ApiServer | undefined;
    public readonly env: NodeJS.ProcessEnv = {};
    private readonly program: string;
    private readonly running: Running[] = [];
    private app: Running | undefined;
    private guard: Running | undefined;

    /** @param program the stand-in of the api. */
    public constructor(program: string) {
        this.program = program;
        mkdirSync(join(this.folder, "data"));
    }

    public async start(withGuard: boolean, guardProgram?: string): Promise<void> {
        this.appPort = await freePort();
        this.port = withGuard ? await freePort() : this.appPort;
        this.startApp();
        if (withGuard) {
            this.cluster = await startApiServer(this.folder);
            this.startGuard(guardProgram);
        }
        await until("the api", () => read(this.port).catch(() => undefined));
    }

    /** Starts the api below its supervisor, as in its container. */
    public startApp(): Running {
        this.app = this.run(["sh", join(pods, "supervisor.sh"), this.program], {
            API_PORT: String(this.appPort),
            API_DB_FILEPATH: this.file,
            RUN_FOLDER: this.folder,
        });
        return this.app;
    }

    public startGuard(program = join(pods, "guard.ts")): Running {
        this.guard = this.run([process.execPath, program], {
            API_DB_FILEPATH: this.file,
            API_PORT: String(this.appPort),
            GUARD_PORT: String(this.port),
            POD_NAME: "synergychat-api-1",
            POD_UID: "a-b-c",
            POD_NAMESPACE: "chat",
            KUBERNETES_SERVICE_HOST: "127.0.0.1",
            KUBERNETES_SERVICE_PORT: this.cluster?.port,
            RUN_FOLDER: this.folder,
            TOKEN_FOLDER: this.folder,
        });
        return this.guard;
    }

    /** Sends a signal to the app itself, and not to its supervisor. Its supervisor starts it again. */
    public signalApp(signal: NodeJS.Signals): void {
        this.appProcesses().forEach((pid) => process.kill(Number(pid), signal));
    }

    public appProcesses(): readonly string[] {
        const pid = String(this.app?.process.pid);
        const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
        return children.filter((one) => isProgram(one, this.program));
    }

    /** Tells both to end, as the kubelet does, and returns their exit codes. */
    public stop(): Promise<(number | undefined)[]> {
        const both = [this.app, this.guard].filter((one) => one !== undefined);
        both.forEach(({ process: one }) => one.kill("SIGTERM"));
        return Promise.all(both.map(({ ended }) => ended));
    }

    /** Kills the app below its supervisor, and the supervisor. */
    public async killApp(): Promise<void> {
        const pids = this.appProcesses();
        this.app?.process.kill("SIGKILL");
        pids.forEach((pid) => process.kill(Number(pid), "SIGKILL"));
        await this.app?.ended;
    }

    public async killGuard(): Promise<void> {
        this.guard?.process.kill("SIGKILL");
        await this.guard?.ended;
    }

    public events(): readonly string[] {
        return (this.cluster?.events ?? []).map(({ reason }) => reason);
    }

    public texts(): readonly string[] {
        return (JSON.parse(readFileSync(this.file, "utf8")) as { Text: string }[]).map(({ Text }) => Text);
    }

    /** @param free releases what the folder holds. */
    public async remove(free: () => unknown = () => undefined): Promise<void> {
        // The supervisor ends the app. A guard may wait for that.
        this.running.forEach((one) => one.process.kill(one === this.guard ? "SIGKILL" : "SIGTERM"));
        await Promise.all(this.running.map(({ ended }) => ended));
        this.cluster?.server.closeAllConnections();
        this.cluster?.server.close();
        free();
        rmSync(this.folder, { recursive: true, maxRetries: 3 });
    }

    private run(command: readonly string[], env: NodeJS.ProcessEnv): Running {
        const running = start(command, { ...env, ...this.env });
        this.running.push(running);
        return running;
    }
}

function isProgram(pid: string, program: string): boolean {
    try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(program);
    } catch {
        return false;
    }
}

export async function freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    return port;
}
