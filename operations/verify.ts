/**
 * `npm run verify [-- STACK] [--json] [--destructive]`: walks the chapter on the live stack, lesson by lesson, and says of
 * each check what was tried and what was seen. Exits with 1 when one fails.
 *
 * It leaves the stack as it found it. What cannot be tried without harm is skipped, which it says; `--destructive` tries
 * that too. With `--json`, stdout is one JSON document, and everything else is said on stderr.
 */
import { halfSwitched } from "../checks/messages";
import { apiIn } from "../cluster/facts";
import { type Connection, connect } from "../cluster/kubectl";
import { readArguments } from "./arguments";
import { answers, ingressAddress } from "./ingress";
import { type Check, check, lessons } from "./lessons";
import { lookAt } from "./live";
import { UserError, keepStdoutForJson, main } from "./process";
import { onACopy, onTheLivePod } from "./rehearsal";
import { type Outputs, clusterOf, outputs } from "./stack";

main(async () => {
    const usage = "Usage: npm run verify -- [STACK] [--json] [--destructive]";
    const { words, flags } = readArguments(usage, 1, "json", "destructive");
    if (flags.has("json")) {
        keepStdoutForJson();
    }
    const { stack, context, env, state } = await clusterOf(words[0]);
    const app = outputs(state, stack);
    const cluster = await connect({ context, env });
    if ((await cluster.read(`/api/v1/namespaces/${app.namespaceName}`)).kind !== "found") {
        throw new UserError(`The cluster has no namespace ${app.namespaceName}: run npm run up`);
    }
    if ((await apiIn(cluster, app.namespaceName))?.outOfService) {
        throw new UserError(halfSwitched);
    }
    const checks: Check[] = [];
    for await (const next of walk(cluster, app, flags.has("destructive"))) {
        show(next, checks.at(-1)?.lesson);
        checks.push(next);
    }
    summarise(stack, flags.has("json"), checks);
});

async function* walk(cluster: Connection, app: Outputs, destructive: boolean): AsyncGenerator<Check> {
    const live = await lookAt(cluster, app.namespaceName, app.storageMode);
    yield* lessons(live);
    console.log("\nStarting a copy of the api's pod twice, some seconds ...");
    yield await onACopy(cluster, live);
    yield await onTheLivePod(cluster, live, destructive);
    yield* addresses(cluster, app);
}

/** The two addresses, as a person outside the cluster meets them. */
async function* addresses(cluster: Connection, app: Outputs): AsyncGenerator<Check> {
    const { context, env = process.env } = cluster.target;
    const published = await ingressAddress(context, app.namespaceName, env);
    for (const url of [app.webUrl, `${app.apiUrl}/messages`]) {
        const tried = `GET ${url}`;
        if (!published) {
            yield { lesson: "The addresses", tried, seen: "there is no ingress address", result: "skipped" };
            continue;
        }
        // With minikube's docker driver on macOS and Windows, its tunnel brings the ingress to this machine's own address.
        const answering = await firstAnswering(url, [published, "127.0.0.1"]);
        const seen = answering ? `200 at ${answering}` : `no answer at ${published} nor at 127.0.0.1`;
        yield check("The addresses", tried, answering !== undefined, seen);
    }
}

async function firstAnswering(url: string, candidates: readonly string[]): Promise<string | undefined> {
    for (const address of candidates) {
        if (await answers(url, address, 10)) {
            return address;
        }
    }
    return undefined;
}

const marks = { ok: "ok     ", failed: "FAILED ", skipped: "skipped" };

function show({ lesson, tried, seen, result }: Check, before: string | undefined): void {
    console.log(`${lesson === before ? "" : `\n${lesson}\n`}  ${marks[result]}  ${tried}: ${seen}`);
}

function summarise(stack: string, json: boolean, checks: readonly Check[]): void {
    const count = (result: Check["result"]) => checks.filter((one) => one.result === result).length;
    const counts = { ok: count("ok"), failed: count("failed"), skipped: count("skipped") };
    console.log(`\n${counts.ok} ok, ${counts.failed} failed, ${counts.skipped} skipped`);
    if (json) {
        process.stdout.write(`${JSON.stringify({ stack, ...counts, checks }, undefined, 2)}\n`);
    }
    process.exitCode = counts.failed > 0 ? 1 : 0;
}
