/**
 * Objects that Pulumi would take over and then delete.
 *
 * Pulumi knows a resource by its URN: project, types of its ancestors, type and name. An object under a new URN is taken over in the
 * cluster (`upsertExistingObjects`), and after that the resource of the old URN is deleted, which is the same object. An alias
 * tells Pulumi that both are one.
 */
import type { DeclaredObject } from "../kubernetes/objects.ts";
import { type Finding, type Fix, error, fix } from "../model/finding.ts";
import { type DeclaredResource, type KubernetesResource, isKubernetes, urnOf } from "../pulumi/declared.ts";
import type { RecordedState } from "../pulumi/state.ts";

/** Every declared object that the state has under a URN which Pulumi would delete after it has taken the object over. */
export function movedObjects(
    declared: readonly DeclaredResource[],
    { objects, urns }: RecordedState,
): readonly Finding[] {
    const places = placesOf(declared, urns);
    const moves = declared.filter(isKubernetes).flatMap((resource) => {
        const place = places.get(resource.urn);
        const wayOn = (urn: string) =>
            place === undefined ? aliasFor(resource, urn, declared, urns) : forget(urn);
        return objects
            .filter((object) => identity(object) === identity(resource.inputs) && object.urn !== place)
            .map(({ urn }) => ({ resource, former: urn, way: wayOn(urn) }));
    });
    return [...Map.groupBy(moves, ({ way }) => way.run[0]).values()].map(moved);
}

interface Move {
    readonly resource: KubernetesResource;
    /** URN in the state. */
    readonly former: string;
    readonly way: Fix;
}

/**
 * The URN that the state has for each resource, as the engine finds it: its own, one of its aliases, or what follows from the
 * URN that the state has for its parent.
 *
 * Source: `generateAliases` in pkg/resource/deploy/step_generator.go of pulumi
 */
function placesOf(
    declared: readonly DeclaredResource[],
    urns: readonly string[],
): ReadonlyMap<string, string> {
    const places = new Map<string, string>();
    for (const resource of declared) {
        const parent = declared.find(({ urn }) => urn === resource.parent);
        const parentPlace = places.get(resource.parent);
        const possible = [
            resource.urn,
            ...resource.aliases,
            ...(parent && parentPlace ? [inherited(parent.name, parentPlace, [resource])] : []),
        ];
        const place = possible.find((urn) => urns.includes(urn));
        if (place !== undefined) {
            places.set(resource.urn, place);
        }
    }
    return places;
}

/** An object is the same one in every version of its API. */
function identity({ apiVersion, kind, metadata: { name, namespace = "default" } }: DeclaredObject): string {
    return [apiVersion.replace(/\/?[^/]*$/, ""), kind, namespace, name].join("/");
}

/** One finding for all that one alias mends. */
function moved(moves: readonly Move[]): Finding {
    const [{ resource, former, way }] = moves as readonly [Move, ...Move[]];
    const list = moves.map(({ resource: { inputs } }) => `${inputs.kind} ${inputs.metadata.name}`);
    return error(
        "resource-moved",
        `Pulumi would delete ${list.join(", ")}, because this stack's state has ${list.length === 1 ? "it" : "them"} as another resource than the program.\n` +
            `  in the state:    ${shortUrn(former)}\n` +
            `  in the program:  ${shortUrn(resource.urn)}`,
        way,
    );
}

/** The resource has a place in the state already, so this one is a second place of the same object. */
function forget(urn: string): Fix {
    return fix("Forget the old one, without deleting the object", `pulumi state delete '${urn}'`);
}

/** The alias that leads to the old URN, on the outermost ancestor on which it does: its children inherit it. */
function aliasFor(
    resource: DeclaredResource,
    old: string,
    declared: readonly DeclaredResource[],
    urns: readonly string[],
): Fix {
    const possible = urns.filter((urn) => !typesIn(urn).includes("pulumi:pulumi:Stack"));
    for (const [index, ancestor] of lineageOf(resource, declared).entries()) {
        const descendants = lineageOf(resource, declared).slice(index + 1);
        const former = possible.find((urn) => inherited(ancestor.name, urn, descendants) === old);
        if (former !== undefined) {
            return fix(
                `Add to the options of new ${ancestor.type.split(":").at(-1) ?? ""}("${ancestor.name}", ...)`,
                `aliases: [${aliasText(ancestor, former)}]`,
            );
        }
    }
    throw new Error(`no alias leads from ${resource.urn} to ${old}`);
}

/** The resource, after all its ancestors. */
function lineageOf(
    resource: DeclaredResource,
    declared: readonly DeclaredResource[],
): readonly DeclaredResource[] {
    const parent = declared.find(({ urn }) => urn === resource.parent);
    return [...(parent ? lineageOf(parent, declared) : []), resource];
}

/**
 * The URN that the last of these descendants has by an alias of their ancestor.
 *
 * Source: `inheritedChildAlias` in resource.ts of @pulumi/pulumi
 */
function inherited(name: string, alias: string, [child, ...others]: readonly DeclaredResource[]): string {
    if (!child) {
        return alias;
    }
    const own = child.name.startsWith(name) ? nameIn(alias) + child.name.slice(name.length) : child.name;
    return inherited(child.name, urnOf(alias, child.type, own), others);
}

function aliasText({ type, name, parent }: DeclaredResource, former: string): string {
    const formerType = typesIn(former).at(-1) ?? "";
    const changes = [
        ...(nameIn(former) === name ? [] : [`name: "${nameIn(former)}"`]),
        ...(formerType === type ? [] : [`type: "${formerType}"`]),
    ];
    if (urnOf(parent, formerType, nameIn(former)) === former) {
        return `{ ${changes.join(", ")} }`;
    }
    // A parent that the program no longer has can only be named by the whole URN.
    return typesIn(former).length === 1
        ? `{ ${[...changes, "parent: pulumi.rootStackResource"].join(", ")} }`
        : `"${former}"`;
}

/** Types of the ancestors and of the resource itself. */
function typesIn(urn: string): readonly string[] {
    return (urn.split("::")[2] ?? "").split("$");
}

function nameIn(urn: string): string {
    return urn.split("::").slice(3).join("::");
}

/** A URN without stack and project. */
function shortUrn(urn: string): string {
    return urn.split("::").slice(2).join("::");
}
