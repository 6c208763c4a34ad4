/**
 * Makes every pulumi command start sooner: Node.js keeps the compiled code of the modules that the program loads, most of
 * which is Pulumi's SDK. Pulumi.yaml preloads this file by `nodeargs`, so plain `pulumi up` has it too.
 *
 * Node.js compares the source of each file with the source that its cache was made of, so a stale build is never run.
 * The folder belongs to the user alone: whoever can write to it can change what runs.
 * Source: https://nodejs.org/api/module.html#module-compile-cache
 */
const { enableCompileCache } = require("node:module");
const { homedir } = require("node:os");
const { join } = require("node:path");

try {
    const caches = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
    enableCompileCache?.(join(caches, "synergychat", "node"));
} catch {
    // A user without a home folder runs the program without a cache.
}
