/** The client, with a kubectl that serves answers of its own, and with the real one if there is one. */
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
import { Client } from "../../kubernetes/client.ts";
import type { ClusterAccess } from "../../kubernetes/kubectl.ts";

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
        "/pods": [200, '{"kind":"PodList","items":[{"metadata":{"name":"a"}}]}'],
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
            const { method, headers } = request;
            const echo = [200, JSON.stringify({ method, type: headers["content-type"], body })];
            const [code, text] = method === "GET" ? answers[request.url] ?? status(404, "no") : echo;
            response.writeHead(code).end(text);
        });
    }).listen(flag("--unix-socket"), () => {
        require("node:fs").writeFileSync(process.env.STATE + "/pid", String(process.pid));
        console.log("Starting to serve on " + flag("--unix-socket"));
    }), late);
}
`;

describe("Client", () => {
    let folder: string;
    let target: ClusterAccess;

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

    it("returns what the API server answers, or why there is no answer", async () => {
        const client = await Client.connect(target);
        const paths = ["/json", "/text", "/nothing", "/secret", "/broken", "/unreachable"];
        assert.deepEqual(await Promise.all(paths.map((path) => client.read(path))), [
            { kind: "found", body: { items: [] } },
            { kind: "found", body: "OK" },
            { kind: "not found", message: "no" },
            { kind: "forbidden", message: "you may not" },
            { kind: "failed", status: 500, message: "etcd is gone" },
            { kind: "failed", status: 500, message: "dial tcp: connection refused" },
        ]);
        assert.deepEqual(await client.post("/json", { a: "ä" }), {
            kind: "found",
            body: { method: "POST", type: "application/json", body: '{"a":"ä"}' },
        });
    });

    it("patches with the type of the patch, and deletes with all that the object owns", async () => {
        const client = await Client.connect(target);
        const type = "application/merge-patch+json";
        assert.deepEqual(await client.patch("/json", { a: 1 }, type), {
            kind: "found",
            body: { method: "PATCH", type, body: '{"a":1}' },
        });
        const deleted = await client.delete("/json");
        assert.ok(deleted.kind === "found");
        assert.equal((deleted.body as { method: string }).method, "DELETE");
    });

    it("tells forbidden from absent", async () => {
        const client = await Client.connect(target);
        assert.equal(await client.find("/nothing"), undefined);
        await assert.rejects(client.find("/secret"), /you may not/);
        assert.equal(await client.findIfAllowed("/secret"), undefined);
        assert.deepEqual(await client.list("/nothing"), []);
        assert.equal(await client.listIfAllowed("/secret"), undefined);
        await assert.rejects(client.get("/nothing"), /minikube has no \/nothing/);
        for (const ask of [
            () => client.find("/broken"),
            () => client.findIfAllowed("/broken"),
            () => client.list("/broken"),
            () => client.listIfAllowed("/broken"),
            () => client.get("/broken"),
        ]) {
            await assert.rejects(ask(), /etcd is gone/);
        }
    });

    it("gives each item of a list its kind", async () => {
        const client = await Client.connect(target);
        assert.deepEqual(await client.list("/pods"), [{ kind: "Pod", metadata: { name: "a" } }]);
    });

    it("waits until there is an answer, and fails with the reason to look at if there is none", async () => {
        const client = await Client.connect(target);
        let asked = 0;
        const second = () => Promise.resolve(++asked === 2 ? "yes" : undefined);
        assert.equal(await client.waitUntil("it is so", second, 3600), "yes");
        await assert.rejects(
            client.waitUntil("it is so", () => Promise.resolve(false as const), 0, "kubectl get it"),
            /until it is so[^]*kubectl get it/,
        );
    });

    it("accepts a kubeconfig by its path or as its content", async () => {
        const content = "apiVersion: v1\nkind: Config\n";
        const path = join(folder, "own.yaml");
        writeFileSync(path, content);
        for (const kubeconfig of [path, content]) {
            const client = await Client.connect({ ...target, kubeconfig });
            assert.deepEqual(await client.read("/kubeconfig"), { kind: "found", body: content });
        }
    });

    it("names the contexts that exist if there is none of that name", async () => {
        await assert.rejects(Client.connect({ ...target, context: "prod" }), /"prod".*kind, minikube/);
    });

    it("passes on why kubectl does not start, and says if there is none", async () => {
        await assert.rejects(Client.connect({ ...target, context: "broken" }), /the kubeconfig is a poem/);
        await assert.rejects(
            // Of the PATH it needs rm alone.
            Client.connect({ ...target, env: { PATH: join(folder, "bin") } }),
            /kubectl is not on the PATH/,
        );
    });

    it("is connected once kubectl serves, not once a wrapper around it prints a line", async () => {
        const client = await Client.connect({ ...target, context: "wrapped" });
        assert.deepEqual(await client.read("/text"), { kind: "found", body: "OK" });
    });

    it("names the version of kubectl that is required if it is too old", async () => {
        await assert.rejects(Client.connect({ ...target, context: "old" }), /1\.23/);
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
            const client = await Client.connect({ context: "rancher", kubeconfig });
            const paths = [
                "/api/v1/namespaces?labelSelector=a%3Db",
                "/api/v1/namespaces/n/services/s:http/proxy/messages",
            ];
            for (const path of paths) {
                const body = { path: `/k8s/clusters/c-1${path}` };
                assert.deepEqual(await client.read(path), { kind: "found", body }, asked.join("\n"));
            }
            const posted = await client.post("/apis/a", {});
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
        it(`leaves no process and no file if its own process ${ending}`, async () => {
            const program = `
                import { Client } from ${JSON.stringify(import.meta.resolve("../../kubernetes/client.ts"))};
                Client.connect({ context: "minikube" }).then((client) => client.read("/text")).then(() => { ${last} });`;
            const temporary = join(folder, "tmp");
            rmSync(temporary, { recursive: true, force: true });
            mkdirSync(temporary);
            const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
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
            const left = () => readdirSync(temporary).filter((name) => name.startsWith("synergychat-"));
            const end = performance.now() + 60_000;
            while (left().length > 0 || isRunning(proxy)) {
                assert.ok(performance.now() < end, `left: ${left().join()}, proxy ${proxy}`);
                await sleep(100);
            }
        });
    }
});

/** Whether a process runs. One that has ended and that nobody has asked about yet is in state Z. */
function isRunning(pid: number): boolean {
    const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
    return !/^(Z.*)?$/.test(stdout.trim());
}
