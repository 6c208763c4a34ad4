/** Which stack owns an object, and whether the object stays when the stack no longer declares it. */
import { instanceLabel, ownerLabels, retainAnnotation } from "./labels.ts";

/** The part of an object that tells its owner, and whether it stays. */
interface Described {
    readonly metadata: { readonly labels?: Texts | undefined; readonly annotations?: Texts | undefined };
}

type Texts = Readonly<Record<string, string>>;

/**
 * The instances that stand for one stack: the one that the program gives its objects now, then those that the stack's state
 * still has on objects because the stack was renamed.
 */
export type Owners = readonly [instance: string, ...former: string[]];

/** The owners that stand for a stack of this instance, whose state has objects of these instances. */
export function ownersOf(instance: string, recorded: readonly string[]): Owners {
    return [instance, ...recorded.filter((one) => one !== instance)];
}

/** Whether an object is owned by one of these: it carries all owner labels. */
export function isOwned(object: Described, owners: Owners): boolean {
    return owners.some((instance) => hasLabels(object, ownerLabels(instance)));
}

export function hasLabels(
    { metadata: { labels } }: Described,
    wanted: Readonly<Record<string, string | undefined>>,
): boolean {
    return Object.entries(wanted).every(([label, value]) => labels?.[label] === value);
}

/** Instance of the stack that an object says it belongs to. Undefined if it has no such label. */
export function ownerOf({ metadata: { labels } }: Described): string | undefined {
    return labels?.[instanceLabel];
}

/** Whether a claim or a namespace stays when the stack no longer declares it. */
export function isRetained({ metadata: { annotations } }: Described): boolean {
    return annotations?.[retainAnnotation] === "true";
}
