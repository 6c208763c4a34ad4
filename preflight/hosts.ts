/** Host names: if two namespaces serve one host, it is left to chance who reaches which app. And their certificate. */
import type { Settings } from "../config/settings.ts";
import type { LiveObject } from "../kubernetes/objects.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, type Found, error, fix, warning } from "../model/finding.ts";

/** Host names of the config that an object in a foreign namespace serves. */
export function servedHosts(settings: Settings, snapshot: ClusterSnapshot): readonly Finding[] {
    const { exposure, webHost, apiHost, namespace } = settings;
    if (exposure.kind === "none") {
        return [];
    }
    const others = snapshot.hostObjects.filter(({ metadata }) => metadata.namespace !== namespace);
    return Object.entries({ webHost, apiHost }).flatMap(([key, host]) => {
        const other = others.find((object) => hostsOf(object).includes(host));
        if (!other) {
            return [];
        }
        const { kind = "", metadata } = other;
        return error(
            "host-served-elsewhere",
            `${key} is ${JSON.stringify(host)}. ${kind} ${metadata.name} in namespace ${metadata.namespace ?? ""} serves that host already.`,
            fix("Use another host", `pulumi config set ${key} HOST`),
        );
    });
}

/** A secret with the certificate that is not there yet, or that is none. cert-manager makes it only after the Ingress or the Gateway. */
export function unusableTlsSecret(settings: Settings, { tlsSecret: found }: ClusterSnapshot): Found {
    const { exposure, namespace, tlsSecret } = settings;
    if (exposure.kind === "none" || tlsSecret === "" || found === "forbidden") {
        return [];
    }
    const create = `kubectl create secret tls ${tlsSecret} --namespace ${namespace} --cert cert.pem --key key.pem`;
    if (!found) {
        return warning(
            "tls-secret-missing",
            `Secret ${tlsSecret} is not in namespace ${namespace}. Until it is there, the two hosts are served with another certificate, or not at all. If ingressAnnotations name an issuer of cert-manager, it makes the secret.`,
            fix("Create it from a certificate of both hosts, once the namespace exists", create),
        );
    }
    return found.type === "kubernetes.io/tls"
        ? []
        : error(
              "tls-secret-unusable",
              `Secret ${tlsSecret} in namespace ${namespace} is of type ${found.type ?? "Opaque"}. A certificate is in a secret of type kubernetes.io/tls.`,
              fix(
                  "Create another secret, and name that",
                  create.replace(tlsSecret, "NAME"),
                  "pulumi config set tlsSecret NAME",
              ),
          );
}

/** Host names that an Ingress or an HTTPRoute serves. */
function hostsOf(object: LiveObject): readonly string[] {
    const { rules = [], hostnames = [] } =
        (object as { spec?: { rules?: readonly { host?: string }[]; hostnames?: readonly string[] } }).spec ??
        {};
    return [...rules.flatMap(({ host }) => host ?? []), ...hostnames];
}
