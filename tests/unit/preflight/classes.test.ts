import { strict as assert } from "node:assert";
import {
    type Config,
    assertFinding,
    commandsOf,
    findings,
    fresh,
    object,
    only,
    running,
} from "../support/snapshots.ts";

const gateway: Config = { exposure: "gateway", gatewayClass: "eg" };

describe("classes", () => {
    for (const [key, value, has] of [
        ["storageClass", "fast", "standard, roomy"],
        ["ingressClass", "traefik", "nginx"],
    ] as const) {
        it(`refuses a ${key} that does not exist, and names those that do`, () => {
            const finding = only(fresh, { [key]: value });
            assertFinding(finding, { code: "class-missing", severity: "error", subject: { key, value } });
            assert.ok(finding.reason.includes(`It has: ${has}.`), finding.reason);
            assert.ok(commandsOf(finding).includes(`pulumi config set ${key} NAME`));
        });
    }

    it("refuses to rely on a default class that does not exist", () => {
        assertFinding(only({ ...fresh, storageClasses: [] }), {
            code: "default-class-missing",
            severity: "error",
            subject: { key: "storageClass", value: "" },
        });
        const finding = only({ ...fresh, ingressClasses: [object("IngressClass", "haproxy")] });
        assertFinding(finding, {
            code: "default-class-missing",
            severity: "error",
            subject: { key: "ingressClass", value: "" },
        });
        assert.ok(finding.reason.includes("It has: haproxy."), finding.reason);
        const commands = commandsOf(finding);
        assert.ok(commands.includes("minikube addons enable ingress"));
        // kind, Docker Desktop and colima have no addons.
        assert.ok(commands.some((command) => command.startsWith("helm install ")));
        assert.ok(commands.includes("pulumi config set exposure none"));
    });

    it("needs no class for what the stack does not use", () => {
        const bare = { ...fresh, storageClasses: [], ingressClasses: [] };
        assert.deepEqual(findings(bare, { storageMode: "ephemeral", exposure: "none" }), []);
    });

    it("needs no storage class for a claim that exists", () => {
        assert.deepEqual(findings({ ...running, storageClasses: [] }), []);
    });

    it("needs the storage class of a claim that is only kept, too", () => {
        const config = { storageMode: "ephemeral", retainData: "true", storageClass: "fast" };
        assertFinding(only(fresh, config), {
            code: "class-missing",
            severity: "error",
            subject: { key: "storageClass", value: "fast" },
        });
    });

    it("finds nothing if the user may not list classes", () => {
        assert.deepEqual(findings({ ...fresh, storageClasses: undefined, ingressClasses: undefined }), []);
    });

    it("refuses exposure gateway without the Gateway API or without its class", () => {
        for (const gatewayClasses of [undefined, [], [object("GatewayClass", "contour")]]) {
            assertFinding(only({ ...fresh, gatewayClasses }, gateway), {
                code: "class-missing",
                severity: "error",
                subject: { key: "gatewayClass", value: "eg" },
            });
        }
        assert.deepEqual(findings({ ...fresh, gatewayClasses: [object("GatewayClass", "eg")] }, gateway), []);
    });

    it("names how a gateway controller and its class are had, if the cluster has none", () => {
        const [install, make, up] = commandsOf(only(fresh, gateway));
        assert.match(
            install ?? "",
            /^kubectl apply .*envoyproxy\/gateway\/releases\/download\/v\d+\.\d+\.\d+\//,
        );
        const manifest = /<<< '(.*)'$/.exec(make ?? "")?.[1] ?? "";
        assert.equal((JSON.parse(manifest) as { metadata: { name: string } }).metadata.name, "eg");
        assert.equal(up, "npm run up");
        const others = { ...fresh, gatewayClasses: [object("GatewayClass", "contour")] };
        assert.deepEqual(commandsOf(only(others, gateway)), ["pulumi config set gatewayClass NAME"]);
    });
});
