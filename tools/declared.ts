/** What `deploy` declares, recorded on Pulumi's mocks: there is no cluster and no engine. */
import { runtime } from "@pulumi/pulumi";
import { clusterProvider } from "../components/provider.ts";
import { readSettings } from "../config/settings.ts";
import { instanceOf } from "../model/labels.ts";
import { deploy } from "../program.ts";

/** A Kubernetes object as the program declares it. */
export interface DeclaredObject {
    readonly kind: string;
    readonly metadata: { readonly name: string };
}

const project = "synergychat";
const stack = "dev";

/**
 * The objects that the stack `dev` declares on context minikube, in the order of their declaration.
 *
 * @param config config keys without their namespace. The others have their defaults.
 * @param program what declares them.
 */
export async function declaredObjects(
    config: Readonly<Record<string, string>>,
    program: { readonly deploy: typeof deploy } = { deploy },
): Promise<readonly DeclaredObject[]> {
    const objects: DeclaredObject[] = [];
    await runtime.setMocks(
        {
            newResource: ({ type, name, inputs }) => {
                if (type.startsWith("kubernetes:")) {
                    objects.push(inputs as DeclaredObject);
                }
                return { id: name, state: inputs as object };
            },
            call: () => ({}),
        },
        project,
        stack,
        false,
    );
    const own = Object.entries(config).map(([key, value]) => [`${project}:${key}`, value] as const);
    const settings = readSettings({ "kubernetes:context": "minikube", ...Object.fromEntries(own) }, project);
    await runtime.runInPulumiStack(() =>
        Promise.resolve(
            program.deploy(settings, instanceOf(project, stack), clusterProvider(settings)).outputs,
        ),
    );
    await runtime.disconnect();
    return objects;
}
