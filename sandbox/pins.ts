// Every version that is not pinned by a lock file: go.mod and go.sum beside the Go sources, and the root's
// package-lock.json pin the rest. Debian's packages are those of the release.
export const kubernetes = "1.34.4";
export const pulumi = "3.274.1";
export const oldestPulumi = [3, 219, 0] as const;
/** The version of @pulumi/kubernetes, which asks for a provider of its own version. */
export const kubernetesProvider = "4.34.2";
export const oldestGo = [1, 21] as const;

export const references = {
    pause: "docker.io/synergychat-sandbox/pause:1",
    coredns: "docker.io/synergychat-sandbox/coredns:1.14.1",
    restic: "docker.io/restic/restic:0.19.1",
    s3: "docker.io/synergychat-sandbox/s3:1",
} as const;
