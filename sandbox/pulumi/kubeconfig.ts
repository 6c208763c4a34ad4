/**
 * Reads kubeconfig files as kubectl does (https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/):
 * which cluster, which credentials. What it does not cover is an error that names it.
 */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { type Json, type JsonObject, at, isObject, listAt, objectAt, textAt } from "./json.ts";
import yaml from "js-yaml";

export interface Selection {
    /** A path, several of them as in $KUBECONFIG, or the content itself. Empty: $KUBECONFIG, else ~/.kube/config. */
    kubeconfig?: string | undefined;
    context?: string | undefined;
    cluster?: string | undefined;
}

export interface Connection {
    server: string;
    namespace: string | undefined;
    ca?: Buffer;
    serverName?: string;
    insecure: boolean;
    cert?: Buffer;
    key?: Buffer;
    token?: () => string;
    exec?: JsonObject;
}

/** The context and cluster of a kubeconfig that a selection means; undefined where there is no such thing. */
export function activeCluster(
    selection: Selection,
): { context: JsonObject; cluster: JsonObject } | undefined {
    const config = load(selection.kubeconfig);
    const context = named(
        config,
        "contexts",
        "context",
        selection.context ?? textAt(config, "current-context"),
    );
    const cluster = named(config, "clusters", "cluster", selection.cluster ?? textAt(context, "cluster"));
    return context && cluster ? { context, cluster } : undefined;
}

/** Says what is wrong with a selection, or nothing. */
export function problem(selection: Selection): string | undefined {
    const config = load(selection.kubeconfig);
    const wanted = selection.context ?? textAt(config, "current-context");
    const names = listAt(config, "contexts").map((item) => textAt(item, "name"));
    if (names.length === 0) {
        return `no context in the kubeconfig (${selection.kubeconfig === undefined ? whereFrom() : "the one given"})`;
    }
    if (wanted === undefined || wanted === "") {
        return `no context chosen; the kubeconfig has: ${names.join(", ")}`;
    }
    if (!names.includes(wanted)) {
        return `context "${wanted}" is not in the kubeconfig, which has: ${names.join(", ")}`;
    }
    return activeCluster(selection)
        ? undefined
        : `context "${wanted}" names a cluster that is not in the kubeconfig`;
}

export function connect(selection: Selection): Connection {
    const active = activeCluster(selection);
    if (!active) {
        throw new Error(problem(selection) ?? "no cluster in the kubeconfig");
    }
    const { context, cluster } = active;
    const user = named(load(selection.kubeconfig), "users", "user", textAt(context, "user")) ?? {};
    refuse(cluster, "cluster", ["proxy-url"]);
    refuse(user, "user", ["auth-provider", "username", "as", "as-groups"]);
    const ca = material(cluster, "certificate-authority");
    const cert = material(user, "client-certificate");
    const key = material(user, "client-key");
    const serverName = textAt(cluster, "tls-server-name");
    const exec = at(user, "exec");
    const token = tokenOf(user);
    return {
        server: (textAt(cluster, "server") ?? "").replace(/\/+$/, ""),
        namespace: textAt(context, "namespace"),
        insecure: cluster["insecure-skip-tls-verify"] === true,
        ...(ca && { ca }),
        ...(cert && { cert }),
        ...(key && { key }),
        ...(serverName && { serverName }),
        ...(token && { token }),
        ...(isObject(exec) && { exec }),
    };
}

/** A token that is in a file may change while we run, so it is read for each request. */
function tokenOf(user: JsonObject): (() => string) | undefined {
    const file = textAt(user, "tokenFile");
    if (file !== undefined) {
        return () => readFileSync(file, "utf8").trim();
    }
    const token = textAt(user, "token");
    return token === undefined ? undefined : () => token;
}

function refuse(entry: JsonObject, what: string, keys: string[]): void {
    const found = keys.find((key) => entry[key] !== undefined);
    if (found !== undefined) {
        throw new Error(`this provider does not cover "${found}" of a kubeconfig's ${what}`);
    }
}

/** A certificate or key: in the kubeconfig itself (base64) or in a file. */
function material(entry: JsonObject, name: string): Buffer | undefined {
    const inline = textAt(entry, `${name}-data`);
    if (inline !== undefined) {
        return Buffer.from(inline, "base64");
    }
    const file = textAt(entry, name);
    return file === undefined ? undefined : readFileSync(file);
}

function named(
    config: JsonObject,
    list: string,
    key: string,
    name: string | undefined,
): JsonObject | undefined {
    const found = listAt(config, list).find((item) => textAt(item, "name") === name);
    return found === undefined ? undefined : objectAt(found, key);
}

function whereFrom(): string {
    const env = process.env.KUBECONFIG;
    return env === undefined || env === "" ? join(homedir(), ".kube", "config") : env;
}

/** All files merged: of two entries of one name the first counts. */
function load(kubeconfig: string | undefined): JsonObject {
    const source = kubeconfig === undefined || kubeconfig === "" ? whereFrom() : kubeconfig;
    if (source.includes("\n") || source.trimStart().startsWith("{")) {
        return parse(source, "the kubeconfig given", undefined);
    }
    const files = source.split(delimiter).filter((file) => file !== "");
    const found = files
        .map((file) => file.replace(/^~(?=\/|$)/, homedir()))
        .filter((file) => existsSync(file));
    if (found.length === 0 && kubeconfig !== undefined && kubeconfig !== "") {
        throw new Error(`no kubeconfig at ${source}`);
    }
    const merged: JsonObject = {};
    for (const config of found.map((file) => parse(readFileSync(file, "utf8"), file, dirname(file)))) {
        for (const list of ["clusters", "contexts", "users"]) {
            merged[list] = [...listAt(merged, list), ...listAt(config, list)];
        }
        if (textAt(merged, "current-context") === undefined && config["current-context"] !== "") {
            merged["current-context"] = config["current-context"];
        }
    }
    return merged;
}

const FILE_KEYS = ["certificate-authority", "client-certificate", "client-key", "tokenFile"];

/** Paths in a kubeconfig are relative to its folder. */
function parse(text: string, name: string, folder: string | undefined): JsonObject {
    const config = yaml.load(text) as Json | undefined;
    if (!isObject(config)) {
        throw new Error(`${name} is not a kubeconfig`);
    }
    const entries = [...listAt(config, "clusters"), ...listAt(config, "users")];
    for (const body of entries
        .flatMap((entry) => [at(entry, "cluster"), at(entry, "user")])
        .filter(isObject)) {
        for (const key of FILE_KEYS) {
            const file = body[key];
            if (typeof file === "string" && folder !== undefined && !isAbsolute(file)) {
                body[key] = join(folder, file);
            }
        }
    }
    return config;
}
