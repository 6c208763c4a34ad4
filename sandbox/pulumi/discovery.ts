/** Which address the API server serves a kind at (https://kubernetes.io/docs/reference/using-api/api-concepts/). */
import { type KubeClient, isStatus } from "./client.ts";
import { type JsonObject, isObject, listAt, textAt } from "./json.ts";

export interface Kind {
    apiVersion: string;
    kind: string;
}

export interface Resource extends Kind {
    namespaced: boolean;
    plural: string;
}

/** The API server does not serve this kind: most often a custom resource whose definition is not installed. */
export class UnknownKindError extends Error {
    constructor(kind: Kind) {
        super(
            `the cluster does not know ${kind.kind} of ${kind.apiVersion}: ` +
                "where it is a custom resource, its definition (CRD) must be installed first",
        );
    }
}

export class Discovery {
    readonly #client: KubeClient;
    readonly #known = new Map<string, Promise<JsonObject[]>>();

    constructor(client: KubeClient) {
        this.#client = client;
    }

    async find(kind: Kind): Promise<Resource> {
        const resources = await this.#resources(kind.apiVersion);
        const found = resources.find(
            (item) => item.kind === kind.kind && textAt(item, "name")?.includes("/") === false,
        );
        if (!found) {
            this.#known.delete(kind.apiVersion);
            throw new UnknownKindError(kind);
        }
        const { apiVersion, kind: name } = kind;
        return {
            apiVersion,
            kind: name,
            namespaced: found.namespaced === true,
            plural: textAt(found, "name") ?? "",
        };
    }

    /** Asked once a group; a failure is not kept, since a definition may be installed meanwhile. */
    #resources(apiVersion: string): Promise<JsonObject[]> {
        const known = this.#known.get(apiVersion);
        if (known) {
            return known;
        }
        const asked = this.#client.get(groupPath(apiVersion)).then(
            (list) => listAt(list, "resources").filter(isObject),
            (error: unknown) => {
                this.#known.delete(apiVersion);
                if (isStatus(error, 404)) {
                    return [];
                }
                throw error;
            },
        );
        this.#known.set(apiVersion, asked);
        return asked;
    }
}

const groupPath = (apiVersion: string): string =>
    apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

export function listPath(resource: Resource, namespace: string | undefined): string {
    const scope = resource.namespaced ? `/namespaces/${encodeURIComponent(namespace ?? "default")}` : "";
    return `${groupPath(resource.apiVersion)}${scope}/${resource.plural}`;
}

export function objectPath(resource: Resource, namespace: string | undefined, name: string): string {
    return `${listPath(resource, namespace)}/${encodeURIComponent(name)}`;
}
