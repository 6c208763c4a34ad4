/** The destroy plan: the stack's namespaces, and the data that would be deleted or kept with them. */
import { type ApiState, ChatApi } from "../../../kubernetes/chat-api.ts";
import type { Client } from "../../../kubernetes/client.ts";
import type { Claim, LiveObject, Pod, Volume } from "../../../kubernetes/objects.ts";
import { earlierVolumes, volumesPath } from "../../../kubernetes/volumes.ts";
import { kindOf, listPath, objectPath } from "../../../model/kinds.ts";
import { backupsClaimName } from "../../../model/names.ts";
import { isOwned } from "../../../model/ownership.ts";
import { countMessages } from "../../../preflight/text.ts";
import { guardedTypes, isKeptByState, knownOutputs, recordedIn } from "../../../pulumi/state.ts";
import type { Session } from "../../session.ts";

/** What a destroy would do. */
export interface DestroyPlan {
    readonly open: Session;
    readonly client: Client;
    /** retainData in the config. */
    readonly retainData: boolean;
    /** protectData in the config. */
    readonly protectData: boolean;
    /** The stack's namespaces: one, or more after a run that was killed on the way from one to another. */
    readonly places: readonly Place[];
    /** Every claim in them, with its volume, and the volumes of earlier claims. */
    readonly data: readonly Data[];
}

/** A namespace of the stack with its content. */
export interface Place {
    readonly namespace: string;
    /** Undefined: there is no such namespace. */
    readonly found: LiveObject | undefined;
    readonly claims: readonly Claim[];
    readonly pods: readonly Pod[];
    readonly api: ApiState | undefined;
}

/** A claim and its volume as they were before the destroy. */
export interface Data {
    readonly namespace: string;
    readonly claim: string;
    /** Whether the claim had been deleted before, and its volume alone was still there. */
    readonly isEarlier: boolean;
    /** Name of the volume. Undefined: none is bound. */
    readonly volume: string | undefined;
    /** Folder on the node, if the volume is one. */
    readonly folder: string | undefined;
    /** Whether a destroy leaves it in the cluster. */
    readonly kept: boolean;
    /** What it holds, in words. */
    readonly held: string;
}

/** Makes the plan. Nothing changes. */
export async function planDestroy(open: Session): Promise<DestroyPlan> {
    const { state, client, settings } = open;
    const { namespace, retainData, protectData } = settings;
    const namespaces = new Set([
        knownOutputs(state)?.namespaceName ?? namespace,
        ...recordedIn(state).namespaces,
    ]);
    const places = await Promise.all([...namespaces].map((name) => placeOf(client, name)));
    const plan = { open, client, retainData, protectData, places };
    return { ...plan, data: [...(await dataOf(plan)), ...(await earlierData(plan))] };
}

/** Whether the namespace stays, and with it the claims in it that the stack does not own. */
export function keepsNamespace({ retainData, open }: Pick<DestroyPlan, "retainData" | "open">): boolean {
    return retainData || isKeptByState(open.state, guardedTypes.namespace);
}

/** The claims of a namespace. */
export function claimsIn(client: Client, namespace: string): Promise<readonly Claim[]> {
    return client.list(listPath(kindOf("PersistentVolumeClaim"), namespace));
}

/** The pods of a namespace. */
export function podsIn(client: Client, namespace: string): Promise<readonly Pod[]> {
    return client.list(`/api/v1/namespaces/${namespace}/pods`);
}

/** A volume by its name. */
export function volumeNamed(client: Client, name: string): Promise<Volume | undefined> {
    return client.find(`/api/v1/persistentvolumes/${name}`);
}

async function placeOf(client: Client, namespace: string): Promise<Place> {
    const [found, claims, pods, api] = await Promise.all([
        client.find<LiveObject>(objectPath("Namespace", namespace)),
        claimsIn(client, namespace),
        podsIn(client, namespace),
        new ChatApi(client, namespace).state(),
    ]);
    return { namespace, found, claims, pods, api };
}

/** A claim that the stack owns is deleted with the stack, any other one with the namespace. */
function dataOf(plan: Omit<DestroyPlan, "data">): Promise<readonly Data[]> {
    const { client, open, retainData, places } = plan;
    const claims = places.flatMap(({ claims, api }) => claims.map((claim) => ({ claim, api })));
    return Promise.all(
        claims.map(async ({ claim, api }) => {
            const { name, namespace = "" } = claim.metadata;
            const volume = claim.spec?.volumeName;
            const isCounted = name === api?.claim && api.messages !== undefined;
            return {
                namespace,
                claim: name,
                isEarlier: false,
                volume,
                folder: volume && (await volumeNamed(client, volume))?.spec?.hostPath?.path,
                kept: isOwned(claim, open.owners) ? retainData : keepsNamespace(plan),
                held:
                    name === backupsClaimName
                        ? "all backups"
                        : isCounted
                          ? countMessages(api.messages)
                          : "data that cannot be counted",
            };
        }),
    );
}

/** No destroy deletes these volumes, so all but those of reclaim policy Retain should be gone already. */
async function earlierData({
    client,
    places,
    retainData,
}: Omit<DestroyPlan, "data">): Promise<readonly Data[]> {
    const volumes = earlierVolumes(
        await client.list<Volume>(volumesPath),
        places.map(({ namespace, claims }) => ({ name: namespace, claims })),
    );
    return volumes.map(({ metadata, spec }) => ({
        namespace: spec?.claimRef?.namespace ?? "",
        claim: spec?.claimRef?.name ?? "",
        isEarlier: true,
        volume: metadata.name,
        folder: spec?.hostPath?.path,
        kept: retainData || spec?.persistentVolumeReclaimPolicy === "Retain",
        held: "data that cannot be counted",
    }));
}
