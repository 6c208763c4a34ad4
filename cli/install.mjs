/**
 * `node cli/install.mjs [FOLDER]...`: installs the node packages of each folder (default: this project's own) if they are
 * missing or differ from the lock file, whoever installed them. Runs on any Node, before there is anything else.
 *
 * It prints to standard error only: standard output belongs to the command that follows, as in
 * `eval "$(npm run --silent sandbox -- env)"`.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";

function install(folder) {
    if (isInstalled(folder)) {
        return;
    }
    console.error(`Installing node packages in ${resolve(folder)} (npm ci), about a minute ...`);
    try {
        // The commands run on development dependencies, which NODE_ENV=production would leave out. Inside of an npm
        // workspace of somebody else's, npm would look for that one's lock file.
        const args = ["ci", "--include=dev", "--workspaces=false", "--loglevel=error"];
        execFileSync("npm", args, { cwd: folder, stdio: ["ignore", 2, 2] });
    } catch {
        console.error("npm ci failed. Read its message above, then run the same command again.");
        process.exit(1);
    }
}

function isInstalled(folder) {
    const installed = packagesIn(join(folder, "node_modules", ".package-lock.json"));
    const wanted = packagesIn(join(folder, "package-lock.json")) ?? {};
    const isThere = ([path, { version, optional }]) =>
        path === "" || optional || installed?.[path]?.version === version;
    const isComplete = installed !== undefined && Object.entries(wanted).every(isThere);
    return isComplete && hasLinks(join(folder, "node_modules", ".bin"));
}

function packagesIn(file) {
    return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).packages : undefined;
}

/** `pulumi new` copies links as files, and programs that are copies do not find what is beside them. */
function hasLinks(folder) {
    const isLink = (name) => lstatSync(join(folder, name)).isSymbolicLink();
    return !existsSync(folder) || readdirSync(folder).every(isLink);
}

/** npm installs a Node.js for the commands, unless it was told to run no scripts of packages. */
function requireNode() {
    const { node } = process.versions;
    const isOld = (version) => version.localeCompare("22.18", "en", { numeric: true }) < 0;
    const installed = () => spawnSync("node", ["-p", "process.versions.node"], { encoding: "utf8" }).stdout;
    if (isOld(node) && isOld(installed() ?? "")) {
        console.error(
            `Node.js ${node} is too old. Version 22.18 or newer is required. Nothing was changed.\n` +
                "npm could not install a newer one for this project: ignore-scripts may be set (npm config get ignore-scripts).\n" +
                "  Install a newer one:  https://nodejs.org/en/download",
        );
        process.exit(1);
    }
}

if (process.platform === "win32") {
    console.error("On Windows, run this in WSL: https://learn.microsoft.com/windows/wsl/install");
    process.exit(1);
}
const folders = process.argv.slice(2);
for (const folder of folders.length > 0 ? folders : ["."]) {
    install(folder);
}
requireNode();
