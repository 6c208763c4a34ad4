/** `eval "$(npm run -s env)"`: makes plain pulumi and kubectl work in a shell as they do in the commands. */
import { selectedStack } from "../../../pulumi/cli.ts";
import { pulumiEnvironment } from "../../../pulumi/login.ts";
import { clusterEnvironment } from "../../clusters/find.ts";
import { defineCommand, stackWord } from "../../command.ts";
import { clusterOf } from "../../session.ts";
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
        const cluster = clusterEnvironment(clusterOf(stack));
        const env = { ...pulumiEnvironment(cluster), ...(named !== undefined && { PULUMI_STACK: named }) };
        output.result(changesOf(process.env, env), exportsOf(process.env, env));
        return Promise.resolve();
    },
});
