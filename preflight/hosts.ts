/** Host names: if two namespaces serve one host, it is left to chance who reaches which app. */
import type { Settings } from "../config/settings.ts";
import type { LiveObject } from "../kubernetes/objects.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, error, fix } from "../model/finding.ts";
import { type HostSpec, stackKinds } from "../model/kinds.ts";

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

/** Host names that an object serves. */
function hostsOf(object: LiveObject): readonly string[] {
    const row = stackKinds.find(({ kind }) => kind === object.kind);
    const { spec = {} } = object as { spec?: HostSpec };
    return row?.hosts?.(spec) ?? [];
}
