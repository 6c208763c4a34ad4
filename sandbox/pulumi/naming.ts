/** Types, names and ids: how a Pulumi resource and a Kubernetes object name each other. */
import { createHash, randomBytes } from "node:crypto";
import { type JsonObject, UNKNOWN, at, isObject, objectAt, textAt } from "./json.ts";
import type { Kind } from "./discovery.ts";

export const AUTONAMED = "pulumi.com/autonamed";

/** The kind that a type token such as `kubernetes:apps/v1:Deployment` stands for. Throws for what is not covered. */
export function kindOf(token: string): Kind {
    const [pkg, apiVersion = "", kind = ""] = token.split(":");
    if (pkg !== "kubernetes" || !/\/v\d/.test(apiVersion) || kind === "") {
        throw new Error(`this provider does not cover the resource type ${token}`);
    }
    if (
        apiVersion.startsWith("helm.sh/") ||
        apiVersion.startsWith("kustomize/") ||
        apiVersion.startsWith("yaml/")
    ) {
        throw new Error(
            `this provider does not cover the resource type ${token}: only plain Kubernetes objects`,
        );
    }
    if (/[a-z]Patch$/.test(kind)) {
        throw new Error(`this provider does not cover patch resources (${token})`);
    }
    if (/[a-z]List$/.test(kind)) {
        throw new Error(`${token} is a list, which cannot be made: make the objects in it one by one`);
    }
    if (kind === "CustomResourceDefinition") {
        throw new Error(`this provider does not cover ${token}: install definitions with kubectl`);
    }
    return { apiVersion: apiVersion.replace(/^core\//, ""), kind };
}

/** `namespace/name`, or the name alone for what is in no namespace. */
export function idOf(object: JsonObject): string {
    const name = textAt(object, "metadata", "name") ?? "";
    const namespace = textAt(object, "metadata", "namespace");
    return namespace === undefined ? name : `${namespace}/${name}`;
}

export function parseId(id: string): { namespace: string | undefined; name: string } {
    const parts = id.split("/");
    const name = parts.pop() ?? "";
    if (name === "" || parts.length > 1) {
        throw new Error(`"${id}" is no id of a Kubernetes object: write namespace/name, or name`);
    }
    return { namespace: parts[0], name };
}

/** What Pulumi's config says about automatic names (`pulumi:autonaming`). */
export interface Autonaming {
    proposed: string;
    disabled: boolean;
}

/** The inputs with a name: their own, else the one made earlier, else a new one; a made name is marked as such. */
export function named(
    inputs: JsonObject,
    old: JsonObject | undefined,
    resourceName: string,
    seed: Uint8Array,
    autonaming: Autonaming | undefined,
): JsonObject {
    const metadata = inputs.metadata;
    if (metadata === UNKNOWN || textAt(metadata, "name") !== undefined) {
        return inputs;
    }
    if (at(metadata, "generateName") !== undefined) {
        throw new Error("metadata.generateName is not covered: leave the name out, and one is made");
    }
    const earlier = old && isAutonamed(old) ? textAt(old, "metadata", "name") : undefined;
    if (earlier === undefined && autonaming?.disabled === true) {
        throw new Error("automatic naming is off (pulumi:autonaming), so metadata.name must be given");
    }
    const proposed = autonaming?.proposed ?? "";
    const name = earlier ?? (proposed === "" ? `${resourceName}-${suffix(seed)}` : proposed);
    const annotations = at(metadata, "annotations");
    const marked = annotations === UNKNOWN ? annotations : { ...objectAt(annotations), [AUTONAMED]: "true" };
    return { ...inputs, metadata: { ...(isObject(metadata) ? metadata : {}), name, annotations: marked } };
}

/** Eight hex digits, always the same for the engine's seed of one resource in one update. */
function suffix(seed: Uint8Array): string {
    const source = seed.length > 0 ? createHash("sha256").update(seed).digest() : randomBytes(4);
    return source.toString("hex").slice(0, 8);
}

export const isAutonamed = (inputs: JsonObject): boolean =>
    textAt(inputs, "metadata", "annotations", AUTONAMED) === "true";
