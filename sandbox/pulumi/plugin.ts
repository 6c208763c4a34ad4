/**
 * What every Pulumi plugin does: a gRPC server on a free port of this machine, whose number is the first line of its
 * output; ended by the engine, or by itself when the engine is gone.
 */
import {
    type Server,
    type ServerUnaryCall,
    type ServiceDefinition,
    type UntypedServiceImplementation,
    type sendUnaryData,
} from "@grpc/grpc-js";
import { flushCompileCache } from "node:module";
import grpc from "@grpc/grpc-js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { JsonObject } from "./json.ts";

/** The engine's limit for one message (`rpcutil.maxRPCMessageSize` in Pulumi's Go SDK). */
const MAX_MESSAGE = 400 * 1024 * 1024;
const MESSAGE_LIMITS = {
    "grpc.max_receive_message_length": MAX_MESSAGE,
    "grpc.max_send_message_length": MAX_MESSAGE,
};
const ORPHAN_CHECK_MS = 1000;

/** The engine's address: the last argument that is no flag; `--tracing URL` may come before it. */
export function engineAddress(args: string[]): string {
    const plain = args.filter((arg, i) => !arg.startsWith("-") && args[i - 1] !== "--tracing");
    return plain.at(-1) ?? "";
}

export function serve(service: ServiceDefinition, methods: UntypedServiceImplementation): void {
    const server: Server = new grpc.Server(MESSAGE_LIMITS);
    server.addService(service, methods);
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) {
            throw error;
        }
        process.stdout.write(`${port}\n`);
        // Node keeps what it compiled when it exits, but a plugin is killed. Later starts are twice as quick for it.
        setImmediate(flushCompileCache);
    });
    onOrphaned(() => process.exit(1));
}

/** Nobody records what a plugin does after its engine was killed. */
function onOrphaned(act: () => void): void {
    const parent = process.ppid;
    setInterval(() => {
        if (process.ppid !== parent) {
            act();
        }
    }, ORPHAN_CHECK_MS).unref();
}

/** One gRPC method from an async function; what it throws is the answer's error. */
export function unary<Request, Response>(handle: (request: Request) => Promise<Response> | Response) {
    return (call: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>): void => {
        Promise.resolve(call.request)
            .then(handle)
            .then(
                (response) => {
                    answer(null, response);
                },
                (error: unknown) => {
                    answer(asServiceError(error));
                },
            );
    };
}

/** An error that carries a typed detail, which the engine reads from the trailer `grpc-status-details-bin`. */
export class DetailedError extends Error {
    readonly details: Uint8Array;

    constructor(message: string, details: Uint8Array) {
        super(message);
        this.details = details;
    }
}

function asServiceError(error: unknown): { code: number; details: string; metadata?: grpc.Metadata } {
    const message = error instanceof Error ? error.message : String(error);
    const answer = { code: grpc.status.UNKNOWN, details: message };
    if (!(error instanceof DetailedError)) {
        return answer;
    }
    const metadata = new grpc.Metadata();
    metadata.set("grpc-status-details-bin", Buffer.from(error.details));
    return { ...answer, metadata };
}

/** `Struct.fromJavaScript` rejects undefined, so that goes first. */
export function toStruct(value: JsonObject): struct.Struct {
    return struct.Struct.fromJavaScript(
        JSON.parse(JSON.stringify(value)) as Record<string, struct.JavaScriptValue>,
    );
}

export function fromStruct(value: struct.Struct | undefined): JsonObject {
    return value?.toJavaScript() ?? {};
}

/** Options for a client of the engine. */
export const clientOptions = MESSAGE_LIMITS;
