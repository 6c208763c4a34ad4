/** What the program declares, without a cluster and without Pulumi's engine: it runs on Pulumi's own mocks. */
import { runtime } from "@pulumi/pulumi";

/** A resource as the program declared it. */
export interface Declared {
    readonly type: string;
    readonly inputs: Inputs;
}

/** The fields that the picture shows, of all kinds together: each kind has its own of them. */
export interface Inputs {
    readonly metadata?: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
    readonly data: Readonly<Record<string, string>>;
    readonly spec: {
        readonly replicas: number;
        readonly template: { readonly spec: PodSpec };
        readonly ports: readonly { readonly port: number }[];
        readonly rules: readonly Rule[];
        readonly resources: { readonly requests: { readonly storage: string } };
    };
}

export interface PodSpec {
    readonly containers: readonly Container[];
    readonly volumes: readonly {
        readonly name: string;
        readonly persistentVolumeClaim?: { readonly claimName: string };
    }[];
}

export interface Container {
    readonly name: string;
    readonly ports: readonly { readonly containerPort: number }[];
    readonly volumeMounts?: readonly { readonly mountPath: string }[];
}

/** One rule of an Ingress. */
export interface Rule {
    readonly host: string;
    readonly http: {
        readonly paths: readonly { readonly backend: { readonly service: { readonly name: string } } }[];
    };
}

const project = "synergychat";

/** Runs index.ts with this config. @param config keys of the stack's own namespace, without it. */
export async function declared(config: Readonly<Record<string, string>>): Promise<readonly Declared[]> {
    const found: Declared[] = [];
    await runtime.setMocks(
        {
            newResource: ({ type, name, inputs }) => {
                found.push({ type, inputs: inputs as Inputs });
                return { id: name, state: inputs as Record<string, unknown> };
            },
            call: () => ({}),
        },
        project,
        "dev",
        false,
    );
    const own = Object.entries(config).map(([key, value]) => [`${project}:${key}`, value]);
    runtime.setAllConfig({
        "kubernetes:context": "minikube",
        ...(Object.fromEntries(own) as Record<string, string>),
    });
    const preflight = (await import("../preflight")) as unknown as { preflight: () => Promise<void> };
    const real = preflight.preflight;
    preflight.preflight = () => Promise.resolve();
    try {
        const program = (await import("../index")) as unknown as { default: () => Promise<object> };
        await runtime.runInPulumiStack(program.default);
        await runtime.disconnect();
    } finally {
        preflight.preflight = real;
    }
    return found.filter(({ type }) => type.startsWith("kubernetes:"));
}
