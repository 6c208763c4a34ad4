/**
 * What Node.js runs before the program. Pulumi.yaml names this file in `nodeargs`, so plain `pulumi up` runs it too. It is
 * plain JavaScript, because it has to run on a Node.js that is too old for the rest.
 */
const { enableCompileCache, registerHooks } = require("node:module");
const { homedir } = require("node:os");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");
const { engines } = require("../package.json");

/** Pulumi adds no message of its own to this exit status. Source: `cmd/run/run.js` of @pulumi/pulumi. */
const alreadyShown = 32;

/** Ends with one clear message in place of "Unknown file extension .ts". */
function requireNode() {
    const numbers = (version) => version.match(/\d+/g).map(Number);
    const [major, minor] = numbers(process.versions.node);
    const [neededMajor, neededMinor] = numbers(engines.node);
    if (major < neededMajor || (major === neededMajor && minor < neededMinor)) {
        console.error(
            `error: Node.js ${process.versions.node} is too old for this program. ` +
                `Version ${neededMajor}.${neededMinor} or newer is required. Nothing was changed.\n` +
                "  Install a newer one:     https://nodejs.org/en/download\n" +
                '  Or use the project\'s:    export PATH="$PWD/node_modules/.bin:$PATH"',
        );
        process.exit(alreadyShown);
    }
}

/**
 * Makes every pulumi command start sooner: Node.js keeps the compiled code of the modules that the program loads, most of
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

/** Makes them sooner again: a part of Pulumi's SDK that most programs never use is loaded when it is used. */
function loadWhenUsed() {
    const url = pathToFileURL(join(__dirname, "arborist.cjs")).href;
    registerHooks({
        resolve: (specifier, context, next) =>
            specifier === "@npmcli/arborist" && context.parentURL !== url
                ? { url, format: "commonjs", shortCircuit: true }
                : next(specifier, context),
    });
}

requireNode();
keepCompiledCode();
loadWhenUsed();
