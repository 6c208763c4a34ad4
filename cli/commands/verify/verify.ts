/**
 * `npm run verify`: checks on the live stack what the chapter teaches, and says of each what was tried and what was seen. It
 * leaves the stack as it found it.
 */
import { enforcesPolicies } from "../../../kubernetes/network-policies.ts";
import { interrupted } from "../../../preflight/messages.ts";
import { defineCommand, stackWord } from "../../command.ts";
import { type LiveSession, openLiveStack } from "../../session.ts";
import { type Check, addressHeading, checksOf, readLiveStack } from "./checks.ts";
import { persistenceCheck } from "./persistence-check.ts";

export const command = defineCommand({
    summary: "Runs the chapter's checks on the live stack, a line each.",
    words: [stackWord],
    options: {},
    run: async ({ words, output }) => {
        await verify(await openLiveStack(output, words[0], { access: "read" }));
    },
});

const labels = { ok: "ok     ", failed: "FAILED ", skipped: "skipped" };

async function verify(session: LiveSession): Promise<void> {
    const { stack, cluster, outputs, output } = session;
    const checks: Check[] = [];
    for await (const next of allChecks(session)) {
        const { heading, tried, seen, result } = next;
        const title = heading === checks.at(-1)?.heading ? "" : `\n${heading}\n`;
        output.info(`${title}  ${labels[result]}  ${tried}: ${seen}`);
        checks.push(next);
    }
    const count = (result: Check["result"]) => checks.filter((one) => one.result === result).length;
    const counts = { ok: count("ok"), failed: count("failed"), skipped: count("skipped") };
    output.info(`\n${counts.ok} ok, ${counts.failed} failed, ${counts.skipped} skipped`);
    output.result({ stack: stack.name, ...counts, checks });
    process.exitCode = counts.failed > 0 ? 1 : 0;
    if (checks.some(({ heading, result }) => heading === addressHeading && result === "failed")) {
        const hosts = [outputs.webUrl, outputs.apiUrl].map((url) => new URL(url).hostname).join(" ");
        output.list(
            "If only the addresses do not answer:",
            cluster.reachAdvice(hosts, session.settings.exposure.kind, undefined),
        );
    }
}

async function* allChecks(session: LiveSession): AsyncGenerator<Check> {
    const live = await readLiveStack(session);
    session.output.refuse(live.api?.outOfService && interrupted(live.api.outOfService));
    yield* await checksOf(live);
    if (session.settings.networkPolicies) {
        yield await policiesCheck(session);
    }
    session.output.info("\nStarting a copy of the api's pod twice, some seconds ...");
    yield await persistenceCheck(live);
}

/** A cluster that ignores the policies breaks no promise of the stack, so the check never fails. */
async function policiesCheck({ client, outputs }: LiveSession): Promise<Check> {
    const enforced = await enforcesPolicies(client, outputs.namespaceName);
    const seen =
        enforced === undefined
            ? "this cannot be tried now"
            : enforced
              ? "it is denied"
              : "it is open: this cluster's network does not enforce network policies";
    return {
        heading: "Network policies",
        tried: "a connection from a pod of the web to one of the crawler",
        seen,
        result: enforced ? "ok" : "skipped",
    };
}
