// What a shell needs to use the sandbox, and nothing of it anywhere else: no file of minikube's or Pulumi's is touched.
import { delimiter, dirname } from "node:path";
import { networkOf } from "./network.ts";
import type { Paths } from "./paths.ts";
import type { Toolchain } from "./toolchain.ts";

export interface Environment {
    /** To be put before what is on the PATH, and after it. */
    before: string[];
    after: string[];
    variables: Record<string, string>;
}

export function environmentOf(paths: Paths, toolchain: Toolchain, shell: NodeJS.ProcessEnv): Environment {
    // Pulumi's scripts run on this very Node: the machine's own may be too old for them.
    const node = dirname(process.execPath);
    const official = toolchain.officialHost;
    return {
        before: official ? [toolchain.folder, node] : [paths.bin, node],
        after: official ? [paths.bin] : [],
        variables: {
            KUBECONFIG: paths.kubeconfig,
            KUBECACHEDIR: paths.kubectlCache,
            PULUMI_HOME: paths.pulumiHome,
            PULUMI_BACKEND_URL: `file://${paths.pulumiState}`,
            PULUMI_CONFIG_PASSPHRASE_FILE: paths.passphrase,
            PULUMI_SKIP_UPDATE_CHECK: "true",
            // Each run looks at the logs of all earlier ones, and the tests run pulumi more than a thousand times.
            PULUMI_LOG_ROTATION_MAX_TOTAL_MB: "10",
            PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
            PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
            // The provider that is built here is older than its option `enablePatchForce`, and reads this instead.
            ...(toolchain.provider === "built" && { PULUMI_K8S_ENABLE_PATCH_FORCE: "true" }),
            ...pastProxy(paths, shell),
        },
    };
}

/** A proxy to the outside cannot know the node. */
export function pastProxy(paths: Paths, shell: NodeJS.ProcessEnv): Record<string, string> {
    const { nodeAddress } = networkOf(paths);
    const listed = (shell.NO_PROXY ?? shell.no_proxy ?? "").split(",").filter((entry) => entry !== "");
    const hasProxy = [shell.HTTPS_PROXY, shell.https_proxy, shell.HTTP_PROXY, shell.http_proxy].some(Boolean);
    if (!hasProxy) {
        return {};
    }
    const all = [...new Set([...listed, nodeAddress])].join(",");
    return { NO_PROXY: all, no_proxy: all };
}

export function asShell({ before, after, variables }: Environment): string {
    const path = [...before.map(quote), '"$PATH"', ...after.map(quote)].join(delimiter);
    const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}`);
    return [`export PATH=${path}`, ...lines].join("\n");
}

export function asJson({ before, after, variables }: Environment, path: string): string {
    return JSON.stringify({ PATH: [...before, path, ...after].join(delimiter), ...variables }, undefined, 4);
}

function quote(text: string): string {
    return `'${text.replaceAll("'", "'\\''")}'`;
}
