/** The backups of one stack: made by Jobs from its CronJob, listed and read by a pod that mounts their claim. */
import { objectPath } from "../model/kinds";
import { backupName } from "../model/names";
import { UserError } from "../system/errors";
import type { Client } from "./client";
import { type JobEnd, runJob } from "./jobs";
import type { Container, CronJob, PodSpec } from "./objects";

/** A backup, as the programs in folder pods/ print it. */
export interface Backup {
    /** File name. */
    readonly name: string;
    /** When it was made, as ISO 8601. */
    readonly time: string;
    /** Size in bytes. */
    readonly size: number;
    /** How many messages it has. */
    readonly messages: number;
    /** Why it was made. */
    readonly reason: string;
    /** Whether the api's own image has returned all of them from a copy. */
    readonly proven: boolean;
}

/** Why a backup is made by a command. */
export type BackupReason = "manual" | "before-restore" | "before-switch" | "before-down";

const makeSeconds = 600;
const readSeconds = 180;
const program = "/opt/synergychat/backup.ts";

/** The backups of a stack that has some. */
export class Backups {
    private constructor(
        private readonly client: Client,
        private readonly namespace: string,
        private readonly cronJob: CronJob,
    ) {}

    /** The backups in a namespace. Undefined if its stack makes none. */
    public static async find(client: Client, namespace: string): Promise<Backups | undefined> {
        const cronJob = await client.findIfAllowed<CronJob>(objectPath("CronJob", backupName, namespace));
        return cronJob && new Backups(client, namespace, cronJob);
    }

    /**
     * Makes a backup and proves it.
     *
     * @throws UserError with the reason of the pod, if that fails. What it has copied is then not proven.
     */
    public async make(reason: BackupReason): Promise<Backup> {
        const template = this.template();
        const end = await this.run(reason, makeSeconds, {
            ...template,
            initContainers: (template.initContainers ?? []).map((one) => withReason(one, reason)),
            containers: (template.containers ?? []).map((one) => withReason(one, reason)),
        });
        return JSON.parse(this.logOf(end, "A backup could not be made")) as Backup;
    }

    /**
     * All backups, the newest first.
     *
     * @throws UserError if they cannot be read.
     */
    public async list(): Promise<readonly Backup[]> {
        return JSON.parse(await this.print("list")) as readonly Backup[];
    }

    /**
     * The text of a backup.
     *
     * @throws UserError if there is none of that name, or if it is damaged.
     */
    public read(name: string): Promise<string> {
        return this.print("read", name);
    }

    private async print(...words: readonly string[]): Promise<string> {
        const template = this.template();
        const [prove] = template.containers ?? [];
        const end = await this.run("read", readSeconds, {
            ...template,
            initContainers: [],
            containers: [{ ...prove, command: ["node", program, ...words] }],
        });
        return this.logOf(end, "The backups cannot be read");
    }

    private run(purpose: string, seconds: number, spec: PodSpec): Promise<JobEnd> {
        const { jobTemplate } = this.cronJob.spec ?? {};
        const labels = (jobTemplate?.spec?.template?.metadata?.labels ?? {}) as Record<string, string>;
        const job = {
            name: `${backupName}-${purpose}-${Date.now().toString(36)}`,
            labels,
            owner: this.cronJob,
            spec: {
                ...jobTemplate?.spec,
                backoffLimit: 0,
                template: { ...jobTemplate?.spec?.template, spec },
            },
        };
        return runJob(this.client, this.namespace, job, { seconds, container: "prove" });
    }

    private template(): PodSpec {
        return this.cronJob.spec?.jobTemplate?.spec?.template?.spec ?? {};
    }

    private logOf(end: JobEnd, failure: string): string {
        if (!end.ok) {
            throw new UserError(
                `${failure}: ${end.reason}\n  See its pods:  kubectl get pods --namespace ${this.namespace} --selector app=${backupName}`,
            );
        }
        return end.log;
    }
}

function withReason(container: Container, reason: string): Container {
    const { env = [] } = container;
    return {
        ...container,
        env: env.map((variable) =>
            variable.name === "REASON" ? { name: "REASON", value: reason } : variable,
        ),
    };
}
