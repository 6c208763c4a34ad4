/** Runs the whole program on Pulumi mocks and gives back all that it declared, resource options included. */
import { runtime } from "@pulumi/pulumi";

/** One resource as the program registered it. */
export interface Declared {
    readonly type: string;
    readonly name: string;
    /** Type and name of its parent, `type::name`; empty for a child of the stack. */
    readonly parent: string;
    readonly provider: string;
    readonly inputs: KubernetesObject;
    readonly protect: boolean;
    readonly retainOnDelete: boolean;
    readonly deleteBeforeReplace: boolean;
    /** `type::name` of each resource whose replacement replaces this one too. */
    readonly replaceWith: readonly string[];
    readonly aliases: readonly Alias[];
}

/** A former identity: a whole urn, or what differed from today's type, name and parent. */
export interface Alias {
    readonly urn?: string;
    readonly spec?: { readonly name: string; readonly type: string; readonly noparent?: boolean };
}

/** What the tests look at in an object's inputs; loose, since a test reads only what the program just made. */
export type KubernetesObject = any;

export interface Run {
    readonly resources: readonly Declared[];
    /** The stack's outputs. */
    readonly outputs: Record<string, unknown>;
    /** The one resource of that Kubernetes kind and name. */
    readonly find: (kind: string, name: string) => Declared;
}

/** The request behind `registerResource`: the mocks' own callback shows nothing of a resource's options. */
interface RegisterRequest {
    getType(): string;
    getName(): string;
    getParent(): string;
    getProvider(): string;
    getProtect(): boolean | undefined;
    getRetainondelete(): boolean | undefined;
    getDeletebeforereplace(): boolean;
    getReplaceWithList(): string[];
    getAliasesList(): { toObject(): Alias }[];
    getObject(): { toJavaScript(): Record<string, unknown> } | undefined;
}

const project = "synergychat";
const minimum = { "kubernetes:context": "minikube" };

/**
 * Runs index.ts with this config, as the stack `dev`.
 *
 * @param config keys of the stack's own namespace, without it.
 * @throws what the program throws.
 */
export async function runProgram(config: Record<string, string> = {}): Promise<Run> {
    const own = Object.entries(config).map(([key, value]) => [`${project}:${key}`, value]);
    return runWith({ ...minimum, ...(Object.fromEntries(own) as Record<string, string>) });
}

/** As `runProgram`, with the whole config in full keys. */
export async function runWith(config: Record<string, string>): Promise<Run> {
    const resources = await startMocks(config);
    const outputs = await runtime.runInPulumiStack(() => loadAnew("../../../index"));
    await runtime.disconnect();
    return { resources, outputs: outputs as Record<string, unknown>, find: finder(resources) };
}

async function startMocks(config: Record<string, string>): Promise<Declared[]> {
    // The provider would take the shell's kubeconfig into its inputs.
    delete process.env.KUBECONFIG;
    const resources: Declared[] = [];
    await runtime.setMocks(
        {
            newResource: ({ name, inputs }) => ({
                id: `${name}-id`,
                state: inputs as Record<string, unknown>,
            }),
            call: ({ token }) => {
                throw new Error(`the program calls no function, but called ${token}`);
            },
        },
        project,
        "dev",
        false,
    );
    runtime.setAllConfig(config);
    const monitor = runtime.getMonitor() as unknown as {
        registerResource: (request: RegisterRequest, ...rest: unknown[]) => unknown;
    };
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, ...rest) => {
        resources.push(declared(request));
        return register(request, ...rest);
    };
    return resources;
}

function declared(request: RegisterRequest): Declared {
    return {
        type: request.getType(),
        name: request.getName(),
        parent: shortUrn(request.getParent()),
        provider: request.getProvider(),
        inputs: request.getObject()?.toJavaScript() ?? {},
        protect: request.getProtect() ?? false,
        retainOnDelete: request.getRetainondelete() ?? false,
        deleteBeforeReplace: request.getDeletebeforereplace(),
        replaceWith: request.getReplaceWithList().map(shortUrn),
        aliases: request.getAliasesList().map((alias) => alias.toObject()),
    };
}

/** A urn's last type and its name: urn:pulumi:stack::project::parentType$type::name. */
function shortUrn(urn: string): string {
    const [, , types = "", name = ""] = urn.split("::");
    const type = types.split("$").at(-1) ?? "";
    return type === "" || type === "pulumi:pulumi:Stack" ? "" : `${type}::${name}`;
}

function finder(resources: readonly Declared[]): Run["find"] {
    return (kind, name) => {
        const found = resources.filter(
            ({ type, inputs }) => type.endsWith(`:${kind}`) && inputs.metadata?.name === name,
        );
        if (found.length !== 1 || !found[0]) {
            throw new Error(`${found.length} of ${kind} ${name}, expected 1`);
        }
        return found[0];
    };
}

/** The program and all its own modules, as a new process would load them, but with no cluster to look at. */
async function loadAnew(path: string): Promise<Record<string, unknown>> {
    const root = require.resolve(path).replace(/index\.ts$/, "");
    for (const file of Object.keys(require.cache)) {
        if (file.startsWith(root) && !file.includes("node_modules") && !file.includes(`${root}tests`)) {
            // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
            delete require.cache[file];
        }
    }
    const preflight = (await import(`${root}preflight`)) as { preflight: () => Promise<void> };
    preflight.preflight = () => Promise.resolve();
    const program = (await import(path)) as { default: () => Promise<Record<string, unknown>> };
    return program.default();
}
