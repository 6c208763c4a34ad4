/**
 * The Node.js language host, which the Pulumi CLI starts to run a program. No package registry has Pulumi's own, but
 * Pulumi's SDK for Node.js has the gRPC stubs and the script that runs a program, so that little is left to do here.
 * Methods that are missing here, the CLI takes for those of an older host.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { flushCompileCache } from "node:module";
import grpc, { type ServerUnaryCall, type ServerWritableStream, type sendUnaryData } from "@grpc/grpc-js";
import pb from "@pulumi/pulumi/proto/language_pb.js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import service from "@pulumi/pulumi/proto/language_grpc_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import { installedPackages, npmCommand, programCommand, providerOf, sdkOf } from "./program.ts";

type InstallCall = ServerWritableStream<pb.InstallDependenciesRequest, pb.InstallDependenciesResponse>;

/** The CLI gives the address of its engine as the last argument. */
const engine = process.argv.at(-1) ?? "";
const running = new Set<ChildProcess>();

const methods = {
    getPluginInfo: unary(() => new pluginPb.PluginInfo().setVersion(sdkOf(import.meta.dirname).version)),

    getRequiredPackages: unary((request: pb.GetRequiredPackagesRequest) => {
        const providers = installedPackages(directoryOf(request)).flatMap((found) => providerOf(found) ?? []);
        const packages = providers.map(({ name, version, server }) =>
            new pluginPb.PackageDependency()
                .setKind("resource")
                .setName(name)
                .setVersion(version)
                .setServer(server),
        );
        return new pb.GetRequiredPackagesResponse().setPackagesList(packages);
    }),

    run: (call: ServerUnaryCall<pb.RunRequest, pb.RunResponse>, answer: sendUnaryData<pb.RunResponse>) => {
        call.on("cancelled", interrupt);
        unary(run)(call, answer);
    },

    cancel: unary(() => {
        interrupt();
        return new emptyPb.Empty();
    }),

    about: unary(() => new pb.AboutResponse().setExecutable(process.execPath).setVersion(process.version)),

    getProgramDependencies: unary((request: pb.GetProgramDependenciesRequest) => {
        const all = installedPackages(directoryOf(request));
        const wanted = all.filter(({ isDirect }) => isDirect || request.getTransitivedependencies());
        const list = wanted.map(({ name, version }) =>
            new pb.DependencyInfo().setName(name).setVersion(version),
        );
        return new pb.GetProgramDependenciesResponse().setDependenciesList(list);
    }),

    installDependencies: (call: InstallCall) => {
        install(call).then(
            () => call.end(),
            (error: unknown) => call.emit("error", asStatus(error)),
        );
    },
};

/** The exit status of a program that has shown its error already. */
const alreadyShown = 32;

async function run(request: pb.RunRequest): Promise<pb.RunResponse> {
    if (request.getAttachDebugger()) {
        throw new Error("This language host cannot attach a debugger.");
    }
    const directory = directoryOf(request);
    const options = request.getInfo()?.getOptions()?.toJavaScript() ?? {};
    const { args, env } = programCommand(directory, options, {
        engine,
        monitor: request.getMonitorAddress(),
        organization: request.getOrganization(),
        project: request.getProject(),
        stack: request.getStack(),
        "root-directory": request.getInfo()?.getRootDirectory() ?? directory,
        pwd: directory,
        parallel: String(request.getParallel()),
        "dry-run": String(request.getDryrun()),
    });
    const child = spawn(
        process.execPath,
        [...args, request.getInfo()?.getEntryPoint() ?? ".", ...request.getArgsList()],
        {
            stdio: ["ignore", "inherit", "inherit"],
            env: {
                ...process.env,
                ...env,
                PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().getEntryList())),
                PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
            },
        },
    );
    const status = await ended(child);
    const response = new pb.RunResponse();
    if (status === alreadyShown) {
        return response.setBail(true);
    }
    return status === 0 ? response : response.setError(`The program ended with ${status}.`);
}

async function install(call: InstallCall): Promise<void> {
    const { root, args } = npmCommand(directoryOf(call.request));
    const child = spawn("npm", args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (text: Buffer) =>
        call.write(new pb.InstallDependenciesResponse().setStdout(text)),
    );
    child.stderr.on("data", (text: Buffer) =>
        call.write(new pb.InstallDependenciesResponse().setStderr(text)),
    );
    const status = await ended(child);
    if (status !== 0) {
        throw new Error(`npm ${args.join(" ")} in ${root} ended with ${status}.`);
    }
}

/** Waits for the exit status, or the signal if one ended the process. */
async function ended(child: ChildProcess): Promise<number | NodeJS.Signals> {
    running.add(child);
    try {
        return await new Promise((resolve, reject) => {
            child.once("error", reject);
            child.once("close", (code, signal) => {
                resolve(code ?? signal ?? "SIGKILL");
            });
        });
    } finally {
        running.delete(child);
    }
}

/** Interrupts what runs, and kills whatever still runs five seconds later. */
function interrupt(): void {
    for (const child of running) {
        child.kill("SIGINT");
        setTimeout(() => child.kill("SIGKILL"), 5000).unref();
    }
}

function directoryOf(request: { getInfo(): pb.ProgramInfo | undefined }): string {
    return request.getInfo()?.getProgramDirectory() ?? process.cwd();
}

/** One gRPC method from a function. What the function throws is the error that the CLI shows. */
function unary<Request, Response>(handle: (request: Request) => Promise<Response> | Response) {
    return (call: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>): void => {
        Promise.resolve(call.request)
            .then(handle)
            .then(
                (response) => {
                    answer(null, response);
                },
                (error: unknown) => {
                    answer(asStatus(error));
                },
            );
    };
}

function asStatus(error: unknown): { code: grpc.status; details: string } {
    return { code: grpc.status.UNKNOWN, details: error instanceof Error ? error.message : String(error) };
}

/** The limit of Pulumi's engine for one message. */
const megabytes = 400 * 1024 * 1024;
const server = new grpc.Server({
    "grpc.max_receive_message_length": megabytes,
    "grpc.max_send_message_length": megabytes,
});
server.addService(service.LanguageRuntimeService, methods);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) {
        throw error;
    }
    // The CLI reads the port from the first line.
    process.stdout.write(`${port}\n`);
    // The CLI kills its plugins, so that Node.js never gets to write its compile cache by itself. It halves the next start.
    setImmediate(flushCompileCache);
});

// If the CLI was killed, nobody records what its program does any more.
process.on("exit", () => {
    running.forEach((child) => child.kill("SIGKILL"));
});
const parent = process.ppid;
setInterval(() => {
    if (process.ppid !== parent) {
        process.exit(1);
    }
}, 1000);
