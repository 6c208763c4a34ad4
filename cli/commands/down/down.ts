/**
 * `npm run down`: a plain `pulumi destroy`, then proof of the end. The exit status is 1 if something is not as the stack
 * says.
 *
 * Nothing is deleted without a yes: at a terminal it is asked for, and `--yes` gives it without a question.
 */
import { currentNamespace } from "../../../kubernetes/kubectl.ts";
import type { LiveObject } from "../../../kubernetes/objects.ts";
import { fix } from "../../../model/finding.ts";
import { objectPath } from "../../../model/kinds.ts";
import { countMessages } from "../../../preflight/text.ts";
import { UserError } from "../../../system/errors.ts";
import { makeProvenBackup } from "../../backups.ts";
import { defineCommand, stackWord, yesOption } from "../../command.ts";
import { type Session, openStack } from "../../session.ts";
import { confirm, requireAnswer } from "../../terminal.ts";
import { type DestroyPlan, lookAt, planDestroy, refusals } from "./plan.ts";
import { blockers, proveEnd } from "./proof.ts";

export const command = defineCommand({
    summary: "Destroys the stack, and checks that claims, volumes and data are gone or kept.",
    words: [stackWord],
    options: { ...yesOption, "no-backup": { type: "boolean", text: "make no backup before" } },
    details: ["A stack with backups makes one before, if retainData keeps the claim of the backups."],
    run: async ({ words, options: { yes = false, "no-backup": noBackup = false }, output }) => {
        const without = `Delete without a question:  npm run down -- ${[...words, "--yes"].join(" ")}`;
        requireAnswer(yes, "npm run down deletes the stack with its data", without);
        await down(await openStack(output, words[0], { access: "destroy" }), yes, noBackup);
    },
});

async function down(session: Session, yes: boolean, noBackup: boolean): Promise<void> {
    const { output, stack, settings, state, context } = session;
    const plan = await planDestroy(session);
    const { claims, items, place } = plan;
    output.refuse(refusals(plan), "Nothing was changed.\n\n");
    if (state.length === 0 && items.length === 0 && plan.unrecorded.length === 0) {
        output.info(`Stack ${stack.name} was not up. Nothing was deleted.`);
        output.result({ stack: stack.name, data: [] });
        return;
    }
    requireRecorded(plan);
    announce(plan);
    if (!yes && state.length > 0) {
        stack.run(["destroy", "--preview-only"]);
    }
    if (!yes && !(await confirm(`Destroy stack ${stack.name}, and delete what is listed above?`))) {
        throw new UserError("Nothing was changed.");
    }
    // Other backups are deleted with the stack, as the announcement says.
    if (!noBackup && claims.some(({ use, kept }) => use === "backups" && kept)) {
        const without = fix("Destroy without a backup", "npm run down -- --no-backup");
        await makeProvenBackup(session, place.name, "before-down", without);
    }
    await destroy(plan);
    await proveEnd(plan);
    output.result({ stack: stack.name, data: items.map(({ kind, name, kept }) => ({ kind, name, kept })) });
    if (claims.some(({ owned, kept }) => owned && kept)) {
        const steps = ["pulumi config set retainData false", "npm run up", "npm run down"];
        output.list("The next npm run up mounts the claim again. To delete it:", steps);
    }
    const isNamespaceKept = items.some(({ uid, kept }) => kept && uid === place.namespace?.metadata.uid);
    if (!isNamespaceKept && currentNamespace(session.client.target) === place.name) {
        const reset = [`kubectl config set-context ${context} --namespace=default`];
        output.list(
            `kubectl still uses namespace ${place.name} in context ${context}. To set it back:`,
            reset,
        );
    }
    output.info(`\nStack ${stack.name} is down${settings.retainData ? ", and its data is kept" : ""}.`);
}

/** @throws UserError if the state is empty, but the stack owns objects: then another state may have them. */
function requireRecorded({ session: { state, stack }, unrecorded }: DestroyPlan): void {
    if (unrecorded.length > 0 && state.length === 0) {
        throw new UserError(
            `The state of stack ${stack.name} is empty, but the cluster has objects with its owner labels: ${namesOf(unrecorded).join(", ")}.\n` +
                "Its state may be in another backend or on another machine. Nothing was changed.\n" +
                "  See where this state is:          pulumi whoami --verbose\n" +
                `  Adopt the objects and destroy:    npm run up -- ${stack.name} && npm run down -- ${stack.name}`,
        );
    }
}

/** What is about to be deleted or kept, with how many messages. */
function announce({ items, place, unrecorded, session: { output } }: DestroyPlan): void {
    const data = items.map(
        ({ kind, name, kept, held }) =>
            `${kind} ${name} ${kept ? "is kept" : "will be deleted"}${held ? `, with ${held}` : ""}`,
    );
    output.list("The data of the stack:", data);
    if (place.api?.messages && place.api.claim === undefined) {
        output.info(`The api's ${countMessages(place.api.messages)} on ephemeral storage will be lost.`);
    }
    output.list(
        "The stack owns objects that its state does not have, and they are deleted too:",
        namesOf(unrecorded),
    );
}

function namesOf(objects: readonly LiveObject[]): readonly string[] {
    return objects.map(({ kind = "", metadata }) => `${kind} ${metadata.name}`);
}

async function destroy(plan: DestroyPlan): Promise<void> {
    const { stack, state, client, output } = plan.session;
    // A destroy does not know these, and would wait in vain for a claim that such a pod mounts.
    for (const { kind = "", metadata } of plan.unrecorded) {
        await client.deleteIfThere(objectPath(kind, metadata.name, metadata.namespace));
    }
    if (state.length === 0) {
        return;
    }
    try {
        stack.run(["destroy", "--yes", "--skip-preview"]);
    } catch (error) {
        output.findings(blockers(plan, await lookAt(client, plan.place.name)));
        throw error;
    }
}
