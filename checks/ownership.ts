/** Whose an object is, by its labels, and whether it stays, by its annotation. */
import type { Facts } from "../cluster/facts";
import type { ApiObject } from "../cluster/kubectl";
import { instanceLabel, managedBy } from "../components/labels";
import { retainAnnotation } from "../components/namespace";
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
                `    Or give it to this stack, which deletes it with all that it holds when it is destroyed:\n        kubectl label namespace ${settings.namespace} --overwrite ${marks(instance)}`,
        ];
    }
    return facts.objects
        .filter((object) => isOurName(object) && !isOwn(object, instance) && !isBroughtIn(object, settings))
        .map((object) => foreign(object, settings, instance));
}

/** A claim that the stack uses and does not make. */
function isBroughtIn({ kind, metadata }: ApiObject, { storage }: Settings): boolean {
    return (
        kind === "PersistentVolumeClaim" &&
        "existingClaim" in storage &&
        storage.existingClaim === metadata.name
    );
}

function foreign(object: ApiObject, { namespace }: Settings, instance: string): string {
    const { kind = "Object", metadata } = object;
    const label = `kubectl label ${kind.toLowerCase()} ${metadata.name} --namespace ${namespace} --overwrite ${marks(instance)}`;
    return (
        `${kind} ${metadata.name} in namespace ${namespace} is not this stack's (${ownerOf(object)}).\n` +
        (kind === "PersistentVolumeClaim"
            ? `    To use it, and leave it to its owner: pulumi config set existingClaim ${metadata.name}\n` +
              `    To give it to this stack, which then may delete it: ${label}`
            : `    Delete it, or give it to this stack: ${label}`)
    );
}

/** What a killed run moved away from is deleted by the next one, even where that comes back to it. */
export function leavingNamespace(settings: Settings, facts: Facts, instance: string): string[] {
    const { namespace, recorded, api } = facts;
    const leaving =
        namespace && isOwn(namespace, instance) && !isRetained(namespace) && api && recorded !== undefined;
    return leaving && recorded !== settings.namespace
        ? [
              `namespace is ${JSON.stringify(settings.namespace)}: a pulumi up that was killed had left that for ${recorded}, and the next one deletes it with all that it holds.\n` +
                  `    To end the move first: pulumi config set namespace ${recorded}, then pulumi up; it says which messages that would lose`,
          ]
        : [];
}

/** Claims that an earlier destroy has kept, and that the stack takes up again. */
export function foundAgain({ recorded, namespace, claims }: Facts): string[] {
    return recorded === undefined && namespace && isRetained(namespace)
        ? claims.map(({ metadata }) => `Claim ${metadata.name} is found again, with what it holds.`)
        : [];
}

/** Claims that carry the stack's marks, and that its state has never heard of. */
export function takenOver({ namespace }: Settings, facts: Facts, instance: string): string[] {
    const isNew = facts.recorded === undefined && facts.namespace && !isRetained(facts.namespace);
    const bound = isNew ? facts.claims.filter(({ spec }) => spec.volumeName !== undefined) : [];
    return bound.length > 0
        ? [
              `Namespace ${namespace} is taken over, with claim ${names(bound)} and what it holds: both are marked as ${instance}'s, and this stack's state knows neither.\n` +
                  "If they belong to another stack of the same project and name: take no further step here, and give this one a name of its own (pulumi stack init NAME)",
          ]
        : [];
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

/** Whether a claim or a namespace stays when the stack no longer declares it. */
export function isRetained({ metadata }: Annotated): boolean {
    return metadata.annotations?.[retainAnnotation] === "true";
}

/** As much of an object as tells whether it stays. */
interface Annotated {
    readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
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
