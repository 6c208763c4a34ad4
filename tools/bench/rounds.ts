/** The measurement in interleaved rounds: in each, every contestant does every task once. */
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "../../kubernetes/client.ts";
import { serviceName } from "../../model/names.ts";
import type { Command, Config, Contestant, Ground } from "./contestants.ts";
import { contestantsOn, kubectl } from "./contestants.ts";
import type { Name, Row } from "./report.ts";

/** The namespaces that the benchmark makes. */
export const namespaces = ["kubectl", "helm", "plain", "program"].map((name) => `synergychat-bench-${name}`);

const apply = { unit: "s", floor: ["kubectl apply, rollout status", "kubectl"] } as const;
const empty = { unit: "s", floor: ["an empty program", "empty"] } as const;
const remove = { unit: "s", floor: ["kubectl delete", "kubectl"] } as const;
const restart = { unit: "s", floor: ["kubectl rollout restart", "kubectl"] } as const;

/**
 * The tasks, with what the floor does. In those after both floors, Pulumi has to start and the cluster has to change, one
 * after the other.
 */
const tasks = {
    first: { task: "first up until ready", ...apply, aim: 1.4, afterBoth: true },
    nothing: { task: "up with nothing to do", ...empty, aim: 1.4 },
    preview: { task: "preview with nothing to do", ...empty, aim: 1.4 },
    config: { task: "config change of the crawler", ...apply, aim: 1.4, afterBoth: true },
    ephemeral: { task: "switch to ephemeral", ...apply, aim: 1.2, afterBoth: true },
    persistent: { task: "switch to persistent", ...apply, aim: 1.2, afterBoth: true },
    destroy: { task: "destroy until the volume is gone", ...remove, aim: 1.1, afterBoth: true },
    silentConfig: { task: "api silent: config rollout", ...restart },
    silentSwitch: { task: "api silent: switch", ...restart },
    memory: { task: "peak memory of the program", ...empty, unit: "MiB" },
} as const satisfies Readonly<Record<string, Omit<Row, "values"> & { readonly afterBoth?: true }>>;
type Task = keyof typeof tasks;
type Contestants = Awaited<ReturnType<typeof contestantsOn>>;
type Some = Readonly<Partial<Record<Name, Contestant>>>;

function entries<T>(record: Readonly<Partial<Record<Name, T>>>): readonly [Name, T][] {
    return Object.entries(record) as [Name, T][];
}

/** Measures one round that fills caches and is not counted, and the rounds. */
export async function measure(ground: Ground, rounds: number): Promise<readonly Row[]> {
    const contestants = await contestantsOn(ground);
    console.log("warm-up");
    await new Measurement(ground, contestants).round(0);
    const measurement = new Measurement(ground, contestants);
    for (let round = 1; round <= rounds; round++) {
        console.log(`round ${round} of ${rounds}`);
        await measurement.round(round);
    }
    return measurement.rows();
}

class Measurement {
    private readonly values: Partial<Record<Task, Partial<Record<Name, readonly number[]>>>> = {};
    private readonly ground: Ground;
    private readonly contestants: Contestants;

    public constructor(ground: Ground, contestants: Contestants) {
        this.ground = ground;
        this.contestants = contestants;
    }

    public rows(): readonly Row[] {
        const starts = this.values.nothing?.empty ?? [];
        return (Object.keys(tasks) as Task[]).map((task) => {
            const values = this.values[task] ?? {};
            return { ...tasks[task], values, ...("afterBoth" in tasks[task] && { starts }) };
        });
    }

    public async round(round: number): Promise<void> {
        const { kubectl, helm, plain, program } = this.contestants;
        // The plainest program only comes up and goes, because its changes take long.
        const changing = { kubectl, ...(helm && { helm }), program };
        const all = { ...changing, plain };
        const first = { storageMode: "persistent", crawlerKeywords: "love,hate" };
        const changed = { ...first, crawlerKeywords: `love,round${round}` };

        await this.change("first", first, all);
        await this.nothingToDo();
        await this.change("config", changed, changing);

        const silent = await this.silence(kubectl, kubectl.restartApi);
        this.note("silentConfig", "kubectl", silent);
        this.note("silentSwitch", "kubectl", silent);
        const rollout = await program.prepare({ ...changed, "imagePullSecrets[0]": `round-${round}` });
        this.note("silentConfig", "program", await this.silence(program, rollout));
        const ephemeral = { ...changed, storageMode: "ephemeral" };
        const toEphemeral = () => this.change("ephemeral", ephemeral, changing);
        this.note("silentSwitch", "program", await this.silence(program, toEphemeral));
        await this.change("persistent", changed, changing);
        await this.destroy(all);
    }

    /** Brings the contestants, one after the other, from what they have to what this config says. */
    private async change(task: Task, config: Config, contestants: Some): Promise<void> {
        for (const [name, { prepare }] of entries(contestants)) {
            await this.time(task, name, await prepare(config));
        }
    }

    private async nothingToDo(): Promise<void> {
        const { empty, plain, program, peak } = this.contestants;
        for (const [name, { update, preview }] of entries({ empty, plain, program })) {
            await this.time("nothing", name, () => update(peak.environment));
            this.note("memory", name, peak.mebibytes());
            await this.time("preview", name, preview);
        }
    }

    /** An app is gone when its volume is. */
    private async destroy(contestants: Some): Promise<void> {
        for (const [name, { namespace, destroy }] of entries(contestants)) {
            const flags = [`--namespace=${namespace}`, "--output=jsonpath={.items[0].spec.volumeName}"];
            const volume = await kubectl(this.ground, "get", "pvc", ...flags);
            await this.time("destroy", name, async () => {
                await destroy();
                await kubectl(this.ground, "wait", "--for=delete", `pv/${volume}`, "--timeout=2m");
            });
        }
    }

    private async time(task: Task, name: Name, command: Command): Promise<void> {
        const start = performance.now();
        await command();
        const seconds = (performance.now() - start) / 1000;
        console.log(`  ${tasks[task].task}, ${name}: ${seconds.toFixed(1)} s`);
        this.note(task, name, seconds);
    }

    private note(task: Task, name: Name, value: number): void {
        const figures = this.values[task] ?? {};
        this.values[task] = { ...figures, [name]: [...(figures[name] ?? []), value] };
    }

    /**
     * The longest time, in seconds, in which the api answers nobody during a change. Every question is asked by itself: one
     * that hangs at a pod that ends does not keep the others from being asked.
     */
    private async silence({ namespace }: Contestant, command: Command): Promise<number> {
        const client = await Client.connect({ context: this.ground.context, env: this.ground.env });
        const path = `/api/v1/namespaces/${namespace}/services/${serviceName("api")}:80/proxy/messages`;
        const answered: number[] = [];
        const ask = async (start = performance.now()): Promise<void> => {
            if ((await client.read(path)).kind === "found") {
                answered.push(start);
            }
        };
        const state = { end: Infinity };
        const changing = command().finally(() => (state.end = performance.now()));
        // The change may end before the api answers again.
        while (!answered.some((time) => time > state.end) && performance.now() < state.end + 60_000) {
            void ask();
            await sleep(25);
        }
        await changing;
        const times = answered.toSorted((one, other) => one - other);
        return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? time))) / 1000;
    }
}
