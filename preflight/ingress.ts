/** The admission webhook of the ingress controller: while it does not answer, the cluster refuses every Ingress. */
import type { Settings } from "../config/settings.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { type Found, error, fix, warning } from "../model/finding.ts";
import { ingressName } from "../model/names.ts";

/** An Ingress that could not be created, after everything else was. One that exists need not change in this run. */
export function unreadyIngressWebhook(
    { context }: Settings,
    { ingressRefusal, objects }: ClusterSnapshot,
): Found {
    if (ingressRefusal === undefined) {
        return [];
    }
    const exists = objects.some(({ kind, metadata }) => kind === "Ingress" && metadata.name === ingressName);
    const wait = `kubectl --context ${context} wait pod --all-namespaces --selector app.kubernetes.io/component=controller --for condition=Ready --timeout 180s`;
    return (exists ? warning : error)(
        "ingress-webhook-not-ready",
        `The ingress controller is not ready. Until then, the cluster refuses ${exists ? "every change of " : ""}Ingress ${ingressName}.\n` +
            ingressRefusal,
        fix("Wait until the controller is ready", wait, "pulumi up"),
        fix("Or let this command wait", "npm run up"),
        fix("Use no Ingress", "pulumi config set exposure none"),
    );
}
