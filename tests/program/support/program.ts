/** Runs `deploy` and components on Pulumi mocks, and returns all that they declared, resource options included. */
import { output, runtime } from "@pulumi/pulumi";
import { clusterProvider } from "../../../components/provider.ts";
import { readSettings } from "../../../config/settings.ts";
import { instanceOf } from "../../../model/labels.ts";
import { type Outputs, deploy } from "../../../program.ts";

/** One resource as it was registered. */
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

/** What was declared. */
export class Resources {
    public readonly resources: readonly Declared[];

    public constructor(resources: readonly Declared[]) {
        this.resources = resources;
    }

    /** The stack's components with what is in them. What somebody adds to `deploy` beside them follows rules of its own. */
    public get own(): readonly Declared[] {
        return this.resources.filter(({ type, parent }) => /^(pulumi|synergychat):/.test(parent || type));
    }

    /** The Kubernetes objects of the components. */
    public get objects(): readonly Declared[] {
        return this.own.filter(({ type }) => type.startsWith("kubernetes:"));
    }

    /** The one object of that kind and name. */
    public find(kind: string, name: string): Declared {
        const found = this.objects.filter(
            ({ inputs }) => inputs.kind === kind && inputs.metadata.name === name,
        );
        if (found.length !== 1 || !found[0]) {
            throw new Error(`${found.length} of ${kind} ${name}, expected 1`);
        }
        return found[0];
    }
}

/** What `deploy` declared and returned. */
export class Run extends Resources {
    /** The stack's outputs, with plain values. */
    public readonly outputs: Record<keyof Outputs, unknown>;

    public constructor(resources: readonly Declared[], outputs: Record<keyof Outputs, unknown>) {
        super(resources);
        this.outputs = outputs;
    }
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
const stack = "dev";

/** Deploys with this config, as the stack `dev` on context minikube. */
export async function runDeploy(
    config: Readonly<Record<string, string>> = {},
    program = deploy,
): Promise<Run> {
    const own = Object.entries(config).map(([key, value]) => [`${project}:${key}`, value] as const);
    const settings = readSettings({ "kubernetes:context": "minikube", ...Object.fromEntries(own) }, project);
    const instance = instanceOf(project, stack);
    const { resources, result } = await declare(() => ({
        outputs: program(settings, instance, clusterProvider(settings)).outputs,
    }));
    return new Run(resources, result.outputs as Run["outputs"]);
}

/** All resources that a function registers, and its result with plain values. */
export async function declare<T extends object>(
    register: () => T,
): Promise<{ readonly resources: readonly Declared[]; readonly result: Record<keyof T, unknown> }> {
    const resources = await startMocks();
    const result = await runtime.runInPulumiStack(() => Promise.resolve(register()));
    await runtime.disconnect();
    return { resources, result: (await plain(result)) as Record<keyof T, unknown> };
}

function plain(value: unknown): Promise<unknown> {
    return new Promise((resolve) => {
        output(value as object).apply(resolve);
    });
}

async function startMocks(): Promise<Declared[]> {
    const resources: Declared[] = [];
    await runtime.setMocks(
        {
            newResource: ({ name, inputs }) => ({
                id: `${name}-id`,
                state: inputs as Record<string, unknown>,
            }),
            call: ({ token }) => {
                throw new Error(`The program calls no function, but it called ${token}.`);
            },
        },
        project,
        stack,
        false,
    );
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
