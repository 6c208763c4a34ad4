/** `eval "$(npm run -s env)"`: makes plain pulumi and kubectl work in a shell as they do in the commands. */
import { selectedStack } from "../../../pulumi/cli.ts";
import { pulumiEnvironment } from "../../../pulumi/login.ts";
import { clusterEnvironment } from "../../clusters/find.ts";
import { defineCommand, stackWord } from "../../command.ts";
import { contextOf, kubeconfigOf } from "../../session.ts";
import { changesOf, exportsOf } from "../../shell.ts";

export const command = defineCommand({
    summary: "Prints what makes plain pulumi and kubectl work in a shell, for that shell to evaluate.",
    words: [stackWord],
    options: {},
    details: [
        'In each new terminal:  eval "$(npm run -s env)"',
        "",
        "It changes nothing. A login, a backend and a kubeconfig that you have chosen stay as they are. If a stack is named,",
        "plain pulumi works on that stack in this shell, and else on the selected one.",
    ],
    run: ({ words: [named], output }) => {
        const stack = named ?? selectedStack(pulumiEnvironment(process.env)) ?? "dev";
        const cluster = clusterEnvironment(contextOf(stack), { ...process.env, ...kubeconfigOf(stack) });
        const env = { ...pulumiEnvironment(cluster), ...(named !== undefined && { PULUMI_STACK: named }) };
        if (output.json) {
            output.result(changesOf(process.env, env));
        } else {
            process.stdout.write(
                exportsOf(process.env, env)
                    .map((line) => `${line}\n`)
                    .join(""),
            );
        }
        return Promise.resolve();
    },
});
