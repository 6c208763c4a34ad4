/**
 * What Node.js runs before the program, and before each command of this project. Pulumi.yaml names this file in `nodeargs`, so
 * plain `pulumi up` runs it too. It is plain JavaScript, because it has to run on a Node.js that is too old for the rest.
 */
const { Module, createRequire, enableCompileCache } = require("node:module");
const { homedir } = require("node:os");
const { join } = require("node:path");
const { engines } = require("../package.json");

/** Pulumi adds no message of its own to this exit status. Source: `cmd/run/run.js` of @pulumi/pulumi. */
const alreadyShown = 32;

/** Ends with one clear message in place of "Unknown file extension .ts". */
function requireNode() {
    const needed = engines.node.replace(">=", "");
    if (process.versions.node.localeCompare(needed, "en", { numeric: true }) < 0) {
        console.error(
            `error: Node.js ${process.versions.node} is too old for this program. ` +
                `Version ${needed} or newer is required. Nothing was changed.\n` +
                "  Install a newer one:     https://nodejs.org/en/download\n" +
                '  Or use the project\'s:    export PATH="$PWD/node_modules/.bin:$PATH"',
        );
        process.exit(alreadyShown);
    }
}

/**
 * Makes every command start sooner: Node.js keeps the compiled code of the modules that the program loads, most of
 * which is Pulumi's SDK.
 *
 * Node.js compares the source of each file with the source that its cache was made of, so a stale build is never run.
 * The folder belongs to the user alone: whoever can write to it can change what runs.
 * Source: https://nodejs.org/api/module.html#module-compile-cache
 */
function keepCompiledCode() {
    try {
        const caches = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
        enableCompileCache(join(caches, "synergychat", "node"));
    } catch {
        // A user without a home folder runs the program without a cache.
    }
}

/**
 * Makes them sooner again, by a third of the time in which the SDK loads: parts of it that this program does not use are loaded
 * when they are used, or not at all. Node.js does not load a file that its cache of modules has.
 * Source: https://nodejs.org/api/modules.html#requirecache
 */
function loadLessOfTheSdk() {
    // For functions that are serialized, such as those of dynamic providers: npm's dependency solver and the TypeScript compiler.
    loadWhenUsed("@npmcli/arborist");
    loadWhenUsed("@pulumi/pulumi/typescript-shim");
    // A debugger for such functions. The SDK waits for it before each program.
    loadWhenUsed("@pulumi/pulumi/runtime/closure/v8Hooks", { isInitializedAsync: async () => undefined });
    // The SDK takes a stack for every promise. This translates each by source maps, and Node.js runs the program as it is.
    leaveOut("source-map-support/register");
    const isTraced =
        process.env.TRACEPARENT || process.argv.some((argument) => argument.startsWith("--tracing"));
    if (!isTraced) {
        leaveOut("@opentelemetry/exporter-zipkin");
        leaveOut("@opentelemetry/instrumentation");
        leaveOut("@opentelemetry/instrumentation-grpc");
        leaveOut("@opentelemetry/resources");
        leaveOut("@opentelemetry/sdk-trace-base");
        leaveOut("@opentelemetry/sdk-trace-node");
    }
}

/** For modules that nobody calls anything of. */
function leaveOut(name) {
    replace(name, () => ({}));
}

/**
 * For modules that are looked into only when something of theirs is called.
 *
 * @param own exports that are used without the module.
 */
function loadWhenUsed(name, own = {}) {
    replace(name, (load) => {
        let loaded;
        // `__esModule` keeps `import * as` of TypeScript from copying the exports, which would be a use of each.
        const early = { __esModule: true, ...own };
        const get = (_, key) => (key in early ? early[key] : (loaded ??= load())[key]);
        return new Proxy({}, { get });
    });
}

/** @param standIn returns what `require` is to return. It gets a function that loads the module itself. */
function replace(name, standIn) {
    const file = fileOf(name);
    if (file) {
        const load = () => {
            delete require.cache[file];
            return require(file);
        };
        require.cache[file] = Object.assign(new Module(file), { loaded: true, exports: standIn(load) });
    }
}

/** The file that the SDK would load. Undefined: this version of the SDK has no such module. */
function fileOf(name) {
    try {
        return createRequire(require.resolve("@pulumi/pulumi")).resolve(name);
    } catch {
        return undefined;
    }
}

requireNode();
keepCompiledCode();
loadLessOfTheSdk();
