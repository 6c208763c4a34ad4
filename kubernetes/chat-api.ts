/**
 * The running api of one stack: which claim it mounts, which messages it has, whether its Service leads to it. Everything
 * goes through the API server, so no address of the app needs to be reachable.
 */
import { type Operation, operationOf, outOfServiceLabel, selectorLabels } from "../model/labels.ts";
import { objectPath } from "../model/kinds.ts";
import { claimName, containerPort, portName, serviceName, workloadName } from "../model/names.ts";
import type { StorageMode } from "../model/storage.ts";
import type { Message } from "../pods/database.ts";
import { TransientError, UserError } from "../system/errors.ts";
import type { Ended } from "../system/process.ts";
import { type Client, isTransient } from "./client.ts";
import {
    type Claim,
    type Deployment,
    type EndpointSlice,
    type Pod,
    type Service,
    claimsOf,
    isReady,
} from "./objects.ts";

/** What is known of a running api at one moment. */
export interface ApiState {
    readonly deployment: Deployment;
    /** Name of the claim that its pod mounts. Undefined with ephemeral storage. */
    readonly claim: string | undefined;
    /** How many messages it has. Undefined if it does not answer. */
    readonly messages: number | undefined;
    /** The operation that has taken it out of its Service, so that nobody can post. Undefined: it is in service. */
    readonly outOfService: TakenOut | undefined;
}

/** What has taken the api out of its Service, and where its file with the messages is. */
export interface TakenOut {
    readonly by: Operation;
    readonly namespace: string;
    readonly journal: string;
}

const waitSeconds = 60;

/** Says on the Service which journal belongs to the operation that has taken the api out of it. */
const journalAnnotation = "synergychat/journal";

export class ChatApi {
    private readonly client: Client;
    public readonly namespace: string;

    public constructor(client: Client, namespace: string) {
        this.client = client;
        this.namespace = namespace;
    }

    /** Its state. Undefined if the namespace has no api, or if the user may not read it. */
    public async state(): Promise<ApiState | undefined> {
        const [deployment, service, messages] = await Promise.all([
            this.client.findIfAllowed<Deployment>(this.path("Deployment", workloadName("api"))),
            this.client.findIfAllowed<Service>(this.path("Service", serviceName("api"))),
            this.messagesAt(this.serviceProxy()),
        ]);
        return (
            deployment && {
                deployment,
                claim: claimsOf(deployment.spec?.template?.spec)[0],
                messages: messages?.length,
                outOfService: takenOutIn(service),
            }
        );
    }

    /** The claim that its Deployment mounts. Undefined with ephemeral storage. */
    public async claim(): Promise<string | undefined> {
        const { spec } = await this.client.get<Deployment>(this.path("Deployment", workloadName("api")));
        return claimsOf(spec?.template?.spec)[0];
    }

    /** Whether that claim is being deleted: it is gone with its messages as soon as no pod mounts it. */
    public async isClaimTerminating(): Promise<boolean> {
        const name = await this.claim();
        const path = name === undefined ? undefined : this.path("PersistentVolumeClaim", name);
        const claim = path === undefined ? undefined : await this.client.find<Claim>(path);
        return claim?.metadata.deletionTimestamp !== undefined;
    }

    /** The storage mode that its Deployment has. */
    public async mode(): Promise<StorageMode> {
        return (await this.claim()) === undefined ? "ephemeral" : "persistent";
    }

    /** UID of its namespace, which distinguishes this installation from every other. */
    public async installation(): Promise<string> {
        const path = objectPath("Namespace", this.namespace);
        return (await this.client.get<{ metadata: { uid: string } }>(path)).metadata.uid;
    }

    /** UID of the claim that the stack makes. Undefined if there is none. */
    public async ownClaimUid(): Promise<string | undefined> {
        return (await this.client.find<Claim>(this.path("PersistentVolumeClaim", claimName)))?.metadata.uid;
    }

    /** The messages behind a path of `serviceProxy` or `podProxy`. Undefined if nothing there answers. */
    public async messagesAt(proxy: string): Promise<readonly Message[] | undefined> {
        const answer = await this.client.read<readonly Message[]>(`${proxy}/messages`);
        return answer.kind === "found" && Array.isArray(answer.body) ? answer.body : undefined;
    }

    /** As `messagesAt`, and waits until the api answers: a Service hears of a new pod a moment after it is ready. */
    public waitForMessages(proxy: string, seconds: number): Promise<readonly Message[]> {
        return this.wait("the api answers /messages", () => this.messagesAt(proxy), seconds);
    }

    /** Posts a message to a path of `serviceProxy` or `podProxy`. */
    public async postTo(proxy: string, { AuthorUsername, Text }: Message): Promise<void> {
        const answer = await this.client.post(`${proxy}/messages`, { AuthorUsername, Text });
        if (answer.kind !== "found") {
            const problem = `POST /messages failed: ${answer.message}`;
            throw isTransient(answer) ? new TransientError(problem) : new UserError(problem);
        }
    }

    /** Where its Service answers, through the API server. */
    public serviceProxy(): string {
        return `${this.path("Service", serviceName("api"))}:${portName}/proxy`;
    }

    /** Where a pod answers, through the API server. */
    public podProxy(pod: string, port = containerPort): string {
        return `/api/v1/namespaces/${this.namespace}/pods/${pod}:${port}/proxy`;
    }

    /** All messages of its ready pod, whether its Service leads to it or not. */
    public read(): Promise<readonly Message[]> {
        return this.wait("the api returns its messages", async () => {
            const pod = (await this.pods()).find(isReady);
            return pod && this.messagesAt(this.podProxy(pod.metadata.name, servedPort(pod)));
        });
    }

    /** Name of its running pod, once there is one. With a torn file, it runs and is not ready. */
    public runningPod(): Promise<string> {
        return this.wait("the api has a running pod", async () => {
            const pods = await this.pods();
            return (pods.find(isReady) ?? pods.find(isApiRunning))?.metadata.name;
        });
    }

    /** Whether its image has a shell, by which its file can be read and replaced. */
    public async hasShell(): Promise<boolean> {
        return (await this.shell("true")).status === 0;
    }

    /** The text of its file, torn or not. Needs a shell. */
    public async readFile(): Promise<string> {
        const { status, stdout, stderr } = await this.shell('cat "$API_DB_FILEPATH"');
        if (status !== 0) {
            throw new UserError(`The api's file cannot be read: ${stderr.trim()}`);
        }
        return stdout;
    }

    /** Replaces its file, whole or not at all. Only while nobody posts. Needs a shell. */
    public async replaceFile(text: string): Promise<void> {
        // Input that was cut short, for example by a kill of kubectl, ends like input that is complete.
        const isWhole = `[ "$(wc -c < "$f.part")" -eq ${Buffer.byteLength(text)} ]`;
        const script = `f="$API_DB_FILEPATH" && cat > "$f.part" && ${isWhole} && sync && mv "$f.part" "$f" && sync`;
        const { status, stderr } = await this.shell(script, text);
        if (status !== 0) {
            throw new UserError(`The api's file cannot be written: ${stderr.trim()}`);
        }
    }

    /** What has taken the api out of its Service. Undefined if it is in service. */
    public async takenOut(): Promise<TakenOut | undefined> {
        return takenOutIn(await this.client.get<Service>(this.path("Service", serviceName("api"))));
    }

    /**
     * Takes the api out of its Service and waits until it is. New connections no longer reach it, while the pod runs on and
     * can be read. The selector's label is not Pulumi's field, so neither `pulumi up` nor a refresh removes it. An annotation
     * says where the operation's journal is, for people who find the api like that.
     */
    public async takeOutOfService(operation: Operation, journal: string): Promise<void> {
        // Checked before anything changes: without this permission, the end of the wait could not be seen.
        await this.isServed();
        await this.patchService(operation, journal);
        await this.waitUntilServed(false);
    }

    /** Puts the api back into its Service and waits until the Service leads to it. */
    public async putBackIntoService(): Promise<void> {
        await this.patchService(null, null);
        await this.waitUntilServed(true);
    }

    /** As `putBackIntoService`, without the wait: the api may have no ready pod. */
    public async undoTakeOut(): Promise<void> {
        await this.patchService(null, null);
    }

    /** Deletes its pod, so that open connections end. On ephemeral storage, the messages are deleted with it. */
    public async restart(): Promise<void> {
        const pods = await this.pods();
        for (const { metadata } of pods) {
            await this.client.deleteIfThere(`/api/v1/namespaces/${this.namespace}/pods/${metadata.name}`);
        }
        const old = new Set(pods.map(({ metadata }) => metadata.uid));
        await this.wait("the api's old pod is gone", async () => {
            return !(await this.pods()).some(({ metadata }) => old.has(metadata.uid));
        });
    }

    /** Whether it has a pod that is ready. */
    public async isReady(): Promise<boolean> {
        return (await this.pods()).some(isReady);
    }

    /** Its pods, ready or not. */
    public pods(): Promise<readonly Pod[]> {
        const selector = encodeURIComponent(`app=${selectorLabels("api").app ?? ""}`);
        return this.client.list<Pod>(`/api/v1/namespaces/${this.namespace}/pods?labelSelector=${selector}`);
    }

    private async shell(script: string, input?: string): Promise<Ended> {
        const container = { pod: await this.runningPod(), container: workloadName("api") };
        return this.client.exec(this.namespace, container, ["sh", "-c", script], input);
    }

    private async waitUntilServed(served: boolean): Promise<void> {
        const what = `Service ${serviceName("api")} ${served ? "leads" : "no longer leads"} to the api`;
        await this.wait(what, async () => (await this.isServed()) === served);
    }

    private async isServed(): Promise<boolean> {
        const selector = encodeURIComponent(`kubernetes.io/service-name=${serviceName("api")}`);
        const slices = await this.client.list<EndpointSlice>(
            `/apis/discovery.k8s.io/v1/namespaces/${this.namespace}/endpointslices?labelSelector=${selector}`,
        );
        return slices.some(({ endpoints }) => (endpoints ?? []).length > 0);
    }

    private async patchService(selector: Operation | null, journal: string | null): Promise<void> {
        const path = this.path("Service", serviceName("api"));
        const patch = {
            metadata: { annotations: { [journalAnnotation]: journal } },
            spec: { selector: { [outOfServiceLabel]: selector } },
        };
        this.client.bodyOf(await this.client.patch(path, patch, "application/merge-patch+json"), path);
    }

    private wait<T>(
        what: string,
        ask: () => Promise<T | undefined | false>,
        seconds = waitSeconds,
    ): Promise<T> {
        const advice = `kubectl get pods,events --namespace ${this.namespace}`;
        return this.client.waitUntil(what, ask, seconds, advice);
    }

    private path(kind: string, name: string): string {
        return objectPath(kind, name, this.namespace);
    }
}

function takenOutIn(service: Service | undefined): TakenOut | undefined {
    const by = operationOf(service?.spec?.selector);
    const { namespace = "", annotations = {} } = service?.metadata ?? {};
    return by && { by, namespace, journal: annotations[journalAnnotation] ?? "unknown" };
}

/** The container port that the Service uses. Network policies allow connections to no other port of the pod. */
function servedPort({ spec }: Pod): number | undefined {
    const { initContainers = [], containers = [] } = spec ?? {};
    const ports = [...initContainers, ...containers].flatMap((container) => container.ports ?? []);
    return ports.find(({ name }) => name === portName)?.containerPort;
}

/** Whether the api's container of a pod runs, ready or not. */
function isApiRunning({ metadata, status }: Pod): boolean {
    const api = (status?.containerStatuses ?? []).find(({ name }) => name === workloadName("api"));
    return metadata.deletionTimestamp === undefined && api?.state?.running !== undefined;
}
