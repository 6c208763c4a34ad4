/**
 * retainData and protectData as the stack's state has them. Pulumi deletes by its state, not by the config: where the two
 * disagree, a destroy does something else than the config says. Pure: every verdict has a unit test.
 */
import { isRetained } from "../checks/ownership";
import { claimName } from "../components/storage";
import type { Resource } from "./stack";

export interface Guards {
    readonly retainData: boolean;
    readonly protectData: boolean;
}

/** A claim in the cluster. */
export interface LiveClaim {
    readonly metadata: {
        readonly name: string;
        readonly labels?: Readonly<Record<string, string>>;
        readonly annotations?: Readonly<Record<string, string>>;
    };
}

export const claimType = "kubernetes:core/v1:PersistentVolumeClaim";
export const namespaceType = "kubernetes:core/v1:Namespace";

/** Whether a destroy leaves the object of that type in the cluster. */
export function stays(state: readonly Resource[], type: string): boolean {
    return state.some((resource) => resource.type === type && resource.retainOnDelete === true);
}

/**
 * Why the stack must not be destroyed now.
 *
 * @param live the claims of the stack's namespaces.
 * @returns undefined where nothing speaks against it.
 */
export function refusal(
    config: Guards,
    state: readonly Resource[],
    live: readonly LiveClaim[],
): string | undefined {
    // The claim carries its own word where there is one; the namespace may stay for other reasons too.
    const guarded =
        state.find(({ type }) => type === claimType) ?? state.find(({ type }) => type === namespaceType);
    const protects = state.some(({ protect }) => protect === true);
    const retains = guarded ? guarded.retainOnDelete === true : (keptEarlier(live) ?? config.retainData);
    if (retains !== config.retainData) {
        return disagreeing(
            "retainData",
            config.retainData,
            `would ${retains ? "keep" : "delete"} the messages`,
        );
    }
    if (guarded && protects !== config.protectData) {
        return disagreeing("protectData", config.protectData, protects ? "is refused" : "would go through");
    }
    // Whatever a killed first up got to record.
    return protects || (config.protectData && state.length > 0)
        ? "protectData is set: claim and namespace may not be deleted. To destroy the stack all the same:\n" +
              "pulumi config set protectData false, then npm run up, then npm run down"
        : undefined;
}

/** What a claim says that an earlier destroy left: it is in no state any more. */
function keptEarlier(live: readonly LiveClaim[]): boolean | undefined {
    const own = live.find(({ metadata }) => metadata.name === claimName);
    return own && isRetained(own);
}

function disagreeing(key: string, configured: boolean, effect: string): string {
    return (
        `${key} is ${configured} in the config, but the stack's last up recorded ${!configured}: a destroy ${effect}.\n` +
        "Run npm run up first, then npm run down."
    );
}
