/** The running api, reached through the API server: no address of the app's needs to be reachable. */
import { spawnSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer, Connection } from "../cluster/kubectl";
import { outOfService } from "../components/labels";
import type { Message } from "./messages";
import { UserError } from "./process";

const apiPods = "labelSelector=app%3Dsynergychat-api";
const patience = 60; // tries, one a second
const quiet = 2000; // ms in which no message may come, for a copy to count

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

interface Slice {
    readonly endpoints: readonly { readonly conditions?: { readonly ready?: boolean } }[] | null;
}

/** The api of one stack. */
export class RunningApi {
    public constructor(
        private readonly cluster: Connection,
        private readonly namespace: string,
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
        const answer = await this.cluster.read(path);
        return answer.kind === "found"
            ? (answer.body as { metadata: { uid: string } }).metadata.uid
            : undefined;
    }

    /**
     * Takes the api out of its Service, or puts it back. Out of it nobody posts a message any more, while the pod runs
     * on and can be read. The mark is kubectl's, so neither `pulumi up` nor a refresh takes it away.
     */
    public async serve(on: boolean): Promise<void> {
        // Asked before anything is changed: who may not ask this could not tell how it ended.
        await this.isServed();
        const patch = { spec: { selector: { [outOfService]: on ? null : "true" } } };
        const args = ["patch", "service", "api-service", "--type=merge", `--patch=${JSON.stringify(patch)}`];
        if (this.kubectl(args) === undefined) {
            throw new UserError(`The Service api-service in namespace ${this.namespace} cannot be changed.`);
        }
        await until(`the Service api-service ${on ? "leads" : "no longer leads"} to the api`, async () => {
            return (await this.isServed()) === on || undefined;
        });
    }

    /** Whether its Service leads to a pod. */
    private async isServed(): Promise<boolean> {
        const path = `/apis/discovery.k8s.io/v1/namespaces/${this.namespace}/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dapi-service`;
        const { items } = await this.must<{ items: readonly Slice[] }>(path);
        return items.some(({ endpoints }) => (endpoints ?? []).length > 0);
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

    private async read(): Promise<readonly Message[]> {
        return until("the api gives its messages", async () => {
            const pod = await this.findPod();
            const path = `/api/v1/namespaces/${this.namespace}/pods/${pod ?? ""}:8080/proxy/messages`;
            const answer = pod === undefined ? undefined : await this.cluster.read(path);
            return answer?.kind === "found" ? (answer.body as readonly Message[]) : undefined;
        });
    }

    /** Whether its image has a shell, by which its file can be written. */
    public async hasShell(): Promise<boolean> {
        return this.kubectl(["exec", await this.pod(), "--", "sh", "-c", "true"]) !== undefined;
    }

    /** Writes its file, whole or not at all. Only while nobody posts. Needs a shell. */
    public async replaceFile(messages: readonly Message[]): Promise<void> {
        const text = JSON.stringify(messages);
        // Input that was cut short, as by a kill of kubectl, ends like input that is complete.
        const whole = `[ "$(wc -c < "$f.part")" -eq ${Buffer.byteLength(text)} ]`;
        const script = `f="$API_DB_FILEPATH" && cat > "$f.part" && ${whole} && sync && mv "$f.part" "$f"`;
        const args = ["exec", "--stdin", await this.pod(), "--", "sh", "-c", script];
        if (this.kubectl(args, text) === undefined) {
            throw new UserError("The api's file cannot be written: see kubectl describe pod.");
        }
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
                throw new UserError(`POST /messages failed: ${reasonOf(answer)}`);
            }
            progress(index + 1);
        }
    }

    /** Its one pod that is ready. */
    private pod(): Promise<string> {
        return until("the api has a pod that is ready", () => this.findPod());
    }

    private async findPod(): Promise<string | undefined> {
        const path = `/api/v1/namespaces/${this.namespace}/pods?${apiPods}`;
        const { items } = await this.must<{ items: readonly Pod[] }>(path);
        return items.find(
            ({ metadata, status }) =>
                !metadata.deletionTimestamp &&
                status.conditions?.some(
                    (condition) => condition.type === "Ready" && condition.status === "True",
                ),
        )?.metadata.name;
    }

    private async must<T>(path: string): Promise<T> {
        const answer = await this.cluster.read(path);
        if (answer.kind === "found") {
            return answer.body as T;
        }
        const { context } = this.cluster.target;
        throw new UserError(`The cluster of context ${context} does not give ${path}: ${reasonOf(answer)}`);
    }

    /** What kubectl prints, or undefined when it fails. */
    private kubectl(args: readonly string[], input = ""): string | undefined {
        const where = ["--context", this.cluster.target.context, "--namespace", this.namespace];
        const options = { env: { ...this.cluster.target.env }, input, encoding: "utf8" as const };
        const { status, stdout } = spawnSync("kubectl", [...where, ...args], options);
        return status === 0 ? stdout : undefined;
    }
}

function reasonOf(answer: Exclude<Answer, { kind: "found" }>): string {
    return answer.kind === "not found" ? "not found" : answer.message;
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
