import { strict as assert } from "node:assert";
import { type Pinned, pin, pinned } from "../../../cli/commands/pin/pin.ts";
import type { LiveSession } from "../../../cli/session.ts";
import type { Pod } from "../../../kubernetes/objects.ts";
import { fakeClient } from "../support/client.ts";
import { object, settings } from "../support/snapshots.ts";

const [one, two] = ["a", "b"].map((letter) => `sha256:${letter.repeat(64)}`) as [string, string];
const web = "bootdotdev/synergychat-web:latest";

function pod(image: string, imageID: string, kind: "containers" | "initContainers" = "containers"): Pod {
    const statuses = kind === "containers" ? "containerStatuses" : "initContainerStatuses";
    return {
        ...object("Pod", "pod"),
        spec: { [kind]: [{ name: "it", image }] },
        status: { [statuses]: [{ name: "it", imageID }] },
    };
}

describe("npm run pin", () => {
    let exitCode: typeof process.exitCode;
    beforeEach(() => {
        ({ exitCode } = process);
    });
    afterEach(() => {
        process.exitCode = exitCode;
    });

    /** Runs the command on these pods: what it sets, prints and exits with. */
    async function run(pods: readonly Pod[]): Promise<{ set: string[]; results: Pinned[]; exit: unknown }> {
        const set: string[] = [];
        const results: Pinned[] = [];
        const client = fakeClient((path) => {
            const namespace = object("Namespace", "synergychat");
            const items = path.endsWith("/pods") ? pods : path.includes("/namespaces?") ? [namespace] : [];
            return path.endsWith("/namespaces/synergychat")
                ? { kind: "found", body: namespace }
                : path.includes("/deployments/synergychat-api")
                  ? { kind: "not found", message: "" }
                  : { kind: "found", body: { kind: "PodList", items } };
        });
        const session = {
            ...{ client, settings: settings(), outputs: { namespaceName: "synergychat" } },
            stack: { name: "dev", run: (args: readonly string[]) => set.push(args.join(" ")) },
            output: { info: () => undefined, result: (all: Pinned[]) => results.push(...all) },
        };
        await pin(session as unknown as LiveSession);
        return { set, results, exit: process.exitCode };
    }

    it("sets the digest of each image that runs, and says which image no pod runs", async () => {
        const images = ["web", "api", "crawler"].map((part) => `bootdotdev/synergychat-${part}`);
        const { set, results, exit } = await run(
            images.map((image) => pod(`${image}:latest`, `docker.io/${image}@${one}`)),
        );
        assert.deepEqual(
            set,
            ["web", "api", "crawler"].map(
                (part) => `config set --path images.${part} bootdotdev/synergychat-${part}@${one}`,
            ),
        );
        assert.equal(exit, 0);
        const reasons = results.filter(({ to }) => to === undefined).map(({ reason }) => reason);
        assert.deepEqual(new Set(reasons), new Set(["no pod runs it"]));
    });

    it("sets nothing for an image that was loaded onto the node, and fails", async () => {
        const { set, exit } = await run([pod(web, one)]);
        assert.deepEqual([set, exit], [[], 1]);
    });

    for (const [runtime, id] of [
        ["containerd", `docker.io/bootdotdev/synergychat-web@${one}`],
        ["Docker", `docker-pullable://bootdotdev/synergychat-web@${one}`],
    ] as const) {
        it(`takes the digest that ${runtime} has pulled`, () => {
            assert.deepEqual(pinned(web, [pod(web, id), pod(web, id), pod("other:1", `other@${two}`)]), {
                from: web,
                to: `bootdotdev/synergychat-web@${one}`,
            });
        });
    }

    it("keeps registry, port and name, and sees containers that start before the others", () => {
        const image = "localhost:5000/tools";
        const { to } = pinned(image, [pod(image, `localhost:5000/tools@${two}`, "initContainers")]);
        assert.equal(to, `localhost:5000/tools@${two}`);
    });

    it("leaves a digest as it is", () => {
        const image = `bootdotdev/synergychat-web@${one}`;
        assert.deepEqual(pinned(image, []), { from: image, to: image, reason: "it has a digest" });
    });

    for (const [what, pods, reason] of [
        ["that no pod runs", [pod("other:1", `other@${two}`), pod(web, "")], /^no pod runs it$/],
        ["that comes from no registry", [pod(web, one)], /comes from no registry/],
        ["that runs in two versions", [pod(web, `web@${one}`), pod(web, `web@${two}`)], /different versions/],
    ] as const) {
        it(`gives no digest to an image ${what}`, () => {
            const result = pinned(web, pods);
            assert.equal(result.to, undefined);
            assert.match(result.reason ?? "", reason);
        });
    }
});
