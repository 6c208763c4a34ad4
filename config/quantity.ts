/**
 * A Kubernetes quantity of storage, such as 1Gi, in bytes.
 *
 * @returns undefined if the text is no quantity, or one in a form that nobody writes for storage (1e9, 100m).
 * Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export function bytesOf(quantity: string): number | undefined {
    const parts = /^(\d{1,15}(?:\.\d{1,3})?)(k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$/.exec(quantity);
    if (!parts) {
        return undefined;
    }
    const unit = parts[2] ?? "";
    const power = ["", "k", "m", "g", "t", "p"].indexOf(unit.charAt(0).toLowerCase());
    return Number(parts[1]) * (unit.endsWith("i") ? 1024 : 1000) ** power;
}
