import type { Paths } from "./paths.ts";

export interface Network {
    /** The other end of the node's cable: on the machine, or on the first node for a worker. */
    device: string;
    gateway: string;
    nodeAddress: string;
    /** Address of the first node, with the API server. */
    server: string;
    /** All nodes, and the other ends of their cables. */
    nodes: string;
    services: string;
    firstService: string;
    dns: string;
    pods: string;
    /** Addresses of the pods on this node. */
    nodePods: string;
}

export function networkOf({ number, worker }: Pick<Paths, "number" | "worker">): Network {
    return {
        device: worker === 0 ? `synergychat${number}` : `worker${worker}`,
        gateway: `10.250.${number}.${4 * worker + 1}`,
        nodeAddress: `10.250.${number}.${4 * worker + 2}`,
        server: `10.250.${number}.2`,
        nodes: `10.250.${number}.0/24`,
        services: "10.96.0.0/16",
        firstService: "10.96.0.1",
        dns: "10.96.0.10",
        pods: "10.244.0.0/16",
        nodePods: `10.244.${worker}.0/24`,
    };
}
