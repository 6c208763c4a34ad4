/**
 * Whose the objects are. The stack takes over what it made and did not get to record, so it must never meet objects that
 * it does not own.
 */
import type { Settings } from "../config/settings.ts";
import type { LiveObject } from "../kubernetes/objects.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, type Found, error, fix, note, warning } from "../model/finding.ts";
import { isStackName } from "../model/kinds.ts";
import { claimName } from "../model/names.ts";
import { type Owners, isOwned, isRetained, ownerOf } from "../model/ownership.ts";
import type { RecordedState } from "../pulumi/state.ts";
import { type FatedClaim, stays } from "./fates.ts";
import { listNames, ownerArguments } from "./text.ts";

/** A namespace, or objects with the stack's names in it, that the stack does not own. */
export function foreignObjects(
    settings: Settings,
    { namespace, objects, claims = [] }: ClusterSnapshot,
    owners: Owners,
): Found {
    if (namespace?.metadata.deletionTimestamp) {
        return terminatingNamespace(namespace);
    }
    if (namespace && !isOwned(namespace, owners)) {
        return foreignNamespace(namespace, settings, owners);
    }
    const existing = "existingClaim" in settings.storage ? settings.storage.existingClaim : undefined;
    return [
        ...objects.filter(({ kind }) => kind !== claimKind),
        ...claims.filter(({ metadata }) => metadata.name !== existing),
    ]
        .filter(({ kind = "", metadata }) => isStackName(kind, metadata.name))
        .filter((object) => !isOwned(object, owners))
        .map((object) => foreignObject(object, owners));
}

const claimKind = "PersistentVolumeClaim";

/** The namespace controller says in the conditions what holds a namespace: a finalizer, or an API that does not answer. */
export function terminatingNamespace(namespace: LiveObject): Finding {
    const { name } = namespace.metadata;
    const { conditions = [] } =
        (namespace as { status?: { conditions?: { status: string; message?: string }[] } }).status ?? {};
    const held = conditions.filter(({ status }) => status === "True").map(({ message = "" }) => message);
    return error(
        "namespace-terminating",
        [`Namespace ${name} is being deleted. Run this again when it is gone.`, ...held].join("\n"),
        fix("See what holds it", `kubectl get namespace ${name} --output jsonpath='{.status.conditions}'`),
    );
}

function foreignNamespace(namespace: LiveObject, { retainNamespace }: Settings, owners: Owners): Finding {
    const { name } = namespace.metadata;
    const label = `kubectl label namespace ${name} --overwrite ${ownerArguments(owners[0])}`;
    return error(
        "foreign-namespace",
        `Namespace ${name} exists, and this stack does not own it (${owner(namespace)}).\n` +
            "A stack owns its namespace: it labels the namespace, and a destroy deletes the namespace with its content, unless retainData is true or existingClaim is set.",
        fix("Use another one", "pulumi config set namespace NAME"),
        fix(
            "Give it to this stack, which never deletes it",
            label,
            !retainNamespace && "pulumi config set retainData true",
        ),
        !retainNamespace && fix("Give it to this stack, which deletes it on destroy", label),
    );
}

function foreignObject(object: LiveObject, owners: Owners): Finding {
    const { kind = "", metadata } = object;
    const { name, namespace = "" } = metadata;
    const exists = `${kind} ${name} in namespace ${namespace} exists, and this stack does not own it (${owner(object)}).`;
    const label = `kubectl label ${kind.toLowerCase()} ${name} --namespace ${namespace} --overwrite ${ownerArguments(owners[0])}`;
    if (kind === claimKind) {
        return error(
            "foreign-claim",
            exists,
            name === claimName &&
                fix("Use it, without ever deleting it", `pulumi config set existingClaim ${name}`),
            fix("Give it to this stack, which may then delete it", label),
        );
    }
    return error(
        "foreign-object",
        exists,
        fix("Delete it", `kubectl delete ${kind.toLowerCase()} ${name} --namespace ${namespace}`),
        // The containers, volumes and update strategy of a Deployment would be mixed with the stack's.
        kind !== "Deployment" && fix("Give it to this stack", label),
    );
}

function owner(object: LiveObject): string {
    const instance = ownerOf(object);
    return instance ? `its labels say that ${instance} does` : "it has no owner labels";
}

/**
 * Claims that this stack owns by their labels while its state has nothing: an earlier destroy has kept them, or the state is
 * lost, or they belong to another stack of this name.
 */
export function adoptedClaims(
    { namespace, name }: ClusterSnapshot,
    claims: readonly FatedClaim[],
    instance: string,
    recorded: RecordedState,
): Found {
    const isKept = namespace !== undefined && isRetained(namespace);
    const bound = claims.filter(
        (one) => one.owned && one.claim.spec?.volumeName !== undefined && (!isKept || stays(one)),
    );
    if (recorded.namespace !== undefined || !namespace || bound.length === 0) {
        return [];
    }
    const list = listNames(bound.map(({ claim }) => claim));
    if (isKept) {
        return note(
            "claim-reattached",
            `This stack uses claim ${list} again, which an earlier destroy has kept.`,
        );
    }
    return warning(
        "namespace-adopted",
        `This stack adopts namespace ${name} with claim ${list}: the labels say that ${instance} owns them, but this stack's state has neither.\n` +
            "If they belong to another stack of the same project and name, stop here and give this stack another name.",
        fix("Make a stack of another name", "pulumi stack init NAME"),
    );
}
