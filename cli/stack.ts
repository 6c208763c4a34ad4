/** The stack that a command works on, with its cluster. */
import { existsSync } from "node:fs";
import { type Settings, checkConfig } from "../config/settings.ts";
import type { Client } from "../kubernetes/client.ts";
import { currentContext, isContent, kubeconfigPath } from "../kubernetes/kubectl.ts";
import { objectPath } from "../model/kinds.ts";
import { instanceOf } from "../model/labels.ts";
import { type Owners, ownersOf } from "../model/ownership.ts";
import { otherCluster } from "../preflight/recorded.ts";
import { PulumiStack, selectedStack } from "../pulumi/cli.ts";
import { releaseDeadLock } from "../pulumi/lock.ts";
import { requirePassphrase, withPulumi } from "../pulumi/login.ts";
import {
    bootstrapValue,
    configDocument,
    configFile,
    projectName,
    shortName,
    stacksHere,
} from "../pulumi/project.ts";
import { type StateResource, recordedIn } from "../pulumi/state.ts";
import { UserError } from "../system/errors.ts";
import type { Environment } from "../system/process.ts";
import type { Cluster } from "./clusters/cluster.ts";
import { findCluster } from "./clusters/find.ts";
import type { Output } from "./output.ts";

/** A stack whose cluster answers. */
export interface OpenStack {
    readonly stack: PulumiStack;
    readonly cluster: Cluster;
    /** Context of the cluster. */
    readonly context: string;
    /** The stack: the values of the label app.kubernetes.io/instance that stand for it. */
    readonly owners: Owners;
    /** What its state held when the command began. */
    readonly state: readonly StateResource[];
    readonly output: Output;
}

/** How a stack is opened. */
export interface OpenOptions {
    /** Whether a cluster may be started for it, and the stack created. */
    readonly mayStart: boolean;
    /** Whether to build a sandbox without asking. */
    readonly yes: boolean;
    readonly output: Output;
}

/**
 * Finds the cluster of a stack, and Pulumi with a place for its state. Releases a lock that a dead process has left.
 *
 * @param named the stack that the person named. Undefined: the selected one, else `dev`.
 * @throws UserError that says what is missing.
 */
export async function openStack(named: string | undefined, options: OpenOptions): Promise<OpenStack> {
    const { mayStart, output } = options;
    const name = named ?? selectedStack(process.env) ?? "dev";
    const context = contextOf(name);
    const env = { ...process.env, ...kubeconfigOf(name) };
    const cluster = await findCluster({ ...options, context, env });
    const pulumiEnv = await withPulumi(cluster.env, output.info);
    requirePassphrase(configDocument(name), pulumiEnv);
    const selected = selectedStack(pulumiEnv);
    requireNamed(named, name, selected);
    output.name({
        // A command that creates the stack selects it as well.
        stack: mayStart || selected === shortName(name) ? undefined : name,
        context: currentContext(process.env) === context ? undefined : context,
    });
    output.info(`Stack ${name}, context ${context}.`);
    releaseDeadLock(name, pulumiEnv, output.info);
    const stack = new PulumiStack(name, pulumiEnv, output.descriptor);
    if (mayStart) {
        stack.select();
    }
    const state = stack.resources();
    const recorded = recordedIn(state);
    const elsewhere = otherCluster(context, recorded);
    if (elsewhere.length > 0) {
        throw new UserError(output.render(elsewhere));
    }
    const owners = ownersOf(instanceOf(projectName(), shortName(name)), recorded.instances);
    return { stack, cluster, context, owners, state, output };
}

/**
 * The stack's settings, checked.
 *
 * @param changes values of this project's keys that take the place of the config's.
 * @throws UserError with every finding.
 */
export function settingsOf(
    { stack, context, output }: Pick<OpenStack, "stack" | "context" | "output">,
    changes: Readonly<Record<string, string>> = {},
): Settings {
    const raw = stack.config();
    if (!raw) {
        throw new UserError(`There is no stack ${stack.name}.\n  Bring it up:  npm run up -- ${stack.name}`);
    }
    const changed = Object.entries(changes).map(([key, value]) => [`${projectName()}:${key}`, value]);
    const { settings, findings } = checkConfig(
        { ...raw, ...(Object.fromEntries(changed) as Record<string, string>) },
        projectName(),
    );
    if (!settings) {
        throw new UserError(
            `The config of stack ${stack.name} is not valid. Nothing was changed.\n\n${output.render(findings)}`,
        );
    }
    if (settings.context !== context) {
        throw new UserError(
            `kubernetes:context is ${JSON.stringify(context)} in ${configFile(stack.name)}, but Pulumi reads ${JSON.stringify(settings.context)}.\n` +
                `  Set it in the file:  pulumi config set kubernetes:context ${settings.context}`,
        );
    }
    return settings;
}

/**
 * Checks that the namespace of a stack exists before a command works in it.
 *
 * @throws UserError if it does not.
 */
export async function requireNamespace(client: Client, namespace: string, stack: string): Promise<void> {
    if ((await client.find(objectPath("Namespace", namespace))) === undefined) {
        throw new UserError(
            `Stack ${stack} is not up in the cluster of context ${client.target.context}: there is no namespace ${namespace}. Nothing was changed.\n` +
                `  Bring it up:  npm run up -- ${stack}`,
        );
    }
}

/** Where the state is was not known before there was a Pulumi: another stack may be selected there. */
function requireNamed(named: string | undefined, name: string, selected: string | undefined): void {
    if (named === undefined && selected !== undefined && selected !== name) {
        throw new UserError(
            `Stack ${selected} is selected, and you named none. Name the one that you mean, ${selected} or ${name}.\n` +
                `  For example:  npm run up -- ${selected}`,
        );
    }
}

function contextOf(stack: string): string {
    const context = bootstrapValue(stack, "kubernetes:context");
    if (typeof context === "string" && context !== "") {
        return context;
    }
    const file = configFile(stack);
    if (typeof context === "object" && context !== null) {
        throw new UserError(
            `kubernetes:context in ${file} is a secret. The commands read the name of the cluster before there is a Pulumi that could decrypt it.\n` +
                `  Set it as plain text:  pulumi config set kubernetes:context NAME --plaintext --stack ${stack}`,
        );
    }
    const problem = existsSync(file)
        ? `${file} does not name a cluster.`
        : `There is no stack ${stack} here, and no file ${file}. There is: ${stacksHere().join(", ") || "none"}.`;
    throw new UserError(
        `${problem}\n` +
            `  Create the stack, if there is none:  pulumi stack init ${stack}\n` +
            `  Name its cluster:                    pulumi config set kubernetes:context minikube --stack ${stack}`,
    );
}

function kubeconfigOf(stack: string): Environment {
    const kubeconfig = bootstrapValue(stack, "kubernetes:kubeconfig");
    if (kubeconfig === undefined) {
        return {};
    }
    if (typeof kubeconfig !== "string" || isContent(kubeconfig)) {
        throw new UserError(
            `kubernetes:kubeconfig in ${configFile(stack)} is the content of a kubeconfig, which only plain pulumi can use.\n` +
                "  Save it as a file, and name that:  pulumi config set kubernetes:kubeconfig PATH",
        );
    }
    return { KUBECONFIG: kubeconfigPath(kubeconfig) };
}
