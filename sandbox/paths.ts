import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

const name = "synergychat-sandbox";

export interface Paths {
    /** What was built or downloaded. It can be removed at any time and comes back with the next `up`. */
    cache: string;
    bin: string;
    images: string;
    objects: string;
    stamps: string;
    lock: string;
    /** The cluster itself: it outlives `down`. */
    state: string;
    logs: string;
    pki: string;
    config: string;
    volumes: string;
    kubeconfig: string;
    kubectlCache: string;
    holder: string;
    pulumiHome: string;
    pulumiState: string;
    passphrase: string;
    /** Sandboxes with different state folders run beside each other, so each has a number of its own. */
    number: number;
    /** Name of the node. */
    node: string;
    /** 0 is the node that the control plane runs on. */
    worker: number;
}

/** SYNERGYCHAT_SANDBOX_STATE gives a second cluster, independent of the first one but for what was built. */
export function pathsFrom(env: NodeJS.ProcessEnv): Paths {
    const home = env.HOME ?? homedir();
    const cache = join(env.XDG_CACHE_HOME ?? join(home, ".cache"), name);
    const standard = join(env.XDG_STATE_HOME ?? join(home, ".local", "state"), name);
    const state = resolve(env.SYNERGYCHAT_SANDBOX_STATE ?? standard);
    return {
        cache,
        bin: join(cache, "bin"),
        images: join(cache, "images"),
        objects: join(cache, "objects"),
        stamps: join(cache, "stamps"),
        lock: join(cache, "lock"),
        state,
        logs: join(state, "logs"),
        pki: join(state, "pki"),
        config: join(state, "config"),
        volumes: join(state, "volumes"),
        kubeconfig: join(state, "kubeconfig"),
        kubectlCache: join(state, "kubectl-cache"),
        holder: join(state, "holder"),
        pulumiHome: join(state, "pulumi-home"),
        pulumiState: join(state, "pulumi-state"),
        passphrase: join(state, "passphrase"),
        number:
            state === standard ? 0 : 1 + (createHash("sha256").update(state).digest().readUInt16BE() % 254),
        node: "sandbox",
        worker: 0,
    };
}

/** A further node of the cluster, whose programs keep what they have in a folder of its own. */
export function workerOf(first: Paths, worker: number): Paths {
    const node = `${first.node}-${worker + 1}`;
    const state = join(first.state, node);
    return {
        ...first,
        state,
        logs: join(state, "logs"),
        pki: join(state, "pki"),
        config: join(state, "config"),
        holder: join(state, "holder"),
        node,
        worker,
    };
}

export const mostWorkers = 2;

/** The workers that the cluster has, running or not. */
export function workersOf(first: Paths): Paths[] {
    const possible = Array.from({ length: mostWorkers }, (_, index) => workerOf(first, index + 1));
    return possible.filter(({ state }) => existsSync(state));
}
