/** How every command starts: with its stack, its cluster, one connection, and what Pulumi knows. */
import { existsSync } from "node:fs";
import { type Settings, checkConfig } from "../config/settings.ts";
import { ChatApi } from "../kubernetes/chat-api.ts";
import { Client } from "../kubernetes/client.ts";
import { currentContext, isContent, kubeconfigPath } from "../kubernetes/kubectl.ts";
import { inheritableVolumes } from "../kubernetes/volumes.ts";
import { objectPath } from "../model/kinds.ts";
import { instanceOf } from "../model/labels.ts";
import { type Owners, ownersOf } from "../model/ownership.ts";
import { otherCluster } from "../preflight/recorded.ts";
import { inheritedVolume } from "../preflight/volumes.ts";
import { PulumiStack, selectedStack } from "../pulumi/cli.ts";
import { releaseDeadLock } from "../pulumi/lock.ts";
import { logIn, pulumiEnvironment } from "../pulumi/login.ts";
import { bootstrapValue, configFile, projectName, shortName, stacksHere } from "../pulumi/project.ts";
import { type StackOutputs, type StateResource, outputsIn, recordedIn } from "../pulumi/state.ts";
import { UserError } from "../system/errors.ts";
import type { Environment } from "../system/process.ts";
import { type Cluster, NoCluster } from "./clusters/cluster.ts";
import { findCluster } from "./clusters/find.ts";
import type { Output } from "./output.ts";
import { setupFor } from "./shell.ts";

/** What a command works with: a stack whose cluster answers. Each question to Pulumi was asked once. */
export interface Session {
    readonly stack: PulumiStack;
    readonly cluster: Cluster;
    readonly context: string;
    readonly client: Client;
    readonly owners: Owners;
    readonly settings: Settings;
    /** What the stack's state held when the command began. */
    readonly state: readonly StateResource[];
    readonly output: Output;
}

export interface LiveSession extends Session {
    /** The outputs that the last `up` recorded. */
    readonly outputs: StackOutputs;
    readonly api: ChatApi;
}

export interface OpenOptions {
    /**
     * `up` may start a cluster and create the stack. `up` and `change` run Pulumi, and release a lock that a dead process
     * has left. So does `destroy`, for a stack whose cluster may be gone for good. `read`, the default, runs none.
     */
    readonly access?: "up" | "change" | "destroy" | "read";
    /** Whether to build a sandbox without asking. */
    readonly yes?: boolean;
    /** Values that take the place of the config's. */
    readonly changes?: Readonly<Record<string, string>>;
}

/** Finds the cluster of a stack, the selected one if none is named, and Pulumi with a place for its state. */
export async function openStack(
    output: Output,
    named: string | undefined,
    { access = "read", yes = false, changes = {} }: OpenOptions = {},
): Promise<Session> {
    const mayStart = access === "up";
    const early = pulumiEnvironment(process.env);
    output.target = { setup: setupFor(early, named) };
    // Who names a stack is not asked which one is selected: each question to Pulumi costs a start of Pulumi.
    const selectedIn = (env: Environment) => (named === undefined ? selectedStack(env) : undefined);
    const before = selectedIn(early);
    const name = named ?? before ?? "dev";
    const { context, env } = clusterOf(name);
    const query = { context, stack: name, env, mayStart, yes, output };
    const cluster = await findCluster(query).catch((error: unknown) => {
        const forget =
            "Nothing was changed. If the cluster is gone for good, make Pulumi forget the stack:\n" +
            `  pulumi stack rm ${name} --force --preserve-config`;
        const isGone = access === "destroy" && error instanceof NoCluster;
        throw isGone ? new UserError(`${error.message}\n${forget}`) : error;
    });
    const login = await logIn(cluster.env, output.info);
    // The sandbox brings a Pulumi and a state of its own, in which another stack may be selected.
    const selected = cluster.kind === "sandbox" ? selectedIn(login.env) : before;
    if (selected !== undefined && selected !== name) {
        throw new UserError(
            `Stack ${selected} is selected, and you named none. Name the one that you mean, ${selected} or ${name}.\n` +
                `  For example:  npm run up -- ${selected}`,
        );
    }
    // A command that creates the stack selects it as well.
    const other = mayStart || selected !== undefined ? undefined : name;
    output.target = {
        stack: other,
        // Only who has something to print asks kubectl.
        get context() {
            return currentContext(process.env) === context ? undefined : context;
        },
        setup: setupFor(login.env, other),
    };
    output.info(`Stack ${name}, context ${context}, state in ${login.url}.`);
    if (access !== "read") {
        releaseDeadLock(name, login, output.info);
    }
    const stack = new PulumiStack(name, login.env, output.descriptor);
    if (mayStart && selected === undefined) {
        stack.run(["stack", "select", "--create", "--non-interactive"]);
    }
    const state = stack.resources();
    const recorded = recordedIn(state);
    output.refuse(otherCluster(context, recorded));
    const owners = ownersOf(instanceOf(projectName(), shortName(name)), recorded.instances);
    const settings = settingsOf(stack, context, changes, output);
    const client = await Client.connect({ context, env: cluster.env });
    return { stack, cluster, context, client, owners, settings, state, output };
}

/** As `openStack`, for a command that works on a stack that is up. @throws UserError if it is not. */
export async function openLiveStack(
    output: Output,
    named: string | undefined,
    options?: OpenOptions,
): Promise<LiveSession> {
    const session = await openStack(output, named, options);
    const { stack, client, context, state } = session;
    const outputs = outputsIn(state, stack.name);
    const { namespaceName } = outputs;
    if ((await client.find(objectPath("Namespace", namespaceName))) === undefined) {
        throw new UserError(
            `Stack ${stack.name} is not up in the cluster of context ${context}: there is no namespace ${namespaceName}. Nothing was changed.\n` +
                `  Bring it up:  npm run up -- ${stack.name}`,
        );
    }
    return { ...session, outputs, api: new ChatApi(client, namespaceName) };
}

/** @throws UserError with every finding. */
function settingsOf(
    stack: PulumiStack,
    context: string,
    changes: Readonly<Record<string, string>>,
    output: Output,
): Settings {
    const raw = stack.config();
    if (!raw) {
        throw new UserError(`There is no stack ${stack.name}.\n  Bring it up:  npm run up -- ${stack.name}`);
    }
    const { settings, findings } = checkConfig({ ...raw, ...changes }, projectName());
    if (!settings) {
        const reason = `The config of stack ${stack.name} is not valid. Nothing was changed.`;
        throw new UserError(`${reason}\n\n${output.render(findings)}`);
    }
    if (settings.context !== context) {
        throw new UserError(
            `kubernetes:context is ${JSON.stringify(context)} in ${configFile(stack.name)}, but Pulumi reads ${JSON.stringify(settings.context)}.\n` +
                `  Set it in the file:  pulumi config set kubernetes:context ${settings.context}`,
        );
    }
    return settings;
}

/** Volumes of a claim that a change has given up: they go a moment later, or stay with their data. */
export async function showInheritableVolumes(
    { client, context, output }: Session,
    namespace: string,
): Promise<void> {
    const volumes = await inheritableVolumes(client, namespace, output.info);
    output.findings(volumes.map((volume) => inheritedVolume(volume, context)));
}

/** The context of a stack's cluster, and the environment in which kubectl has it. @throws UserError if the config names none. */
export function clusterOf(stack: string): { readonly context: string; readonly env: Environment } {
    const context = bootstrapValue(stack, "kubernetes:context");
    const kubeconfig = bootstrapValue(stack, "kubernetes:kubeconfig");
    const file = configFile(stack);
    if (typeof context !== "string" || context === "") {
        const named = `pulumi config set kubernetes:context minikube --stack ${stack}`;
        throw new UserError(
            existsSync(file)
                ? `${file} does not say in plain text which cluster the stack is for.\n  Name its cluster:  ${named}`
                : `There is no stack ${stack} here, and no file ${file}. Stacks that have one: ${stacksHere().join(", ") || "none"}.\n` +
                      `  Create the stack, if there is none:  pulumi stack init ${stack}\n` +
                      `  Name its cluster:                    ${named}`,
        );
    }
    if (kubeconfig === undefined) {
        return { context, env: process.env };
    }
    if (typeof kubeconfig !== "string" || isContent(kubeconfig)) {
        throw new UserError(
            `kubernetes:kubeconfig in ${file} is the content of a kubeconfig, which only plain pulumi can use.\n` +
                "  Save it as a file, and name that:  pulumi config set kubernetes:kubeconfig PATH",
        );
    }
    return { context, env: { ...process.env, KUBECONFIG: kubeconfigPath(kubeconfig) } };
}
