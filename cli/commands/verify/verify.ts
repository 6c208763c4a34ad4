/**
 * `npm run verify`: checks on the live stack what the chapter teaches, and says of each what was tried and what was seen. It
 * leaves the stack as it found it.
 */
import { enforcesPolicies } from "../../../kubernetes/network-policies.ts";
import { interrupted } from "../../../preflight/messages.ts";
import { defineCommand, stackWord } from "../../command.ts";
import { type LiveSession, openLiveStack } from "../../session.ts";
import { type Check, addressHeading, check, checksOf, readLiveStack } from "./checks.ts";
import { persistenceCheck } from "./persistence-check.ts";

const labels = { ok: "ok     ", failed: "FAILED ", skipped: "skipped" };

export const command = defineCommand({
    summary: "Runs the chapter's checks on the live stack, a line each.",
    words: [stackWord],
    options: {},
    run: async ({ words: [named], output }) => {
        const session = await openLiveStack(output, named);
        const { stack, cluster, outputs, settings } = session;
        const checks: Check[] = [];
        const counts = { ok: 0, failed: 0, skipped: 0 };
        for await (const next of allChecks(session)) {
            const { heading, tried, seen, result } = next;
            const title = heading === checks.at(-1)?.heading ? "" : `\n${heading}\n`;
            output.info(`${title}  ${labels[result]}  ${tried}: ${seen}`);
            checks.push(next);
            counts[result]++;
        }
        output.info(`\n${counts.ok} ok, ${counts.failed} failed, ${counts.skipped} skipped`);
        output.result({ stack: stack.name, ...counts, checks });
        process.exitCode = counts.failed > 0 ? 1 : 0;
        if (checks.some(({ heading, result }) => heading === addressHeading && result === "failed")) {
            const advice = cluster.reachAdvice(outputs, settings.exposure.kind, undefined);
            output.list("If only the addresses do not answer:", advice);
        }
    },
});

async function* allChecks(session: LiveSession): AsyncGenerator<Check> {
    const live = await readLiveStack(session);
    session.output.refuse(live.api?.outOfService && interrupted(live.api.outOfService));
    yield* checksOf(live);
    if (session.settings.networkPolicies) {
        yield await policiesCheck(session);
    }
    session.output.info("\nStarting a copy of the api's pod twice, some seconds ...");
    yield await persistenceCheck(live);
}

/** A cluster that ignores the policies breaks no promise of the stack, so the check never fails. */
async function policiesCheck({ client, outputs }: LiveSession): Promise<Check> {
    const enforced = await enforcesPolicies(client, outputs.namespaceName);
    const isOpen = "it is open: this cluster's network does not enforce network policies";
    const seen = enforced === undefined ? "this cannot be tried now" : enforced ? "it is denied" : isOpen;
    const tried = "a connection from a pod of the web to one of the crawler";
    return check("Network policies", tried, enforced ? true : undefined, seen);
}
