/**
 * `npm run switch -- persistent|ephemeral [STACK]`: changes the storage mode and moves the messages.
 *
 * The switch is a list of steps over a journal, a file on this machine that also holds the copy of the messages. If the
 * switch is killed at any step, the next run continues it, or goes back if it names the other mode.
 */
import { join } from "node:path";
import { fix } from "../../../model/finding.ts";
import type { StorageMode } from "../../../model/storage.ts";
import { protectedClaim } from "../../../preflight/messages.ts";
import { switchVariable } from "../../../preflight/preflight.ts";
import { otherNamespace } from "../../../preflight/recorded.ts";
import { dataFolder } from "../../../pulumi/login.ts";
import { projectName } from "../../../pulumi/project.ts";
import { ownClaim } from "../../../pulumi/state.ts";
import { waitForAnswer } from "../../addresses.ts";
import { UsageError, defineCommand, stackWord } from "../../command.ts";
import { workOf } from "../../operation.ts";
import { type LiveSession, openLiveStack, showInheritableVolumes } from "../../session.ts";
import { type SwitchWork, runSwitch } from "./steps.ts";

const modeKey = `${projectName()}:storageMode`;

export const command = defineCommand({
    summary: "Changes the storage mode and takes the messages along.",
    words: ["persistent|ephemeral", stackWord],
    options: { "no-backup": { type: "boolean", text: "make no backup before a switch to ephemeral" } },
    details: [
        "The api is out of its Service meanwhile, so that nobody can post. If the command is killed, the same command",
        "continues, and the one with the other mode goes back. A stack with backups makes one before it leaves its claim.",
    ],
    run: async ({ words: [mode, named], options, output }) => {
        const to = requireMode(mode);
        const open = await openLiveStack(output, named, { access: "change", changes: { [modeKey]: to } });
        const { stack, api, settings, state, outputs } = open;
        output.refuse(otherNamespace(settings, outputs.namespaceName));
        output.refuse(protectedClaim(settings, await api.claim(), state));
        const isBackedUp = to === "ephemeral" && !options["no-backup"];
        const without = fix("Switch without a backup", "npm run switch -- ephemeral --no-backup");
        // A stack that is made again has another namespace, and has nothing to do with an old journal.
        const path = join(dataFolder(stack.env), "switches", `${await api.installation()}.json`);
        const work = workOf(open, "switch", path, isBackedUp && without);
        const moved = await runSwitch({ ...work, pulumi: switchedStack(open) }, to);
        output.result({ stack: stack.name, storageMode: to, moved });
        if (moved) {
            await waitForAnswer(open);
            output.info(`\nThe storage is ${to} now, and the api is back in its Service.`);
            await showInheritableVolumes(open, outputs.namespaceName);
        }
    },
});

function switchedStack({ stack, state, output }: LiveSession): SwitchWork["pulumi"] {
    const claim = ownClaim(state);
    return {
        setMode: (mode) => {
            if (stack.config()?.[modeKey] !== mode) {
                output.info(`    pulumi config set storageMode ${mode}`);
                stack.run(["config", "set", "storageMode", mode]);
            }
            return Promise.resolve();
        },
        up: (discardClaim = "", isKept) => {
            const kept = isKept && discardClaim !== "" && claim?.urn ? ["--exclude", claim.urn] : [];
            // A killed run may have changed what it could not record: on the way back, that would seem unchanged.
            const args = ["up", "--yes", "--skip-preview", "--refresh", ...kept];
            stack.run(args, { [switchVariable]: discardClaim });
            return Promise.resolve();
        },
    };
}

function requireMode(mode: string | undefined): StorageMode {
    if (mode === "persistent" || mode === "ephemeral") {
        return mode;
    }
    throw new UsageError(
        `The storage mode is ${JSON.stringify(mode ?? "")}. It must be persistent or ephemeral: npm run switch -- persistent`,
    );
}
