/** The oldest versions that the stack works with. The README and the commands name these. */
export const minimumVersions = {
    /**
     * `requiredPulumiVersion` in Pulumi.yaml. The program itself needs 3.210.0, for the resource option `replaceWith`, but an
     * older CLI would ignore the requirement and the option alike. Source: https://github.com/pulumi/pulumi/releases
     */
    pulumi: "3.219.0",
    /** Sidecars: init containers that are restarted. Source: https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/ */
    kubernetes: "1.29.0",
    /** `kubectl proxy --append-server-path`. */
    kubectl: "1.23.0",
    /** Type stripping, which the sandbox runs on, and @pulumi/pulumi's own requirement. */
    node: "22.18.0",
} as const;

/** Whether a version such as v3.259.0 is at least a minimum such as 3.210.0. Text that is no version is not. */
export function isAtLeast(version: string, minimum: string): boolean {
    const [number] = /\d+\.\d+\.\d+/.exec(version) ?? [];
    return number !== undefined && number.localeCompare(minimum, "en", { numeric: true }) >= 0;
}
