/**
 * Whose the objects are. The stack takes over what it made and did not get to record, so it must never meet objects that
 * it does not own.
 */
import type { Settings } from "../config/settings.ts";
import type { LiveObject } from "../kubernetes/objects.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import type { Finding } from "../model/finding.ts";
import { isStackName } from "../model/kinds.ts";
import { type Owners, isOwned, isRetained, ownerOf } from "../model/ownership.ts";
import type { RecordedState } from "../pulumi/state.ts";
import { isBackupsClaim } from "./claims.ts";
import { listNames, ownerArguments } from "./text.ts";

/** A namespace, or objects with the stack's names in it, that the stack does not own. */
export function foreignObjects(
    settings: Settings,
    snapshot: ClusterSnapshot,
    owners: Owners,
): readonly Finding[] {
    const { namespace } = snapshot;
    if (namespace?.metadata.deletionTimestamp) {
        return [terminatingNamespace(namespace)];
    }
    if (namespace && !isOwned(namespace, owners)) {
        return [foreignNamespace(namespace, settings, owners)];
    }
    return snapshot.objects
        .filter(({ kind = "", metadata }) => isStackName(kind, metadata.name))
        .filter((object) => !isOwned(object, owners) && !isExistingClaim(object, settings))
        .map((object) => foreignObject(object, owners));
}

/** The namespace controller says in the conditions what holds a namespace: a finalizer, or an API that does not answer. */
export function terminatingNamespace({ metadata, ...namespace }: LiveObject): Finding {
    const { conditions = [] } =
        (namespace as { status?: { conditions?: { status: string; message?: string }[] } }).status ?? {};
    const held = conditions.filter(({ status }) => status === "True").map(({ message = "" }) => message);
    return {
        code: "namespace-terminating",
        severity: "error",
        subject: { kind: "Namespace", name: metadata.name },
        reason: [
            `Namespace ${metadata.name} is being deleted. Run this again when it is gone.`,
            ...held,
        ].join("\n"),
        fixes: [
            {
                to: "See what holds it",
                run: [`kubectl get namespace ${metadata.name} --output jsonpath='{.status.conditions}'`],
            },
        ],
    };
}

function foreignNamespace(namespace: LiveObject, { retainNamespace }: Settings, owners: Owners): Finding {
    const { name } = namespace.metadata;
    const label = `kubectl label namespace ${name} --overwrite ${ownerArguments(owners[0])}`;
    const retain = retainNamespace ? [] : ["pulumi config set retainData true"];
    return {
        code: "foreign-namespace",
        severity: "error",
        subject: { kind: "Namespace", name },
        reason:
            `Namespace ${name} exists, and this stack does not own it (${owner(namespace)}).\n` +
            "A stack owns its namespace: it labels the namespace, and a destroy deletes the namespace with its content, unless retainData is true or existingClaim is set.",
        fixes: [
            { to: "Use another one", run: ["pulumi config set namespace NAME"] },
            { to: "Give it to this stack, which never deletes it", run: [label, ...retain] },
            ...(retainNamespace
                ? []
                : [{ to: "Give it to this stack, which deletes it on destroy", run: [label] }]),
        ],
    };
}

function foreignObject(object: LiveObject, owners: Owners): Finding {
    const { kind = "", metadata } = object;
    const { name, namespace = "" } = metadata;
    const label = `kubectl label ${kind.toLowerCase()} ${name} --namespace ${namespace} --overwrite ${ownerArguments(owners[0])}`;
    const isClaim = kind === "PersistentVolumeClaim";
    return {
        code: isClaim ? "foreign-claim" : "foreign-object",
        severity: "error",
        subject: { kind, name, namespace },
        reason: `${kind} ${name} in namespace ${namespace} exists, and this stack does not own it (${owner(object)}).`,
        fixes: isClaim
            ? [
                  {
                      to: "Use it, without ever deleting it",
                      run: [`pulumi config set existingClaim ${name}`],
                  },
                  { to: "Give it to this stack, which may then delete it", run: [label] },
              ]
            : [
                  {
                      to: "Delete it",
                      run: [`kubectl delete ${kind.toLowerCase()} ${name} --namespace ${namespace}`],
                  },
                  { to: "Give it to this stack", run: [label] },
              ],
    };
}

/** A claim that the stack mounts and does not make. */
function isExistingClaim({ kind, metadata }: LiveObject, { storage }: Settings): boolean {
    return (
        kind === "PersistentVolumeClaim" &&
        "existingClaim" in storage &&
        storage.existingClaim === metadata.name
    );
}

/** The next run deletes the namespace that a killed run moved away from, even if the config comes back to it. */
export function abandonedByKilledRun(
    settings: Settings,
    { namespace, api }: ClusterSnapshot,
    owners: Owners,
    recorded: RecordedState,
): readonly Finding[] {
    const isGoing =
        namespace && api && isOwned(namespace, owners) && !isRetained(namespace) && recorded.namespace;
    return isGoing && recorded.namespace !== settings.namespace
        ? [
              {
                  code: "namespace-abandoned-by-killed-run",
                  severity: "error",
                  subject: { key: "namespace", value: settings.namespace },
                  reason: `namespace is ${JSON.stringify(settings.namespace)}. A pulumi up that was killed had moved the stack from there to ${recorded.namespace}, and the next one deletes ${settings.namespace} with its content.`,
                  fixes: [
                      {
                          to: "Complete the move first, which names the messages at stake",
                          run: [`pulumi config set namespace ${recorded.namespace}`, "pulumi up"],
                      },
                  ],
              },
          ]
        : [];
}

/** Claims that an earlier destroy has kept, and that the stack mounts again. */
export function reattachedClaims(
    { namespace, claims }: ClusterSnapshot,
    recorded: RecordedState,
): readonly Finding[] {
    if (recorded.namespace !== undefined || !namespace || !isRetained(namespace)) {
        return [];
    }
    return claims.map((claim) => {
        const { name, namespace: where = "" } = claim.metadata;
        const use = isBackupsClaim(claim)
            ? "The stack uses it again, with its backups."
            : "The api mounts it again, with its messages.";
        return {
            code: "claim-reattached",
            severity: "note",
            subject: { kind: "PersistentVolumeClaim", name, namespace: where },
            reason: `Claim ${name} was kept by an earlier destroy. ${use}`,
            fixes: [],
        };
    });
}

/** The objects still have the label that they got under the former name of the stack. The next `up` changes it. */
export function renamedStack(
    { namespace }: ClusterSnapshot,
    instance: string,
    { instances }: RecordedState,
): readonly Finding[] {
    const former = namespace && ownerOf(namespace);
    return !former || former === instance || !instances.includes(former)
        ? []
        : [
              {
                  code: "stack-renamed",
                  severity: "warning",
                  subject: { kind: "Namespace", name: namespace.metadata.name },
                  reason:
                      `The objects of this stack have the label of ${former}, its former name. This update gives them the label of ${instance}.\n` +
                      `If there is a stack ${former} as well, stop here: both stacks would use the same objects.`,
                  fixes: [{ to: "See all stacks", run: ["pulumi stack ls"] }],
              },
          ];
}

/** A namespace with claims that this stack owns by its labels, while its state does not have them. */
export function adoptedNamespace(
    { namespace, claims }: ClusterSnapshot,
    instance: string,
    recorded: RecordedState,
): readonly Finding[] {
    if (recorded.namespace !== undefined || !namespace || isRetained(namespace)) {
        return [];
    }
    const bound = claims.filter(({ spec }) => spec?.volumeName !== undefined);
    const { name } = namespace.metadata;
    return bound.length === 0
        ? []
        : [
              {
                  code: "namespace-adopted",
                  severity: "warning",
                  subject: { kind: "Namespace", name },
                  reason:
                      `This stack adopts namespace ${name} with claim ${listNames(bound)}: the labels say that ${instance} owns them, but this stack's state has neither.\n` +
                      "If they belong to another stack of the same project and name, stop here and give this stack another name.",
                  fixes: [{ to: "Make a stack of another name", run: ["pulumi stack init NAME"] }],
              },
          ];
}

function owner(object: LiveObject): string {
    const instance = ownerOf(object);
    return instance ? `its labels say that ${instance} does` : "it has no owner labels";
}
