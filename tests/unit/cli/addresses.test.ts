/** The app is recognized by what it serves, at the first address that has it. */
import { strict as assert } from "node:assert";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { candidates, firstAnswering, otherLines, waitForAnswer } from "../../../cli/addresses.ts";
import { reachAdvice } from "../../../cli/clusters/minikube.ts";
import type { LiveSession, Session } from "../../../cli/session.ts";

describe("firstAnswering", () => {
    let server: Server;
    let served: string;
    let port: number;

    beforeEach(async () => {
        server = createServer((_, response) => response.writeHead(200).end(served));
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        ({ port } = server.address() as AddressInfo);
    });
    afterEach(() => {
        server.close();
    });

    const find = (path: string, addresses: readonly string[]) =>
        firstAnswering(`http://synchat.invalid:${port}${path}`, addresses, 0);

    it("takes no other web server of this machine for the app", async () => {
        served = "<html><title>Welcome to nginx</title></html>";
        assert.equal(await find("/", ["127.0.0.1"]), undefined);
        assert.equal(await find("/messages", ["127.0.0.1"]), undefined);
        served = "{}";
        assert.equal(await find("/messages", ["127.0.0.1"]), undefined);
    });

    it("recognizes the page and the api", async () => {
        served = "<html><title>SynergyChat</title></html>";
        assert.equal(await find("/", ["127.0.0.1"]), "127.0.0.1");
        served = "[]";
        assert.equal(await find("/messages", ["127.0.0.1"]), "127.0.0.1");
    });

    it("recognizes a page of one's own at an address of the cluster", async () => {
        served = "<html><title>My chat</title></html>";
        assert.equal(await find("/", ["localhost", "127.0.0.1"]), "localhost");
    });

    it("returns the first address in their order, whichever answers first", async () => {
        served = "[]";
        assert.equal(await find("/messages", ["127.0.0.1", "localhost"]), "127.0.0.1");
        assert.equal(await find("/messages", ["localhost", "127.0.0.1"]), "localhost");
        assert.equal(await find("/messages", ["host.invalid", "127.0.0.1"]), "127.0.0.1");
    });
});

describe("the end of a switch", () => {
    it("comes only when the api answers at its address again", async () => {
        const asked: string[] = [];
        const server = createServer(({ headers, url }, response) => {
            asked.push(`${headers.host ?? ""}${url ?? ""}`);
            // An ingress controller that has not heard of the new pod yet.
            response.writeHead(asked.length < 3 ? 503 : 200).end("[]");
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        const host = `synchatapi.internal:${(server.address() as AddressInfo).port}`;
        const session = {
            client: { find: () => Promise.resolve(undefined) },
            cluster: {},
            settings: { exposure: { kind: "ingress" } },
            outputs: { apiUrl: `http://${host}`, namespaceName: "synergychat" },
        };
        await waitForAnswer(session as unknown as LiveSession);
        assert.deepEqual(asked, Array(3).fill(`${host}/messages`));
        server.close();
    });
});

describe("the hosts file", () => {
    const wanted = { "a.invalid": "192.0.2.2", "b.invalid": "192.0.2.2" };

    it("has other lines for the app if the course has left some, and the first line of a name counts", () => {
        const old =
            "127.0.0.1 localhost\n127.0.0.1\ta.invalid  B.invalid # course\n192.0.2.2 a.invalid b.invalid\n";
        assert.deepEqual(otherLines(old, wanted), ["127.0.0.1 a.invalid B.invalid"]);
    });

    it("has none if it leads to the app, or does not know it", () => {
        for (const text of [
            "",
            "# 127.0.0.1 a.invalid\n",
            "192.0.2.2 a.invalid b.invalid\n127.0.0.1 a.invalid\n",
        ]) {
            assert.deepEqual(otherLines(text, wanted), []);
        }
    });
});

describe("candidates", () => {
    it("has minikube's node before an address is published, and published addresses first", async () => {
        const session = (addresses: readonly string[]) =>
            ({
                client: {
                    find: () =>
                        Promise.resolve({
                            status: { loadBalancer: { ingress: addresses.map((ip) => ({ ip })) } },
                        }),
                },
                cluster: { nodeAddress: () => "192.0.2.2" },
                settings: { exposure: { kind: "ingress" } },
            }) as unknown as Session;
        assert.deepEqual(await candidates(session([]), "synergychat"), ["192.0.2.2", "127.0.0.1"]);
        assert.deepEqual(await candidates(session(["192.0.2.1"]), "synergychat"), [
            "192.0.2.1",
            "192.0.2.2",
            "127.0.0.1",
        ]);
    });
});

describe("how a browser reaches minikube", () => {
    for (const [machine, driver, isTunnel] of [
        ["macos", "docker", true],
        ["macos", undefined, true],
        ["wsl", "docker", true],
        ["macos", "vfkit", false],
        ["linux", "docker", false],
        ["linux", "kvm2", false],
    ] as const) {
        it(`is ${isTunnel ? "a tunnel" : "the node's address"} on ${machine} with driver ${driver ?? "unknown"}`, () => {
            const node = { machine, driver, profile: "second", address: "192.0.2.2" };
            const text = reachAdvice(node, "a.invalid b.invalid", "ingress").join("\n");
            const gateway = reachAdvice(node, "a.invalid b.invalid", "gateway").join("\n");
            assert.equal(text.includes("minikube tunnel --profile second"), isTunnel);
            assert.ok(gateway.includes("minikube tunnel --profile second"));
            assert.equal(gateway.includes("127.0.0.1 a.invalid b.invalid"), isTunnel);
            assert.equal(text.includes("127.0.0.1 a.invalid b.invalid"), isTunnel);
            assert.equal(text.includes("192.0.2.2 a.invalid b.invalid"), !isTunnel);
        });
    }
});
