import { strict as assert } from "node:assert";
import { pinned } from "../../../cli/commands/pin/pin.ts";
import type { Pod } from "../../../kubernetes/objects.ts";
import { object } from "../support/snapshots.ts";

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
