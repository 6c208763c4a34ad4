import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import type * as k8s from "@pulumi/kubernetes";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/index.js";
import * as pulumi from "@pulumi/pulumi";
import { toolPaths, toolsConfigMapName } from "../model/names.ts";
import { type PlaceArgs, metadata } from "./place.ts";

/** What a pod needs to run the programs of folder pods/. */
export interface ToolsImage {
    /** Reference of an image with Node.js 24 or newer. */
    readonly image: pulumi.Input<string>;
    /** Name of the ConfigMap with the programs. */
    readonly configMap: pulumi.Input<string>;
}

/** The programs of folder pods/ in a ConfigMap: Node.js runs them from there, so no image has to be built. */
export class Tools extends pulumi.ComponentResource {
    public readonly configMap: k8s.core.v1.ConfigMap;

    public constructor(name: string, args: PlaceArgs, opts?: pulumi.ComponentResourceOptions) {
        super("synergychat:index:Tools", name, {}, opts);

        this.configMap = new ConfigMap(
            `${name}-configmap`,
            { metadata: metadata(args, toolsConfigMapName), data: toolFiles() },
            { parent: this },
        );
        this.registerOutputs({});
    }
}

/** The volume with the programs, in every pod that runs one. */
const toolsVolumeName = "synergychat-tools";

export function toolsVolume({ configMap }: ToolsImage): k8s.types.input.core.v1.Volume {
    return { name: toolsVolumeName, configMap: { name: configMap } };
}

/** Where a container has the programs. */
export const toolsMount: k8s.types.input.core.v1.VolumeMount = {
    name: toolsVolumeName,
    mountPath: toolPaths.code,
    readOnly: true,
};

/**
 * A checksum of programs and of all files that they import: a pod that runs them must be replaced if one changes.
 *
 * @param programs file names.
 */
export function toolsChecksum(programs: readonly string[], files = toolFiles()): string {
    const needed = new Set(programs);
    // A set also visits what is added to it on the way.
    for (const name of needed) {
        for (const [, imported = ""] of (files[name] ?? "").matchAll(/ from "\.\/([\w.]+)"/g)) {
            needed.add(imported);
        }
    }
    const content = [...needed].sort().map((name) => [name, files[name]]);
    return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

let stripped: Record<string, string> | undefined;

/** Every program by its file name, without types: to strip them in the pod would take longer than the rest of the guard's start. */
export function toolFiles(): Record<string, string> {
    return (stripped ??= readPrograms());
}

function readPrograms(): Record<string, string> {
    const folder = join(import.meta.dirname, "..", "pods");
    const names = readdirSync(folder).filter((name) => /\.(ts|sh)$|^package\.json$/.test(name));
    const emitWarning = process.emitWarning.bind(process);
    process.emitWarning = () => undefined; // What strips the types still counts as experimental.
    const files = names.sort().map((name) => {
        const text = readFileSync(join(folder, name), "utf8");
        const plain = name.endsWith(".ts") ? stripTypeScriptTypes(text).replaceAll(/ +$/gm, "") : text;
        return [name, plain].map((one) => one.replaceAll(/\b(\w+)\.ts\b/g, "$1.js"));
    });
    process.emitWarning = emitWarning;
    return Object.fromEntries(files) as Record<string, string>;
}
