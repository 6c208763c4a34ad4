/** Messages to the engine, which shows them beside the resource that they are about. */
import grpc from "@grpc/grpc-js";
import service from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/engine_pb.js";
import { clientOptions } from "./plugin.ts";

export class Engine {
    readonly #address: string;
    #client: InstanceType<typeof service.EngineClient> | undefined;

    constructor(address: string) {
        this.#address = address;
    }

    /** Shown while an operation runs, and no longer; an empty text clears it. */
    status(urn: string, text: string): void {
        this.#log(pb.LogSeverity.INFO, urn, text, true);
    }

    warn(urn: string, text: string): void {
        this.#log(pb.LogSeverity.WARNING, urn, text, false);
    }

    #log(severity: pb.LogSeverity, urn: string, message: string, ephemeral: boolean): void {
        this.#client ??= new service.EngineClient(
            this.#address,
            grpc.credentials.createInsecure(),
            clientOptions,
        );
        const request = new pb.LogRequest()
            .setSeverity(severity)
            .setUrn(urn)
            .setMessage(message)
            .setEphemeral(ephemeral);
        // Whether a message arrives is not what an operation depends on.
        this.#client.log(request, () => undefined);
    }
}
