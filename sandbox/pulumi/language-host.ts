/** The nodejs language host as a Pulumi plugin: gRPC in, `program.ts` does the work, gRPC out. */
import type {
    ServerUnaryCall,
    ServerWritableStream,
    UntypedServiceImplementation,
    sendUnaryData,
} from "@grpc/grpc-js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import pb from "@pulumi/pulumi/proto/language_pb.js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import service from "@pulumi/pulumi/proto/language_grpc_pb.js";
import { engineAddress, fromStruct, serve, unary } from "./plugin.ts";
import { Programs, dependencies, install, parseRuntimeOptions, requiredPackages } from "./program.ts";

/** The version of the CLI that this host was made with. */
const VERSION = "3.259.0";

const engine = engineAddress(process.argv.slice(2));
const programs = new Programs();

const methods: UntypedServiceImplementation = {
    handshake: unary(() => new pb.LanguageHandshakeResponse()),

    getPluginInfo: unary(() => new pluginPb.PluginInfo().setVersion(VERSION)),

    getRequiredPackages: unary(async (request: pb.GetRequiredPackagesRequest) => {
        const found = await requiredPackages(directoryOf(request));
        const list = found.map(({ name, version, server }) =>
            new pluginPb.PackageDependency()
                .setName(name)
                .setKind("resource")
                .setVersion(version)
                .setServer(server),
        );
        return new pb.GetRequiredPackagesResponse().setPackagesList(list);
    }),

    run: (call: ServerUnaryCall<pb.RunRequest, pb.RunResponse>, answer: sendUnaryData<pb.RunResponse>) => {
        call.on("cancelled", () => {
            programs.cancel();
        });
        unary(run)(call, answer);
    },

    about: unary(async (request: pb.AboutRequest) => {
        parseRuntimeOptions(fromStruct(request.getInfo()?.getOptions()));
        const about = await programs.about(directoryOf(request));
        const response = new pb.AboutResponse().setExecutable(about.executable).setVersion(about.version);
        for (const [key, value] of Object.entries(about.metadata)) {
            response.getMetadataMap().set(key, value);
        }
        return response;
    }),

    getProgramDependencies: unary(async (request: pb.GetProgramDependenciesRequest) => {
        const found = await dependencies(directoryOf(request), request.getTransitivedependencies());
        const list = found.map(({ name, version }) =>
            new pb.DependencyInfo().setName(name).setVersion(version),
        );
        return new pb.GetProgramDependenciesResponse().setDependenciesList(list);
    }),

    installDependencies: (
        call: ServerWritableStream<pb.InstallDependenciesRequest, pb.InstallDependenciesResponse>,
    ) => {
        parseAndInstall(call).then(
            () => call.end(),
            (error: unknown) => call.destroy(error instanceof Error ? error : new Error(String(error))),
        );
    },

    /** `pulumi new` need not ask for a package manager: it is npm. */
    runtimeOptionsPrompts: unary(() => new pb.RuntimeOptionsResponse()),

    template: unary(() => new pb.TemplateResponse()),

    cancel: unary(() => {
        programs.cancel();
        return new emptyPb.Empty();
    }),
};

serve(service.LanguageRuntimeService, methods);

async function run(request: pb.RunRequest): Promise<pb.RunResponse> {
    const info = request.getInfo();
    if (!info) {
        throw new Error("the CLI is too old: it does not say where the program is");
    }
    const outcome = await programs.run({
        engine,
        monitor: request.getMonitorAddress(),
        organization: request.getOrganization(),
        project: request.getProject(),
        stack: request.getStack(),
        rootDirectory: info.getRootDirectory(),
        programDirectory: info.getProgramDirectory(),
        entryPoint: info.getEntryPoint(),
        options: fromStruct(info.getOptions()),
        args: request.getArgsList(),
        dryRun: request.getDryrun(),
        parallel: request.getParallel(),
        debug: request.getAttachDebugger(),
        config: Object.fromEntries(request.getConfigMap().getEntryList()),
        secretKeys: request.getConfigsecretkeysList(),
    });
    return new pb.RunResponse().setError(outcome.error).setBail(outcome.bail);
}

async function parseAndInstall(
    call: ServerWritableStream<pb.InstallDependenciesRequest, pb.InstallDependenciesResponse>,
): Promise<void> {
    parseRuntimeOptions(fromStruct(call.request.getInfo()?.getOptions()));
    await install(directoryOf(call.request), {
        out: (text) => call.write(new pb.InstallDependenciesResponse().setStdout(text)),
        err: (text) => call.write(new pb.InstallDependenciesResponse().setStderr(text)),
    });
}

function directoryOf(request: { getInfo(): pb.ProgramInfo | undefined }): string {
    return request.getInfo()?.getProgramDirectory() ?? process.cwd();
}
