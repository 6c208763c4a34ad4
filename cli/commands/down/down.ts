/**
 * `npm run down`: a plain `pulumi destroy`, then proof of the end. The exit status is 1 if something is not as the stack
 * says.
 *
 * Nothing is deleted without a yes: at a terminal it is asked for, and `--yes` gives it without a question.
 */
import { currentNamespace } from "../../../kubernetes/kubectl.ts";
import { fix } from "../../../model/finding.ts";
import { heldBy } from "../../../preflight/fates.ts";
import { countMessages } from "../../../preflight/text.ts";
import { UserError } from "../../../system/errors.ts";
import { makeProvenBackup } from "../../backups.ts";
import { defineCommand, stackWord, yesFlag } from "../../command.ts";
import { type Session, isUnchanged, openStack } from "../../session.ts";
import { requireAnswer } from "../../terminal.ts";
import { type DestroyPlan, isKept, lookAt, planDestroy } from "./plan.ts";
import { blockers, proveEnd } from "./proof.ts";
import { refusals } from "./refusals.ts";
import { removeUnrecorded } from "./unrecorded.ts";

export const command = defineCommand({
    summary: "Destroys the stack, and checks that claims, volumes and data are gone or kept.",
    words: [stackWord],
    flags: { ...yesFlag, "no-backup": "make no backup before" },
    details: ["A stack with backups makes one before, if retainData keeps the claim of the backups."],
    run: async ({ words, flags: { yes, "no-backup": noBackup }, output }) => {
        const without = `Delete without a question:  npm run down -- ${[...words, "--yes"].join(" ")}`;
        requireAnswer(yes, "npm run down deletes the stack with its data", without);
        await down(await openStack(output, words[0], { access: "destroy" }), yes, noBackup);
    },
});

async function down(session: Session, yes: boolean, noBackup: boolean): Promise<void> {
    const { output, stack, settings, state, context } = session;
    const plan = await planDestroy(session);
    const { place } = plan;
    const found = refusals(plan);
    if (found.length > 0) {
        throw new UserError(`Nothing was changed.\n\n${output.render(found)}`);
    }
    announce(plan);
    if (!noBackup) {
        await backUp(plan);
    }
    await removeUnrecorded(plan, yes);
    await destroy(plan, yes);
    await proveEnd(plan, yes);
    if (plan.claims.some(({ owned, fate }) => owned && fate.kind === "kept")) {
        output.list("The next npm run up mounts the claim again. To delete it:", [
            "pulumi config set retainData false",
            "npm run up",
            "npm run down",
        ]);
    }
    if (plan.keepsNamespace !== true && currentNamespace(session.client.target) === place.name) {
        output.list(`kubectl still uses namespace ${place.name} in context ${context}. To set it back:`, [
            `kubectl config set-context ${context} --namespace=default`,
        ]);
    }
    const wasUp = state.length > 0 || place.namespace !== undefined || plan.volumes.length > 0;
    output.info(
        wasUp
            ? `\nStack ${stack.name} is down${settings.retainData ? ", and its data is kept" : ""}.`
            : `\nStack ${stack.name} was not up. Nothing was deleted.`,
    );
}

/** What is about to be deleted or kept, with how many messages. */
function announce({ claims, volumes, place, session: { output } }: DestroyPlan): void {
    output.info(claims.length === 0 ? "The stack has no claim." : "The claims of the stack's namespace:");
    for (const live of claims) {
        const { metadata, spec } = live.claim;
        const end = isKept(live) ? "is kept" : "will be deleted";
        const held = live.use === "other" ? "data that cannot be counted" : (heldBy(live) ?? "no messages");
        output.info(`  ${metadata.name} (volume ${spec?.volumeName ?? "not bound"}) ${end}, with ${held}`);
    }
    for (const { volume, kept } of volumes.filter(({ earlier }) => earlier)) {
        const claim = volume.spec?.claimRef?.name ?? "";
        const end = kept ? "is kept" : "is still there, and should be gone";
        output.info(`  volume ${volume.metadata.name} of an earlier claim ${claim} ${end}`);
    }
    if (place.api?.messages && place.api.claim === undefined) {
        output.info(`The api's ${countMessages(place.api.messages)} on ephemeral storage will be lost.`);
    }
}

/** Of the messages whose backups stay. Other backups are deleted with the stack, as the announcement says. */
async function backUp({ session: { output, client }, claims }: DestroyPlan): Promise<void> {
    for (const live of claims) {
        if (live.use === "backups" && isKept(live)) {
            const without = fix("Destroy without a backup", "npm run down -- --no-backup");
            await makeProvenBackup(output, client, live.place.name, "before-down", without);
        }
    }
}

async function destroy(plan: DestroyPlan, yes: boolean): Promise<void> {
    const { stack, state, output } = plan.session;
    if (state.length === 0) {
        return; // as after pulumi destroy: there is nothing that Pulumi could ask about
    }
    try {
        // Without --yes, Pulumi lists what it deletes and asks.
        stack.run(["destroy", ...(yes ? ["--yes"] : [])]);
    } catch (error) {
        // Pulumi returns the same status for a no and for a failure.
        if (!yes && isUnchanged(plan.session)) {
            throw new UserError(`Stack ${stack.name} was not destroyed.`);
        }
        const found = blockers(plan, await lookAt(plan.session.client, plan.place.name));
        output.findings(found.filter(({ code }) => code !== "claim-not-deleted"));
        throw error;
    }
}
