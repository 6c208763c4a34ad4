/** The way to the cluster, with a kubectl that serves answers of its own. */
import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import {
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Target, connect } from "../../cluster/kubectl";

/** Answers by path, on the socket that it is told, as `kubectl proxy` does. */
const kubectl = `#!${process.execPath}
const { createServer } = require("node:http");
const appendsPath = process.argv.includes("--append-server-path");
const flag = (name) => process.argv.find((arg) => arg.startsWith(name + "="))?.slice(name.length + 1);
if (process.argv[2] === "config") {
    console.log("kind\\nminikube");
} else if (flag("--context") === "broken") {
    console.error("error: the kubeconfig is a poem");
    process.exitCode = 1;
} else if (flag("--context") === "old" && appendsPath) {
    console.error("error: unknown flag: --append-server-path\\nSee 'kubectl proxy --help' for usage.");
    process.exitCode = 1;
} else if (!["minikube", "wrapped"].includes(flag("--context"))) {
    console.error('error: context "' + flag("--context") + '" does not exist');
    process.exitCode = 1;
} else {
    const status = (code, message) => [code, JSON.stringify({ kind: "Status", message })];
    const answers = {
        "/json": [200, '{"items":[]}'],
        "/text": [200, "OK"],
        "/kubeconfig": [200, flag("--kubeconfig") && require("node:fs").readFileSync(flag("--kubeconfig"), "utf8")],
        "/secret": status(403, "you may not"),
        "/broken": status(500, "etcd is gone"),
        "/unreachable": [500, "dial tcp: connection refused"],
    };
    if (flag("--context") === "wrapped") {
        console.log("kubectl 1.34 is used for this cluster");
    }
    const late = flag("--context") === "wrapped" ? 300 : 0;
    setTimeout(() => createServer((request, response) => {
        let body = "";
        request.on("data", (chunk) => (body += chunk)).on("end", () => {
            const [code, text] = request.method === "POST" ? [201, body] : answers[request.url] ?? status(404, "no");
            response.writeHead(code).end(text);
        });
    }).listen(flag("--unix-socket"), () => {
        require("node:fs").writeFileSync(process.env.STATE + "/pid", String(process.pid));
        console.log("Starting to serve on " + flag("--unix-socket"));
    }), late);
}
`;

describe("the way to the cluster", () => {
    let folder: string;
    let target: Target;

    before(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-kubectl-"));
        writeFileSync(join(folder, "kubectl"), kubectl, { mode: 0o755 });
        mkdirSync(join(folder, "bin"));
        symlinkSync("/bin/rm", join(folder, "bin", "rm"));
        const PATH = `${folder}${delimiter}${process.env.PATH ?? ""}`;
        target = { context: "minikube", env: { PATH, STATE: folder } };
    });
    after(() => {
        rmSync(folder, { recursive: true });
    });

    it("gives what the API server answers, or why there is no answer", async () => {
        const cluster = await connect(target);
        const paths = ["/json", "/text", "/nothing", "/secret", "/broken", "/unreachable"];
        assert.deepEqual(await Promise.all(paths.map((path) => cluster.read(path))), [
            { kind: "found", body: { items: [] } },
            { kind: "found", body: "OK" },
            { kind: "not found" },
            { kind: "forbidden", message: "you may not" },
            { kind: "failed", message: "etcd is gone" },
            { kind: "failed", message: "dial tcp: connection refused" },
        ]);
        assert.deepEqual(await cluster.post("/json", { a: "ä" }), { kind: "found", body: { a: "ä" } });
    });

    it("takes a kubeconfig by its path or as its content", async () => {
        const content = "apiVersion: v1\nkind: Config\n";
        const path = join(folder, "own.yaml");
        writeFileSync(path, content);
        for (const kubeconfig of [path, content]) {
            const cluster = await connect({ ...target, kubeconfig });
            assert.deepEqual(await cluster.read("/kubeconfig"), { kind: "found", body: content });
        }
    });

    it("names the contexts that there are when the one that is asked for is not among them", async () => {
        await assert.rejects(
            connect({ ...target, context: "prod" }),
            /kubernetes:context is "prod": your kubeconfig has no such context. It has: kind, minikube\./,
        );
    });

    it("says what kubectl said when it does not start, and when there is none", async () => {
        await assert.rejects(connect({ ...target, context: "broken" }), /the kubeconfig is a poem/);
        await assert.rejects(
            // Of the PATH it needs rm alone.
            connect({ ...target, env: { PATH: join(folder, "bin") } }),
            /kubectl is not on the PATH. Install it: https:/,
        );
    });

    it("is open once kubectl serves, not once a wrapper around it prints a line", async () => {
        const cluster = await connect({ ...target, context: "wrapped" });
        assert.deepEqual(await cluster.read("/text"), { kind: "found", body: "OK" });
    });

    it("names the version of kubectl that is needed when it is too old", async () => {
        await assert.rejects(connect({ ...target, context: "old" }), /version 1\.23 or newer is needed/);
    });

    it("asks the cluster at the path of the server's URL", async function () {
        if (spawnSync("kubectl", ["version", "--client"]).status !== 0) {
            this.skip();
        }
        const asked: string[] = [];
        const server = createServer(({ url = "" }, response) => {
            asked.push(url);
            response.writeHead(url.startsWith("/k8s/clusters/c-1/") ? 200 : 404).end(`{"path":"${url}"}`);
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        const { port } = server.address() as AddressInfo;
        const kubeconfig = JSON.stringify({
            apiVersion: "v1",
            kind: "Config",
            clusters: [{ name: "c", cluster: { server: `http://127.0.0.1:${port}/k8s/clusters/c-1` } }],
            contexts: [{ name: "rancher", context: { cluster: "c", user: "u" } }],
            users: [{ name: "u", user: {} }],
        });
        try {
            const cluster = await connect({ context: "rancher", kubeconfig });
            const paths = [
                "/api/v1/namespaces?labelSelector=a%3Db",
                "/api/v1/namespaces/n/services/s:http/proxy/messages",
            ];
            for (const path of paths) {
                const body = { path: `/k8s/clusters/c-1${path}` };
                assert.deepEqual(await cluster.read(path), { kind: "found", body }, asked.join("\n"));
            }
            const posted = await cluster.post("/apis/a", {});
            assert.deepEqual(posted, { kind: "found", body: { path: "/k8s/clusters/c-1/apis/a" } });
        } finally {
            server.closeAllConnections();
            server.close();
        }
    });

    for (const [ending, last] of [
        ["ends", ""],
        ["is killed", `process.kill(process.pid, "SIGKILL")`],
    ] as const) {
        it(`leaves no process and no file when its own process ${ending}`, async () => {
            const program = `
                const { connect } = require(${JSON.stringify(require.resolve("../../cluster/kubectl"))});
                connect({ context: "minikube" }).then(({ read }) => read("/text")).then(() => { ${last} });`;
            const temporary = join(folder, "tmp");
            rmSync(temporary, { recursive: true, force: true });
            mkdirSync(temporary);
            const child = spawn(process.execPath, ["--require", "ts-node/register", "--eval", program], {
                env: { ...process.env, ...target.env, TMPDIR: temporary },
                stdio: "inherit",
            });
            const how = await new Promise((resolve) => {
                child.on("close", (status, signal) => {
                    resolve(signal ?? status);
                });
            });
            assert.equal(how, last === "" ? 0 : "SIGKILL");
            const proxy = Number(readFileSync(join(folder, "pid"), "utf8"));
            const sockets = () => readdirSync(temporary).filter((name) => name.startsWith("synergychat-"));
            for (let attempt = 0; attempt < 50 && sockets().length > 0; attempt++) {
                await sleep(100);
            }
            assert.deepEqual(sockets(), []);
            // Z: ended, and nobody has asked how yet.
            const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(proxy)], { encoding: "utf8" });
            assert.match(stdout.trim(), /^(Z.*)?$/);
        });
    }
});
