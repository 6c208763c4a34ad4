/**
 * Objects that the state has as another resource than the program: somebody has renamed a resource, or put it into a component.
 *
 * Pulumi knows a resource by its URN: project, types of its ancestors, type and name. An object under a new URN is taken over in the
 * cluster (`upsertExistingObjects`), and after that the resource of the old URN is deleted, which is the same object. An alias
 * tells Pulumi that both are one.
 */
import { mergeOptions, output, runtime } from "@pulumi/pulumi";
import type { DeclaredObject } from "../kubernetes/objects.ts";
import { type Finding, error, fix } from "../model/finding.ts";
import { type DeclaredResource, type KubernetesResource, isKubernetes, urnOf } from "../pulumi/declared.ts";
import type { RecordedState } from "../pulumi/state.ts";

/** From now on, whatever the program declares under another URN than the state gets an alias that leads to its object there. */
export function followMoves(declared: readonly DeclaredResource[], recorded: RecordedState): void {
    const places = new Map(
        placesOf(declared, recorded).map(({ resource: { urn }, place = urn }) => [urn, place]),
    );
    const moved = declared.filter(({ urn }) => places.has(urn) && places.get(urn) !== urn);
    runtime.registerStackTransformation(({ type, name, props, opts }) => {
        if (!moved.some((one) => one.type === type && one.name === name)) {
            return undefined;
        }
        const own = output(opts.parent?.urn ?? "").apply((parent) => urnOf(parent, type, name));
        const alias = own.apply((urn) => places.get(urn) ?? urn);
        return { props, opts: mergeOptions(opts, { aliases: [alias] }) };
    });
}

/** Objects that Pulumi would delete after it has taken them over: the state has them twice, because a run was killed between the two. */
export function movedObjects(
    declared: readonly DeclaredResource[],
    recorded: RecordedState,
): readonly Finding[] {
    return placesOf(declared, recorded).flatMap(({ resource: { urn, inputs }, others }) =>
        others.map((other) =>
            error(
                "resource-moved",
                `Pulumi would delete ${inputs.kind} ${inputs.metadata.name}, because this stack's state has it as another resource than the program.\n` +
                    `  in the state:    ${shortUrn(other)}\n` +
                    `  in the program:  ${shortUrn(urn)}`,
                fix("Forget the old one, without deleting the object", `pulumi state delete '${other}'`),
            ),
        ),
    );
}

interface Placed {
    readonly resource: KubernetesResource;
    /** The URN under which Pulumi finds it in the state. Undefined: it is new. */
    readonly place: string | undefined;
    /** The other URNs under which the state has the same object. */
    readonly others: readonly string[];
}

function placesOf(
    declared: readonly DeclaredResource[],
    { objects, urns }: RecordedState,
): readonly Placed[] {
    return declared.filter(isKubernetes).map((resource) => {
        const same = objects
            .filter((object) => identity(object) === identity(resource.inputs))
            .map(({ urn }) => urn);
        // What the program still declares is the place of that resource.
        const free = same.filter((one) => !declared.some(({ urn }) => urn === one));
        const place = [resource.urn, ...resource.aliases, ...free].find((urn) => urns.includes(urn));
        return { resource, place, others: same.filter((urn) => urn !== place) };
    });
}

/** An object is the same one in every version of its API. */
function identity({ apiVersion, kind, metadata: { name, namespace = "default" } }: DeclaredObject): string {
    return [apiVersion.replace(/\/?[^/]*$/, ""), kind, namespace, name].join("/");
}

/** A URN without stack and project. */
function shortUrn(urn: string): string {
    return urn.split("::").slice(2).join("::");
}
