/** The tasks of the benchmark, in interleaved rounds: in each, every contestant does every task once. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "../../kubernetes/client.ts";
import { serviceName } from "../../model/names.ts";
import { type DeclaredObject, declaredObjects } from "../declared.ts";
import { Helm, Kubectl, type Ground, PeakMemory, PulumiProgram, volumesGone } from "./contestants.ts";
import type { Contestant, Row } from "./report.ts";

/** The namespaces that the benchmark makes. */
export const namespaces = [
    "synergychat-bench",
    "synergychat-bench-kubectl",
    "synergychat-bench-plain",
    "synergychat-bench-helm",
    ...Array.from({ length: 9 }, (_, index) => `synergychat-bench-beside-${index + 1}` as const),
] as const;
const [programNamespace, kubectlNamespace, plainNamespace, helmNamespace, ...besideNamespaces] = namespaces;

/** The tasks, with what the floor does. */
const tasks = {
    first: { task: "first up until ready", floor: "kubectl apply, rollout status", unit: "s", aim: 1.4 },
    nothing: { task: "up with nothing to do", floor: "an empty program", unit: "s", aim: 1.4 },
    preview: { task: "preview with nothing to do", floor: "an empty program", unit: "s", aim: 1.4 },
    config: {
        task: "config change of the crawler",
        floor: "kubectl apply, rollout status",
        unit: "s",
        aim: 1.4,
    },
    ephemeral: { task: "switch to ephemeral", floor: "kubectl apply, rollout status", unit: "s", aim: 1.2 },
    persistent: { task: "switch to persistent", floor: "kubectl apply, rollout status", unit: "s", aim: 1.2 },
    destroy: { task: "destroy until the volume is gone", floor: "kubectl delete", unit: "s", aim: 1.1 },
    silentConfig: {
        task: "api silent: config rollout",
        floor: "kubectl rollout restart",
        unit: "s",
    },
    silentSwitch: { task: "api silent: switch", floor: "kubectl rollout restart", unit: "s" },
    stacks: {
        task: "preview beside 9 other stacks",
        floor: "an empty program",
        unit: "s",
    },
    containers: { task: "3 to 20 crawler containers", floor: "kubectl apply, rollout status", unit: "s" },
    pods: { task: "1 to 30 crawler pods", floor: "kubectl apply, rollout status", unit: "s" },
    memory: { task: "peak memory of the program", floor: "an empty program", unit: "MiB" },
} as const satisfies Readonly<Record<string, Omit<Row, "values">>>;
type Task = keyof typeof tasks;

/** Measures, and keeps the figures. */
export class Benchmark {
    private readonly values = new Map<Task, Partial<Record<Contestant, number[]>>>();
    private counting = false;
    private readonly ground: Ground;
    private readonly kubectl: Kubectl;
    private readonly program: PulumiProgram;
    /** Undefined: it is not installed. */
    private readonly helm: Helm | undefined;
    private readonly plain: PulumiProgram;
    private readonly empty: PulumiProgram;
    private readonly peak: PeakMemory;

    public constructor(ground: Ground) {
        this.ground = ground;
        this.kubectl = new Kubectl(ground, kubectlNamespace);
        this.program = new PulumiProgram(ground, "program");
        this.helm = Helm.isInstalled(ground) ? new Helm(ground, helmNamespace) : undefined;
        this.plain = new PulumiProgram(ground, "plain");
        this.empty = new PulumiProgram(ground, "empty");
        this.peak = new PeakMemory(ground);
    }

    /**
     * One round that fills caches and is not counted, and the rounds.
     *
     * @param withGrowth whether growth is measured as well, after them.
     */
    public async run(rounds: number, withGrowth: boolean): Promise<void> {
        await this.init();
        for (let round = 0; round <= rounds; round++) {
            console.log(round === 0 ? "warm-up" : `round ${round} of ${rounds}`);
            this.counting = round > 0;
            await this.round(round);
        }
        if (withGrowth) {
            console.log("growth");
            await this.growth(rounds);
        }
    }

    /** The rows of what was measured, with all figures. */
    public rows(): readonly Row[] {
        return (Object.keys(tasks) as Task[]).flatMap((key) => {
            const values = this.values.get(key);
            return values ? [{ ...tasks[key], values }] : [];
        });
    }

    private async init(): Promise<void> {
        const { context, folder } = this.ground;
        const file = join(folder, "plain.json");
        writeFileSync(file, JSON.stringify((await objectsIn(plainNamespace)).map(withoutAnnotations)));
        await this.empty.init();
        await this.plain.init({ context, objects: file });
        await this.program.init({ "kubernetes:context": context, ...configIn(programNamespace) });
    }

    private async round(round: number): Promise<void> {
        const base = await objectsIn(kubectlNamespace);
        const keywords = `love,round${round}`;
        const changed = await objectsIn(kubectlNamespace, { crawlerKeywords: keywords });
        const ephemeral = await objectsIn(kubectlNamespace, {
            crawlerKeywords: keywords,
            storageMode: "ephemeral",
        });

        await this.time("first", "floor", () => this.kubectl.up(base));
        await this.withHelm("first");
        await this.time("first", "plain", () => this.plain.update());
        await this.time("first", "program", () => this.program.update());
        await this.nothingToDo();

        await this.program.setConfig("crawlerKeywords", keywords);
        await this.time("config", "floor", () => this.kubectl.up(changed));
        await this.time("config", "program", () => this.program.update());

        await this.withHelm("config", { crawlerKeywords: keywords });

        const restart = await this.silence(kubectlNamespace, () => this.kubectl.restartApi());
        await this.program.setConfig("imagePullSecrets[0]", `round-${round}`);
        this.note("silentConfig", "floor", restart);
        this.note(
            "silentConfig",
            "program",
            await this.silence(programNamespace, () => this.program.update()),
        );

        await this.program.setConfig("storageMode", "ephemeral");
        await this.withHelm("ephemeral", { crawlerKeywords: keywords, storageMode: "ephemeral" });
        await this.time("ephemeral", "floor", () => this.kubectl.up(ephemeral));
        const switching = () => this.time("ephemeral", "program", () => this.program.update());
        this.note("silentSwitch", "floor", restart);
        this.note("silentSwitch", "program", await this.silence(programNamespace, switching));
        await this.program.setConfig("storageMode", "persistent");
        await this.withHelm("persistent", { crawlerKeywords: keywords });
        await this.time("persistent", "floor", () => this.kubectl.up(changed));
        await this.time("persistent", "program", () => this.program.update());

        await this.time("destroy", "floor", () => this.gone(this.kubectl, kubectlNamespace));
        const { helm } = this;
        if (helm) {
            await this.time("destroy", "helm", () => this.gone(helm, helmNamespace));
        }
        await this.time("destroy", "plain", () => this.gone(this.plain, plainNamespace));
        await this.time("destroy", "program", () => this.gone(this.program, programNamespace));
    }

    /** What a stack costs that grows, and one that is not alone. */
    private async growth(rounds: number): Promise<void> {
        await this.kubectl.up(await objectsIn(kubectlNamespace));
        await this.program.update();
        await this.besideOthers(async () => {
            for (let round = 0; round < rounds; round++) {
                await this.time("stacks", "floor", () => this.empty.preview());
                await this.time("stacks", "program", () => this.program.preview());
            }
        });
        for (let round = 0; round < rounds; round++) {
            await this.grow("containers", { crawlerContainers: "20" });
            await this.grow("pods", { crawlerPods: "30", crawlerContainers: "1" });
        }
    }

    /** Does something while there are nine other stacks of the program in the cluster. */
    private async besideOthers(act: () => Promise<void>): Promise<void> {
        const { context } = this.ground;
        const others = besideNamespaces.map((name) => new PulumiProgram(this.ground, "program", name));
        for (const [index, other] of others.entries()) {
            const small = { webReplicas: "1", crawlerContainers: "1" };
            const config = { ...configIn(besideNamespaces[index] ?? ""), ...small };
            await other.init({ "kubernetes:context": context, ...config });
            await other.update();
        }
        await act();
        for (const other of others) {
            await other.destroy();
        }
    }

    /** From the size that the benchmark has to another one, and back. */
    private async grow(
        task: Task,
        size: Readonly<{ crawlerContainers: string; crawlerPods?: string }>,
    ): Promise<void> {
        const usual = { crawlerContainers: "3", crawlerPods: "1" };
        const change = async (to: Readonly<Record<string, string>>) => {
            for (const [key, value] of Object.entries(to)) {
                await this.program.setConfig(key, value);
            }
            return objectsIn(kubectlNamespace, to);
        };
        const grown = await change({ ...usual, ...size });
        await this.time(task, "floor", () => this.kubectl.up(grown));
        await this.time(task, "program", () => this.program.update());
        await this.kubectl.up(await change(usual));
        await this.program.update();
    }

    /** The same change by Helm, if it is installed. */
    private async withHelm(task: Task, config: Readonly<Record<string, string>> = {}): Promise<void> {
        const { helm } = this;
        if (helm) {
            const objects = await objectsIn(helmNamespace, config);
            await this.time(task, "helm", () => helm.up(objects));
        }
    }

    private async nothingToDo(): Promise<void> {
        for (const [contestant, program] of [
            ["floor", this.empty],
            ["plain", this.plain],
            ["program", this.program],
        ] as const) {
            await this.time("nothing", contestant, () => program.update(this.peak.environment));
            this.note("memory", contestant, this.peak.mebibytes());
            await this.time("preview", contestant, () => program.preview());
        }
    }

    private async gone(contestant: { destroy(): Promise<void> }, namespace: string): Promise<void> {
        await contestant.destroy();
        await volumesGone(this.ground, namespace);
    }

    private async time(task: Task, contestant: Contestant, act: () => Promise<void>): Promise<void> {
        const start = performance.now();
        await act();
        const seconds = (performance.now() - start) / 1000;
        console.log(`  ${tasks[task].task}, ${contestant}: ${seconds.toFixed(1)} s`);
        this.note(task, contestant, seconds);
    }

    private note(task: Task, contestant: Contestant, value: number): void {
        if (this.counting) {
            const figures = this.values.get(task) ?? {};
            this.values.set(task, { ...figures, [contestant]: [...(figures[contestant] ?? []), value] });
        }
    }

    /**
     * The longest time, in seconds, in which the api answers nobody during a change. Every question is asked by itself: one
     * that hangs at a pod that ends does not keep the others from being asked.
     */
    private async silence(namespace: string, change: () => Promise<void>): Promise<number> {
        const client = await Client.connect({ context: this.ground.context, env: this.ground.env });
        const path = `/api/v1/namespaces/${namespace}/services/${serviceName("api")}:80/proxy/messages`;
        const answered: number[] = [];
        const ask = async (): Promise<boolean> => {
            const start = performance.now();
            const isAnswered = (await client.read(path)).kind === "found";
            if (isAnswered) {
                answered.push(start);
            }
            return isAnswered;
        };
        const state = { isChanging: true };
        const changing = change().finally(() => (state.isChanging = false));
        while (state.isChanging) {
            void ask();
            await sleep(25);
        }
        await changing;
        while (!(await ask())) {
            await sleep(25);
        }
        answered.sort((a, b) => a - b);
        return Math.max(...answered.slice(1).map((time, index) => time - (answered[index] ?? time))) / 1000;
    }
}

function configIn(namespace: string): Readonly<Record<string, string>> {
    return {
        namespace,
        storageMode: "persistent",
        webHost: `web.${namespace}.internal`,
        apiHost: `api.${namespace}.internal`,
    };
}

function objectsIn(
    namespace: string,
    more: Readonly<Record<string, string>> = {},
): Promise<readonly DeclaredObject[]> {
    return declaredObjects({ ...configIn(namespace), ...more });
}

/** The plainest program awaits what Pulumi awaits. */
function withoutAnnotations({ metadata, ...object }: DeclaredObject): object {
    return { ...object, metadata: { ...metadata, annotations: {} } };
}
