import { strict as assert } from "node:assert";
import {
    assertFinding,
    codes,
    commandsOf,
    findings,
    fresh,
    object,
    only,
    running,
} from "../support/snapshots.ts";

const ingress = (namespace: string, ...hosts: string[]) => ({
    ...object("Ingress", "app-ingress", { namespace }),
    spec: { rules: [{}, ...hosts.map((host) => ({ host }))] },
});
const route = (namespace: string, ...hostnames: string[]) => ({
    ...object("HTTPRoute", "web-httproute", { namespace }),
    spec: { hostnames },
});

describe("the secret with the certificate", () => {
    const config = { tlsSecret: "chat-tls" };

    it("may come later, with a warning", () => {
        for (const snapshot of [fresh, running]) {
            const finding = only(snapshot, config);
            assertFinding(finding, {
                code: "tls-secret-missing",
                severity: "warning",
                subject: { name: "chat-tls", value: "synergychat" },
            });
            assert.match(
                commandsOf(finding)[0] ?? "",
                /^kubectl create secret tls chat-tls --namespace synergychat /,
            );
        }
        assert.deepEqual(findings(running, { ...config, exposure: "none" }), []);
        assert.deepEqual(findings({ ...running, tlsSecret: "forbidden" }, config), []);
    });

    it("must be of the type for certificates", () => {
        const secret = (type?: string) => ({ ...object("Secret", "chat-tls"), type });
        for (const [found, type] of [
            ["Opaque", "Opaque"],
            [undefined, "Opaque"],
        ]) {
            assertFinding(only({ ...running, tlsSecret: secret(found) }, config), {
                code: "tls-secret-unusable",
                severity: "error",
                subject: { name: "chat-tls", value: type ?? "" },
            });
        }
        assert.deepEqual(findings({ ...running, tlsSecret: secret("kubernetes.io/tls") }, config), []);
    });
});

describe("host names", () => {
    for (const [kind, other] of [
        ["Ingress", ingress("theirs", "else.internal", "synchat.internal")],
        ["HTTPRoute", route("theirs", "else.internal", "synchat.internal")],
    ] as const) {
        it(`must not be served by an ${kind} of another namespace`, () => {
            const snapshot = { ...running, hostObjects: [other] };
            const finding = only(snapshot);
            assertFinding(finding, {
                code: "host-served-elsewhere",
                severity: "error",
                subject: { key: "webHost", value: "synchat.internal" },
            });
            assert.ok(finding.reason.includes(`${kind} ${other.metadata.name} in namespace theirs`));
            assert.deepEqual(commandsOf(finding), ["pulumi config set webHost HOST"]);
            assert.deepEqual(findings(snapshot, { webHost: "mine.internal" }), []);
            assert.deepEqual(findings(snapshot, { exposure: "none" }), []);
        });
    }

    it("clash across kinds: a Gateway of the stack and an Ingress of another namespace", () => {
        const snapshot = {
            ...running,
            hostObjects: [ingress("theirs", "synchatapi.internal")],
            gatewayClasses: [object("GatewayClass", "eg")],
        };
        assert.deepEqual(codes(snapshot, { exposure: "gateway", gatewayClass: "eg" }), [
            "host-served-elsewhere",
        ]);
    });

    it("may be served in the stack's own namespace", () => {
        const own = { ...running, hostObjects: [ingress("synergychat", "synchat.internal")] };
        assert.deepEqual(findings(own), []);
    });

    it("do not clash with objects that name no host", () => {
        const bare = [
            { ...ingress("theirs"), spec: undefined },
            { ...ingress("theirs"), spec: { rules: [{}] } },
            { ...route("theirs"), spec: {} },
        ];
        assert.deepEqual(findings({ ...running, hostObjects: bare }), []);
    });
});
