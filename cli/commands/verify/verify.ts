/**
 * `npm run verify`: checks on the live stack what the chapter teaches, and says of each what was tried and what was seen. It
 * leaves the stack as it found it. What cannot be tried without harm is skipped; `--destructive` tries that as well.
 */
import { interrupted } from "../../../preflight/messages.ts";
import { UserError } from "../../../system/errors.ts";
import { candidates, firstAnswering } from "../../addresses.ts";
import { defineCommand, jsonFlag, stackWord } from "../../command.ts";
import type { Output } from "../../output.ts";
import { type LiveSession, openLiveStack } from "../../session.ts";
import { type Check, addressHeading, check, checksOf, exposureCheck } from "./checks.ts";
import { featureChecks } from "./features.ts";
import { type LiveStack, readLiveStack } from "./live.ts";
import { checkOnCopy, checkOnLivePod } from "./persistence-check.ts";

const answerSeconds = 15;

export const command = defineCommand({
    summary: "Runs the chapter's checks on the live stack, a line each.",
    words: [stackWord],
    flags: {
        destructive: "also delete the live api's pod: with ephemeral storage, the messages are lost",
        ...jsonFlag,
    },
    run: async ({ words, flags, output }) => {
        await verify(await openLiveStack(output, words[0], { access: "read" }), flags);
    },
});

async function verify(
    session: LiveSession,
    { destructive, json }: { readonly destructive: boolean; readonly json: boolean },
): Promise<void> {
    const { stack, cluster, outputs, output } = session;
    const checks: Check[] = [];
    for await (const next of allChecks(session, destructive)) {
        show(output, next, checks.at(-1)?.heading);
        checks.push(next);
    }
    summarise(stack.name, json, checks, output);
    if (checks.some(({ heading, result }) => heading === addressHeading && result === "failed")) {
        const hosts = [outputs.webUrl, outputs.apiUrl].map((url) => new URL(url).hostname).join(" ");
        output.list("If only the addresses do not answer:", cluster.reachAdvice(hosts, undefined));
    }
}

async function* allChecks(session: LiveSession, destructive: boolean): AsyncGenerator<Check> {
    const { client, settings, output } = session;
    const live = await readLiveStack(session);
    if (live.api?.outOfService) {
        throw new UserError(output.render([interrupted(live.api.outOfService)]));
    }
    yield* checksOf(live);
    yield* await featureChecks(client, settings, live);
    output.info("\nStarting a copy of the api's pod twice, some seconds ...");
    yield await checkOnCopy(client, live);
    yield await checkOnLivePod(client, live, destructive);
    yield* addressChecks(live, session);
}

/** The two addresses as a browser on this machine meets them. */
async function* addressChecks({ exposure }: LiveStack, session: LiveSession): AsyncGenerator<Check> {
    if (!exposure) {
        return;
    }
    const app = session.outputs;
    yield exposureCheck(exposure);
    if (!exposure.addresses) {
        return;
    }
    const addresses = await candidates(session, app.namespaceName);
    for (const url of [app.webUrl, `${app.apiUrl}/messages`]) {
        const address = await firstAnswering(url, addresses, answerSeconds);
        const seen = address ? `200 at ${address}` : `no answer at ${addresses.join(" or ")}`;
        yield check(addressHeading, `GET ${url}`, address !== undefined, seen);
    }
}

const labels = { ok: "ok     ", failed: "FAILED ", skipped: "skipped" };

function show(output: Output, { heading, tried, seen, result }: Check, before: string | undefined): void {
    output.info(`${heading === before ? "" : `\n${heading}\n`}  ${labels[result]}  ${tried}: ${seen}`);
}

function summarise(stack: string, json: boolean, checks: readonly Check[], output: Output): void {
    const count = (result: Check["result"]) => checks.filter((one) => one.result === result).length;
    const counts = { ok: count("ok"), failed: count("failed"), skipped: count("skipped") };
    output.info(`\n${counts.ok} ok, ${counts.failed} failed, ${counts.skipped} skipped`);
    if (json) {
        output.result({ stack, ...counts, checks });
    }
    process.exitCode = counts.failed > 0 ? 1 : 0;
}
