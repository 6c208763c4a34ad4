/** `npm run pin -- [STACK]`: writes the digests of the images that the stack's pods run into its config. */
import { readNamespace } from "../../../kubernetes/snapshot.ts";
import { type Pod } from "../../../kubernetes/objects.ts";
import { defineCommand, stackWord } from "../../command.ts";
import { type LiveSession, openLiveStack } from "../../session.ts";

export const command = defineCommand({
    summary: "Writes the digests of the images that run into the stack's config.",
    words: [stackWord],
    options: {},
    details: [
        "Under a tag, a registry may offer another image every day. Under a digest, it is always the same one.",
        "The next up deploys the digests. An image that no pod runs keeps its tag, such as tools without guard and backups.",
        "The exit status is 1 if an image that runs has no digest.",
    ],
    run: async ({ words: [named], output }) => {
        await pin(await openLiveStack(output, named));
    },
});

/** What becomes of an image reference of the config. */
export interface Pinned {
    readonly from: string;
    /** Undefined: there is no digest to be had. */
    readonly to: string | undefined;
    /** Why the reference stays as it is. */
    readonly reason?: string;
}

/** Exported for its unit test. */
export async function pin({ client, outputs, settings, stack, output }: LiveSession): Promise<void> {
    const { pods } = await readNamespace(client, outputs.namespaceName, "data");
    const images = Object.entries(settings.images);
    const results = images.map(([name, image]) => ({ name, ...pinned(image, pods) }));
    for (const { name, from, to, reason } of results) {
        if (reason === undefined) {
            stack.run(["config", "set", "--path", `images.${name}`, to ?? from]);
        }
        output.info(`${name}:  ${from} ${reason === undefined ? `-> ${to ?? ""}` : `stays: ${reason}`}`);
    }
    output.result(results);
    if (results.some(({ reason }) => reason === undefined)) {
        output.info(`\nDeploy them:  npm run up -- ${stack.name}`);
    }
    process.exitCode = results.some(({ to, reason }) => to === undefined && reason !== unused) ? 1 : 0;
}

const unused = "no pod runs it";

/** The reference by digest of an image, as the pods that run it were started from. */
export function pinned(from: string, pods: readonly Pod[]): Pinned {
    if (from.includes("@")) {
        return { from, to: from, reason: "it has a digest" };
    }
    const running = pods.flatMap(({ spec, status }) => {
        const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
        const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
        const names = containers.filter(({ image }) => image === from).map(({ name }) => name);
        return statuses.filter(({ name }) => names.includes(name)).map(({ imageID }) => imageID ?? "");
    });
    const ids = [...new Set(running)].filter((id) => id !== "");
    const digests = new Set(ids.map((id) => /@(sha256:[0-9a-f]{64})$/.exec(id)?.[1]));
    const [digest] = digests;
    if (digest !== undefined && digests.size === 1) {
        return { from, to: `${from.replace(/:[^:/]+$/, "")}@${digest}` };
    }
    const reason =
        ids.length === 0
            ? unused
            : digests.size > 1
              ? `pods run it in different versions: ${ids.join(" and ")}`
              : "it was loaded onto the node and comes from no registry";
    return { from, to: undefined, reason };
}
