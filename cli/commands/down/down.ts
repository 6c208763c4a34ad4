/**
 * `npm run down`: a plain `pulumi destroy`, then proof of the end. The exit status is 1 if something is not as the stack
 * says.
 *
 * Nothing is deleted without a yes: at a terminal it is asked for, and `--yes` gives it without a question.
 */
import { backupsClaimName } from "../../../model/names.ts";
import { knownOutputs } from "../../../pulumi/state.ts";
import { countMessages } from "../../../preflight/text.ts";
import { UserError } from "../../../system/errors.ts";
import { backupBefore } from "../../backups.ts";
import { UsageError, defineCommand, stackWord, yesFlag } from "../../command.ts";
import { type Session, isUnchanged, openStack } from "../../session.ts";
import { confirm, isInteractive } from "../../terminal.ts";
import { type DestroyPlan, planDestroy } from "./plan.ts";
import { blockers, proveEnd } from "./proof.ts";
import { refusals } from "./refusals.ts";
import { deleteUnrecorded, ownedObjects, unrecorded } from "./unrecorded.ts";

export const command = defineCommand({
    summary: "Destroys the stack, and checks that claims, volumes and data are gone or kept.",
    words: [stackWord],
    flags: { ...yesFlag, "no-backup": "make no backup before" },
    details: ["A stack with backups makes one before, if retainData keeps the claim of the backups."],
    run: async ({ words, flags: { yes, "no-backup": noBackup }, output }) => {
        if (!yes && !isInteractive()) {
            throw new UsageError(
                "npm run down deletes the stack with its data, and there is no terminal at which it could ask. Nothing was changed.\n" +
                    `  Delete without a question:  npm run down -- ${[...words, "--yes"].join(" ")}`,
            );
        }
        await down(await openStack(output, words[0], { access: "destroy" }), yes, noBackup);
    },
});

async function down(open: Session, yes: boolean, noBackup: boolean): Promise<void> {
    const { output } = open;
    const plan = await planDestroy(open);
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
    await proveEnd(plan);
    if (plan.retainData && plan.data.some(({ isEarlier }) => !isEarlier)) {
        output.list("The next npm run up mounts the claim again. To delete it:", [
            "pulumi config set retainData false",
            "npm run up",
            "npm run down",
        ]);
    }
    output.info(`\n${summary(plan)}`);
}

function summary({ open, places, retainData }: DestroyPlan): string {
    const wasUp = open.state.length > 0 || places.some(({ found }) => found !== undefined);
    if (!wasUp) {
        return `Stack ${open.stack.name} was not up. Nothing was deleted.`;
    }
    return `Stack ${open.stack.name} is down${retainData ? ", and its data is kept" : ""}.`;
}

/** What is about to be deleted or kept, with how many messages. */
function announce({ data, places, open: { output } }: DestroyPlan): void {
    const claims = data.filter(({ isEarlier }) => !isEarlier);
    output.info(claims.length === 0 ? "The stack has no claim." : "The claims of the stack's namespace:");
    for (const { claim, volume, kept, held } of claims) {
        const end = kept ? "is kept" : "will be deleted";
        output.info(`  ${claim} (volume ${volume ?? "not bound"}) ${end}, with ${held}`);
    }
    for (const { claim, volume = "" } of data.filter(({ isEarlier }) => isEarlier)) {
        output.info(`  volume ${volume} of an earlier claim ${claim} is still there, with its data`);
    }
    for (const { api } of places) {
        if (api?.messages && api.claim === undefined) {
            output.info(`The api's ${countMessages(api.messages)} on ephemeral storage will be lost.`);
        }
    }
}

/** Of the messages whose backups stay. Other backups are deleted with the stack, as the announcement says. */
async function backUp({ open, client, data }: DestroyPlan): Promise<void> {
    for (const { claim, namespace, kept } of data) {
        if (claim === backupsClaimName && kept) {
            await backupBefore(open.output, client, namespace, "before-down", {
                to: "Destroy without a backup",
                run: ["npm run down -- --no-backup"],
            });
        }
    }
}

/** Unrecorded objects are deleted first: a claim cannot be deleted while such a pod mounts it. */
async function removeUnrecorded(plan: DestroyPlan, yes: boolean): Promise<void> {
    const { open, client, places } = plan;
    const { stack, state, output, owners } = open;
    const keepData = knownOutputs(state)?.retainsData ?? plan.retainData;
    const namespaces = places.map(({ namespace }) => namespace);
    const found = unrecorded(await ownedObjects(client, owners), namespaces, keepData, state);
    if (found.length === 0) {
        return;
    }
    const names = found.map(({ kind, metadata }) => `${kind ?? ""} ${metadata.name}`).join(", ");
    if (state.length === 0) {
        throw new UserError(
            `The state of stack ${stack.name} is empty, but the cluster has objects with its owner labels: ${names}.\n` +
                "Its state may be in another backend or on another machine. Nothing was changed.\n" +
                "  See where this state is:          pulumi whoami --verbose\n" +
                `  Adopt the objects and destroy:    npm run up -- ${stack.name} && npm run down -- ${stack.name}`,
        );
    }
    output.info(`This stack owns objects that its state does not have, as after a killed command: ${names}.`);
    if (!yes && !(await confirm("Delete them?"))) {
        throw new UserError("Nothing was changed.");
    }
    await deleteUnrecorded(client, found);
}

async function destroy(plan: DestroyPlan, yes: boolean): Promise<void> {
    const { stack, state, output } = plan.open;
    if (state.length === 0) {
        return; // as after pulumi destroy: there is nothing that Pulumi could ask about
    }
    try {
        // Without --yes, Pulumi lists what it deletes and asks.
        stack.run(["destroy", ...(yes ? ["--yes"] : [])]);
    } catch (error) {
        // Pulumi returns the same status for a no and for a failure.
        if (!yes && isUnchanged(plan.open)) {
            throw new UserError(`Stack ${stack.name} was not destroyed.`);
        }
        const found = await blockers(plan, ({ metadata }) => metadata.deletionTimestamp !== undefined);
        output.findings(found);
        throw error;
    }
}
