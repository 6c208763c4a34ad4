/** The Kubernetes provider as a Pulumi plugin: gRPC in, `provider.ts` does the work, gRPC out. */
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import anyPb from "google-protobuf/google/protobuf/any_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import pb from "@pulumi/pulumi/proto/provider_pb.js";
import service from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import statusPb from "@pulumi/pulumi/proto/status_pb.js";
import { type Change } from "./diff.ts";
import { Engine } from "./engine.ts";
import { type JsonObject, formatPath } from "./json.ts";
import { checkOptions, diffOptions, revealed, secretSign } from "./options.ts";
import { DetailedError, engineAddress, fromStruct, serve, toStruct, unary } from "./plugin.ts";
import { InitFailedError, Provider, type Reporter } from "./provider.ts";

/** The version of the SDK's provider that this one stands in for. */
const VERSION = "4.34.2";

const { DiffChanges } = pb.DiffResponse;
const { Kind } = pb.PropertyDiff;
const engine = new Engine(engineAddress(process.argv.slice(2)));
let configured: Provider | undefined;

const methods: UntypedServiceImplementation = {
    handshake: unary(() => new pb.ProviderHandshakeResponse().setSupportsAutonamingConfiguration(true)),

    getPluginInfo: unary(() => new pluginPb.PluginInfo().setVersion(VERSION)),

    checkConfig: unary((request: pb.CheckRequest) => {
        const response = new pb.CheckResponse().setInputs(request.getNews());
        for (const { property, reason } of checkOptions(revealed(fromStruct(request.getNews())))) {
            response.addFailures(new pb.CheckFailure().setProperty(property).setReason(reason));
        }
        return response;
    }),

    diffConfig: unary((request: pb.DiffRequest) => {
        const old = revealed(fromStruct(request.hasOldInputs() ? request.getOldInputs() : request.getOlds()));
        const { changed, replaces } = diffOptions(old, revealed(fromStruct(request.getNews())));
        return new pb.DiffResponse()
            .setChanges(changed.length > 0 ? DiffChanges.DIFF_SOME : DiffChanges.DIFF_NONE)
            .setDiffsList(changed)
            .setReplacesList(replaces);
    }),

    configure: unary((request: pb.ConfigureRequest) => {
        const args = revealed(fromStruct(request.getArgs()));
        const [failure] = checkOptions(args).filter(
            ({ property }) => property !== "context" && property !== "kubeconfig",
        );
        if (failure) {
            throw new Error(failure.reason);
        }
        configured = new Provider(args);
        return new pb.ConfigureResponse().setSupportspreview(true).setSupportsAutonamingConfiguration(true);
    }),

    check: unary(async (request: pb.CheckRequest) => {
        const autonaming = request.getAutonaming();
        const inputs = await provider().check({
            type: typeOf(request.getUrn()),
            name: nameOf(request.getUrn()),
            old: request.hasOlds() ? fromStruct(request.getOlds()) : undefined,
            inputs: fromStruct(request.getNews()),
            seed: request.getRandomseed_asU8(),
            autonaming: autonaming && {
                proposed: autonaming.getProposedName(),
                disabled: autonaming.getMode() === pb.CheckRequest.AutonamingOptions.Mode.DISABLE,
            },
        });
        return new pb.CheckResponse().setInputs(toStruct(markSecrets(inputs)));
    }),

    diff: unary(async (request: pb.DiffRequest) => {
        const plan = await provider().diff({
            old: fromStruct(request.getOldInputs()),
            inputs: fromStruct(request.getNews()),
            ignoreChanges: request.getIgnorechangesList(),
            state: fromStruct(request.getOlds()),
        });
        const some = plan.changes.length + plan.replaces.length > 0;
        const response = new pb.DiffResponse()
            .setChanges(some ? DiffChanges.DIFF_SOME : DiffChanges.DIFF_NONE)
            .setReplacesList(plan.replaces)
            .setDeletebeforereplace(plan.deleteBeforeReplace)
            .setHasdetaileddiff(true);
        for (const change of plan.changes) {
            const detail = new pb.PropertyDiff().setKind(detailKind(change)).setInputdiff(true);
            response.getDetaileddiffMap().set(formatPath(change.path), detail);
        }
        return response;
    }),

    create: unary(async (request: pb.CreateRequest) => {
        const inputs = fromStruct(request.getProperties());
        const reporter = reporterFor(request.getUrn());
        if (request.getPreview()) {
            const shown = await provider().previewCreate(inputs, reporter);
            return new pb.CreateResponse().setProperties(asOutputs(shown));
        }
        const { id, outputs } = await detailed(() =>
            provider().create(inputs, request.getTimeout(), reporter),
        );
        return new pb.CreateResponse().setId(id).setProperties(asOutputs(outputs));
    }),

    update: unary(async (request: pb.UpdateRequest) => {
        const inputs = fromStruct(request.getNews());
        const state = fromStruct(request.getOlds());
        const ignored = request.getIgnorechangesList();
        const reporter = reporterFor(request.getUrn());
        if (request.getPreview()) {
            const shown = await provider().previewUpdate(inputs, state, ignored, reporter);
            return new pb.UpdateResponse().setProperties(shown ? asOutputs(shown) : request.getNews());
        }
        const run = () => provider().update(inputs, state, ignored, request.getTimeout(), reporter);
        return new pb.UpdateResponse().setProperties(asOutputs(await detailed(run)));
    }),

    read: unary(async (request: pb.ReadRequest) => {
        const inputs = fromStruct(request.getInputs());
        const state = fromStruct(request.getProperties());
        const id = request.getId();
        const found = await detailed(() => provider().read(typeOf(request.getUrn()), id, inputs, state));
        if (!found) {
            return new pb.ReadResponse();
        }
        return new pb.ReadResponse()
            .setId(id)
            .setProperties(asOutputs(found.outputs))
            .setInputs(toStruct(markSecrets(found.inputs)));
    }),

    delete: unary(async (request: pb.DeleteRequest) => {
        const inputs = fromStruct(request.getOldInputs());
        const [type, id] = [typeOf(request.getUrn()), request.getId()];
        await provider().delete(type, id, inputs, request.getTimeout(), reporterFor(request.getUrn()));
        return new emptyPb.Empty();
    }),

    invoke: unary((request: pb.InvokeRequest) => {
        throw new Error(`this provider does not cover the function ${request.getTok()}`);
    }),

    construct: unary((request: pb.ConstructRequest) => {
        throw new Error(`this provider does not cover the component ${request.getType()}`);
    }),

    call: unary((request: pb.CallRequest) => {
        throw new Error(`this provider does not cover the method ${request.getTok()}`);
    }),

    cancel: unary(() => {
        configured?.cancel();
        return new emptyPb.Empty();
    }),
};

serve(service.ResourceProviderService, methods);

function provider(): Provider {
    if (!configured) {
        throw new Error("the provider was not configured");
    }
    return configured;
}

/** `urn:pulumi:stack::project::parent$type::name` */
function typeOf(urn: string): string {
    return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

function nameOf(urn: string): string {
    return urn.split("::").slice(3).join("::");
}

function detailKind(change: Change): pb.PropertyDiff.Kind {
    const kinds = {
        add: change.replace ? Kind.ADD_REPLACE : Kind.ADD,
        delete: change.replace ? Kind.DELETE_REPLACE : Kind.DELETE,
        update: change.replace ? Kind.UPDATE_REPLACE : Kind.UPDATE,
    };
    return kinds[change.kind];
}

function reporterFor(urn: string): Reporter {
    return {
        status: (text) => {
            engine.status(urn, text);
        },
        warn: (text) => {
            engine.warn(urn, text);
        },
    };
}

const asOutputs = (outputs: JsonObject) => toStruct(markSecrets(outputs));

/** The data of a Kubernetes Secret is secret in the state too, whether or not the program said so. */
function markSecrets(object: JsonObject): JsonObject {
    const marked = { ...object };
    for (const key of ["data", "stringData"]) {
        const value = object[key];
        if (object.kind === "Secret" && object.apiVersion === "v1" && value !== undefined) {
            marked[key] = { ...secretSign, value };
        }
    }
    return marked;
}

/** An object that was made but is not ready reaches the engine as a typed detail, so that it stays in the state. */
async function detailed<T>(run: () => Promise<T>): Promise<T> {
    try {
        return await run();
    } catch (error) {
        if (!(error instanceof InitFailedError)) {
            throw error;
        }
        const failure = new pb.ErrorResourceInitFailed()
            .setId(error.id)
            .setProperties(asOutputs(error.outputs))
            .setReasonsList([error.message]);
        if (error.inputs) {
            failure.setInputs(toStruct(markSecrets(error.inputs)));
        }
        const detail = new anyPb.Any();
        detail.pack(failure.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
        throw new DetailedError(error.message, packStatus(error.message, detail));
    }
}

function packStatus(message: string, detail: anyPb.Any): Uint8Array {
    const status = new statusPb.Status().setCode(2).setMessage(message);
    status.addDetails(detail);
    return status.serializeBinary();
}
