/** The urns that Pulumi's engine knows resources by: today's, and those that an alias leads here from. */
import type { Declared } from "./program.ts";

const prefix = "urn:pulumi:dev::synergychat::";

/**
 * Every urn that finds this resource in a state, today's first. A former name of a component is a former name of what
 * is in it too, as in Pulumi: https://www.pulumi.com/docs/iac/concepts/resources/options/aliases/
 */
export function urnsOf(resource: Declared, all: readonly Declared[]): string[] {
    const parent = all.find(({ type, name }) => `${type}::${name}` === resource.parent);
    const parents = parent ? urnsOf(parent, all) : [""];
    const inherited = parents.map((urn) =>
        urnIn(urn, resource.type, renamed(resource.name, parent?.name, urn)),
    );
    const own = resource.aliases.flatMap(({ urn, spec }) => {
        if (urn || !spec) {
            return urn ?? [];
        }
        const places = spec.noparent ? [""] : parents;
        return places.map((place) => urnIn(place, spec.type || resource.type, spec.name || resource.name));
    });
    return [...inherited, ...own];
}

function urnIn(parent: string, type: string, name: string): string {
    const [, , within] = parent.split("::");
    return `${prefix}${within ? `${within}$` : ""}${type}::${name}`;
}

/** Pulumi takes a child whose name begins with its parent's to have been renamed with it. */
function renamed(name: string, parent: string | undefined, parentUrn: string): string {
    const former = parentUrn.split("::").at(-1) ?? "";
    return parent && name.startsWith(parent) ? former + name.slice(parent.length) : name;
}
