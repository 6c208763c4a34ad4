/** Whose an object is, by its labels. */
import type { Facts } from "../cluster/facts";
import type { ApiObject } from "../cluster/kubectl";
import { instanceLabel, managedBy } from "../components/labels";
import { claimName } from "../components/storage";
import type { Settings } from "../config";

/** The stack takes over what it made and did not get to record, so it must never meet what is not its own. */
export function foreignObjects(settings: Settings, facts: Facts, instance: string): string[] {
    const { namespace } = facts;
    if (namespace?.metadata.deletionTimestamp) {
        return [
            `Namespace ${settings.namespace} is being deleted. Wait until it is gone, then run this again.`,
        ];
    }
    if (namespace && !isOwn(namespace, instance)) {
        return [
            `Namespace ${settings.namespace} exists and is not this stack's (${ownerOf(namespace)}).\n` +
                "    Run: pulumi config set namespace ANOTHER\n" +
                `    Or give it to this stack: kubectl label namespace ${settings.namespace} --overwrite ${marks(instance)}`,
        ];
    }
    return facts.objects
        .filter((object) => isOurName(object) && !isOwn(object, instance))
        .map(
            (object) =>
                `${object.kind ?? "Object"} ${object.metadata.name} in namespace ${settings.namespace} is not this stack's (${ownerOf(object)}).\n` +
                `    Delete it, or give it to this stack: kubectl label ${(object.kind ?? "").toLowerCase()} ${object.metadata.name} --namespace ${settings.namespace} --overwrite ${marks(instance)}`,
        );
}

/** Two ingresses with one host: who comes first to the app of which is left to chance. */
export function servedHosts({ exposure, webHost, apiHost, namespace }: Settings, facts: Facts): string[] {
    const own = [namespace, ...facts.left.map((place) => place.namespace.metadata.name)];
    const others = facts.ingresses.filter(({ metadata }) => !own.includes(metadata.namespace ?? ""));
    const hosts = exposure.kind === "ingress" ? Object.entries({ webHost, apiHost }) : [];
    return hosts.flatMap(([key, host]) => {
        const other = others.find(({ spec }) => spec.rules?.some((rule) => rule.host === host));
        return other
            ? [
                  `${key} is ${JSON.stringify(host)}: ingress ${other.metadata.name} in namespace ${other.metadata.namespace ?? ""} serves that host already.\n` +
                      `    Run: pulumi config set ${key} ANOTHER`,
              ]
            : [];
    });
}

function isOurName({ metadata: { name } }: ApiObject): boolean {
    return (
        /^synergychat-(web|api|crawler)(-configmap)?$|^(web|api|crawler)-service$|^app-ingress$/.test(name) ||
        name === claimName
    );
}

/** Made by this program, for the stack of that mark. */
export function isOwn({ metadata: { labels } }: Labelled, instance: string): boolean {
    return labels?.[instanceLabel] === instance && labels[managedBy.label] === managedBy.value;
}

/** As much of an object as tells whose it is. */
export interface Labelled {
    readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
}

function ownerOf({ metadata: { labels } }: ApiObject): string {
    const owner = labels?.[instanceLabel];
    return owner ? `it is marked as ${owner}'s` : "it carries no stack's mark";
}

function marks(instance: string): string {
    return `${instanceLabel}=${instance} ${managedBy.label}=${managedBy.value}`;
}

/** Made by this program, for whichever stack. */
export function isMarked({ metadata: { labels } }: ApiObject): boolean {
    return labels?.[managedBy.label] === managedBy.value && labels[instanceLabel] !== undefined;
}

/** In words. */
export function names(objects: readonly ApiObject[]): string {
    return objects.map(({ metadata }) => metadata.name).join(", ") || "none";
}
