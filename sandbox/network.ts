import type { Paths } from "./paths.ts";

export interface Network {
    /** The machine's end of the cable between the machine and the node. */
    device: string;
    hostAddress: string;
    nodeAddress: string;
    services: string;
    firstService: string;
    dns: string;
    pods: string;
}

export function networkOf({ number }: Pick<Paths, "number">): Network {
    return {
        device: `synergychat${number}`,
        hostAddress: `10.250.${number}.1`,
        nodeAddress: `10.250.${number}.2`,
        services: "10.96.0.0/16",
        firstService: "10.96.0.1",
        dns: "10.96.0.10",
        pods: "10.244.0.0/16",
    };
}
