/** What the program asks of the engine, with engines that answer as they are told. */
import { strict as assert } from "node:assert";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { RunError, runtime } from "@pulumi/pulumi";
import grpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import pb from "@pulumi/pulumi/proto/engine_pb.js";
import { minimumVersions } from "../../../model/versions.ts";
import { requireCli } from "../../../pulumi/engine.ts";

type Handler = (call: unknown, answer: (error: object | null, response?: unknown) => void) => void;

describe("requireCli", () => {
    let server: Server;

    afterEach(() => {
        server.forceShutdown();
        runtime.resetOptions("synergychat", "dev", 1, "", "", false, "organization");
    });

    /** An engine that answers the question for its version. Undefined: it is from before there was such a question. */
    async function engine(requirePulumiVersion: Handler | undefined): Promise<void> {
        server = new Server();
        server.addService(
            { requirePulumiVersion: grpc.EngineService.requirePulumiVersion },
            requirePulumiVersion ? { requirePulumiVersion } : {},
        );
        const port = await new Promise<number>((resolve, reject) => {
            server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
                if (error) {
                    reject(error);
                } else {
                    resolve(bound);
                }
            });
        });
        runtime.resetOptions("synergychat", "dev", 1, `127.0.0.1:${port}`, "", false, "organization");
    }

    const isRefusal = (error: unknown) =>
        RunError.isInstance(error) && error.message.includes(minimumVersions.pulumi);

    it("lets a CLI through that says that it is new enough", async () => {
        await engine((_, answer) => {
            answer(null, new pb.RequirePulumiVersionResponse());
        });
        await requireCli();
    });

    it("names the version that is required if the CLI says that it is too old", async () => {
        await engine((_, answer) => {
            answer({
                code: status.UNKNOWN,
                details: "Pulumi CLI version 3.217.0 does not satisfy the range",
            });
        });
        await assert.rejects(requireCli(), isRefusal);
    });

    it("names it also if the CLI is too old to be asked", async () => {
        await engine(undefined);
        await assert.rejects(requireCli(), isRefusal);
    });
});
