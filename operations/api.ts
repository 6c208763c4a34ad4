/** The running api, reached through the API server: no address of the app's needs to be reachable. */
import { setTimeout as sleep } from "node:timers/promises";
import { listOf, objectAt } from "../cluster/facts";
import type { ApiObject, Connection } from "../cluster/kubectl";
import { outOfService } from "../components/labels";
import type { Message } from "./messages";
import { type Ended, UserError, attempt } from "./process";

const patience = 60; // tries, one a second
/**
 * How long no message may come, for a copy to count, in ms: /stats is answered within 5 s.
 * Source: https://github.com/bootdotdev/synergychat/blob/main/cmd/api/slash.go
 */
const quiet = 6000;

/** Where the journal of the switch is that has taken the api out of its Service: for people who find it like that. */
const journalAnnotation = "synergychat/switch-journal";

interface Pod {
    readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
    readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

interface Deployment {
    readonly spec: {
        readonly template: {
            readonly spec: {
                readonly volumes?: readonly {
                    readonly persistentVolumeClaim?: { readonly claimName: string };
                }[];
            };
        };
    };
}

interface Service {
    readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
    readonly spec: { readonly selector: Readonly<Record<string, string>> };
}

interface Slice {
    readonly endpoints: readonly { readonly conditions?: { readonly ready?: boolean } }[] | null;
}

/** The api of one stack. */
export class RunningApi {
    public constructor(
        private readonly cluster: Connection,
        public readonly namespace: string,
    ) {}

    /** The claim that its Deployment mounts now, whatever a config says; undefined with ephemeral storage. */
    public async claim(): Promise<string | undefined> {
        const { spec } = await this.must<Deployment>(
            `/apis/apps/v1/namespaces/${this.namespace}/deployments/synergychat-api`,
        );
        const volumes = spec.template.spec.volumes ?? [];
        return volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? [])[0];
    }

    /** The storage mode that its Deployment has now. */
    public async mode(): Promise<"persistent" | "ephemeral"> {
        return (await this.claim()) === undefined ? "ephemeral" : "persistent";
    }

    /** UID of the namespace, which tells one installation from every other. */
    public async installation(): Promise<string> {
        return (await this.must<{ metadata: { uid: string } }>(`/api/v1/namespaces/${this.namespace}`))
            .metadata.uid;
    }

    /** UID of a claim, or undefined where there is none of that name. */
    public async claimUid(name: string): Promise<string | undefined> {
        const path = `/api/v1/namespaces/${this.namespace}/persistentvolumeclaims/${name}`;
        return (await objectAt<ApiObject>(this.cluster, path))?.metadata.uid;
    }

    /** Where the journal is of the switch that has taken the api out of its Service; undefined where it is in it. */
    public async takenOutBy(): Promise<string | undefined> {
        const { metadata, spec } = await this.must<Service>(
            `/api/v1/namespaces/${this.namespace}/services/api-service`,
        );
        return outOfService in spec.selector
            ? (metadata.annotations?.[journalAnnotation] ?? "nobody knows where")
            : undefined;
    }

    /**
     * Takes the api out of its Service, and waits until it is. Nobody posts a message any more who does not do so already,
     * while the pod runs on and can be read. The mark is kubectl's, so neither `pulumi up` nor a refresh takes it away.
     *
     * @param journal where the switch's journal is.
     */
    public async takeOut(journal: string): Promise<void> {
        // Asked before anything is changed: who may not ask this could not tell how it ended.
        await this.isServed();
        this.mark("true", journal);
        await this.untilServed(false);
    }

    /** Puts the api back into its Service, which leads to it once it is ready. */
    public putBack(): void {
        this.mark(null, null);
    }

    /** Waits until its Service leads to a pod, or to none. */
    public async untilServed(on: boolean): Promise<void> {
        await until(`the Service api-service ${on ? "leads" : "no longer leads"} to the api`, async () => {
            return (await this.isServed()) === on || undefined;
        });
    }

    private mark(selector: "true" | null, journal: string | null): void {
        const patch = {
            metadata: { annotations: { [journalAnnotation]: journal } },
            spec: { selector: { [outOfService]: selector } },
        };
        const args = ["patch", "service", "api-service", "--type=merge", `--patch=${JSON.stringify(patch)}`];
        this.mustRun("The Service api-service cannot be changed", args);
    }

    /** Ends its pod: whoever was connected to that is not connected to the next. Only with a claim. */
    public restart(): void {
        const args = ["delete", "pod", "--selector=app=synergychat-api", "--timeout=90s"];
        this.mustRun("The api's pod cannot be deleted", args);
    }

    /** Whether its Service leads to a pod. */
    private async isServed(): Promise<boolean> {
        const path = `/apis/discovery.k8s.io/v1/namespaces/${this.namespace}/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dapi-service`;
        const slices = await listOf<Slice>(this.cluster, path);
        return slices.some(({ endpoints }) => (endpoints ?? []).length > 0);
    }

    /** All its messages, once no more of them come. */
    public async messages(): Promise<readonly Message[]> {
        let before = await this.read();
        for (;;) {
            await sleep(quiet);
            const after = await this.read();
            if (after.length === before.length) {
                return after;
            }
            before = after;
        }
    }

    /** All its messages as they are now. */
    public async read(): Promise<readonly Message[]> {
        return until("the api gives its messages", async () => {
            const pod = await this.findPod();
            const path = `/api/v1/namespaces/${this.namespace}/pods/${pod ?? ""}:8080/proxy/messages`;
            const answer = pod === undefined ? undefined : await this.cluster.read(path);
            const isList = answer?.kind === "found" && Array.isArray(answer.body);
            return isList ? (answer.body as readonly Message[]) : undefined;
        });
    }

    /** Whether it has a pod that is ready. */
    public async isReady(): Promise<boolean> {
        return (await this.findPod()) !== undefined;
    }

    /** Whether its image has a shell, by which its file can be written. */
    public async hasShell(): Promise<boolean> {
        return this.kubectl(["exec", await this.pod(), "--", "sh", "-c", "true"]).status === 0;
    }

    /** Writes its file, whole or not at all. Only while nobody posts. Needs a shell. */
    public async replaceFile(messages: readonly Message[]): Promise<void> {
        const text = JSON.stringify(messages);
        // Input that was cut short, as by a kill of kubectl, ends like input that is complete.
        const whole = `[ "$(wc -c < "$f.part")" -eq ${Buffer.byteLength(text)} ]`;
        const script = `f="$API_DB_FILEPATH" && cat > "$f.part" && ${whole} && sync && mv "$f.part" "$f" && sync`;
        const args = ["exec", "--stdin", await this.pod(), "--", "sh", "-c", script];
        this.mustRun("The api's file cannot be written", args, text);
    }

    /**
     * Posts messages one after the other, each when the one before is stored: two at once can lose one.
     *
     * @param progress hears how many are posted.
     */
    public async post(messages: readonly Message[], progress: (done: number) => void): Promise<void> {
        const path = `/api/v1/namespaces/${this.namespace}/pods/${await this.pod()}:8080/proxy/messages`;
        for (const [index, { AuthorUsername, Text }] of messages.entries()) {
            const answer = await this.cluster.post(path, { AuthorUsername, Text });
            if (answer.kind !== "found") {
                const reason = answer.kind === "not found" ? "not found" : answer.message;
                throw new UserError(`POST /messages failed: ${reason}`);
            }
            progress(index + 1);
        }
    }

    /** Its one pod that is ready. */
    private pod(): Promise<string> {
        return until("the api has a pod that is ready", () => this.findPod());
    }

    private async findPod(): Promise<string | undefined> {
        const path = `/api/v1/namespaces/${this.namespace}/pods?labelSelector=app%3Dsynergychat-api`;
        const pods = await listOf<Pod>(this.cluster, path);
        return pods.find(
            ({ metadata, status }) =>
                !metadata.deletionTimestamp &&
                status.conditions?.some(
                    (condition) => condition.type === "Ready" && condition.status === "True",
                ),
        )?.metadata.name;
    }

    private async must<T>(path: string): Promise<T> {
        const found = await objectAt<T>(this.cluster, path);
        if (found === undefined) {
            throw new UserError(`The cluster of context ${this.cluster.target.context} has no ${path}`);
        }
        return found;
    }

    /** @param problem what it means when it fails. */
    private mustRun(problem: string, args: readonly string[], input?: string): void {
        const { status, stderr } = this.kubectl(args, input);
        if (status !== 0) {
            throw new UserError(`${problem} (namespace ${this.namespace}): ${stderr.trim()}`);
        }
    }

    private kubectl(args: readonly string[], input?: string): Ended {
        const { context, env = process.env } = this.cluster.target;
        const where = ["--context", context, "--namespace", this.namespace];
        return attempt("kubectl", [...where, ...args], env, input);
    }
}

/** Asks once a second until there is an answer. */
async function until<T>(what: string, ask: () => T | undefined | Promise<T | undefined>): Promise<T> {
    for (let attempt = 0; attempt < patience; attempt++) {
        const answer = await ask();
        if (answer !== undefined) {
            return answer;
        }
        await sleep(1000);
    }
    throw new UserError(`Waited a minute in vain until ${what}. See: kubectl get pods,events`);
}
