/**
 * Every kind of edit that this stack knows, one after the other on one stack: what is planned and what the cluster holds
 * then is held to a record from the official Pulumi Kubernetes provider and language host. Whatever runs this test, the
 * sandbox's own parts or the official ones of another version, must do the same.
 *
 * `npm run conformance:record` writes the record anew: only with the official parts on the PATH.
 */
import { strict as assert } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Objects, type Step, changes, objectsOf, planOf } from "./support/conformance";
import { get, kubectl } from "./support/cluster";
import { TestStack } from "./support/stack";

interface Recorded {
    readonly from: string;
    readonly steps: Step[];
}

const file = join(__dirname, "recorded/conformance.json");
const recording = process.env.CONFORMANCE === "record";
const header =
    "official Pulumi Kubernetes provider 4.34.2 (a source build of July 2026) and Node.js language host 3.259.0";

type Edit = Readonly<Record<string, unknown>>;

/** The edits, each to what the ones before it left. */
const edits: readonly (readonly [name: string, edit: Edit])[] = [
    ["first up", {}],
    ["no edit", {}],
    ["other words and another host", { crawlerKeywords: ["night", "day"], apiHost: "elsewhere.internal" }],
    ["more containers and pods", { crawlerContainers: 2, webReplicas: 2 }],
    ["another image", { images: { web: "docker.io/bootdotdev/synergychat-web:latest" } }],
    ["exposure none", { exposure: "none" }],
    ["exposure gateway", { exposure: "gateway", gatewayClass: "contour" }],
    ["exposure by an ingress class", { exposure: "ingress", ingressClass: "nginx" }],
    ["another storage class", { storageClass: "standard-expandable" }],
    ["a larger claim", { storageSize: "2Gi" }],
    ["retainData", { retainData: true }],
    ["to ephemeral, retained", { storageMode: "ephemeral" }],
    ["no longer retained", { retainData: false }],
    ["another namespace", { namespace: "e2e-conformance-moved" }],
    ["to persistent", { storageMode: "persistent" }],
];

describe("conformance with the official parts", () => {
    const stack = new TestStack("conformance", { crawlerContainers: 1 });
    const record: Recorded = recording
        ? { from: header, steps: [] }
        : (JSON.parse(readFileSync(file, "utf8")) as Recorded);
    let last: Objects = new Map();

    before(() => stack.create());
    after(async () => {
        await stack.remove();
        // A record with a gap would hold the rest to a state that nobody meant.
        if (recording && record.steps.length === edits.length + 1) {
            writeFileSync(file, `${JSON.stringify(record, undefined, 1)}\n`);
        }
    });

    /** The field manager of the sandbox's provider. */
    async function refuseSandbox(): Promise<void> {
        const args = ["--namespace", stack.name, "--show-managed-fields", "--output=json"];
        const text = await kubectl("get", "deployment", "synergychat-api", ...args);
        const own = text.includes('"pulumi-sandbox"');
        assert.equal(own, false, "a record is made with the official parts: put them first on the PATH");
    }

    async function compare(edit: string, ...command: readonly string[]): Promise<void> {
        const plan = await planOf(stack, ...command);
        const now = await objectsOf(stack);
        const step: Step = JSON.parse(JSON.stringify({ edit, plan, ...changes(last, now) })) as Step;
        last = now;
        if (recording) {
            if (record.steps.length === 0) {
                await refuseSandbox();
            }
            record.steps.push(step);
        }
        assert.deepEqual(
            step,
            record.steps.find((recorded) => recorded.edit === edit),
        );
    }

    for (const [name, edit] of edits) {
        it(name, async () => {
            // The claim holds no messages, but whether it does cannot be asked while the api starts.
            const claim = await get(stack.name, "pvc", "synergychat-api-pvc");
            stack.edit({ ...edit, discardClaim: claim?.metadata.uid });
            await compare(name, "up");
        });
    }

    it("destroy", () => compare("destroy", "destroy"));
});
