/**
 * Installs the node packages if they are missing or differ from the lock file. Runs on any Node, before there is anything
 * else. It prints to standard error only: standard output belongs to the command that follows, as in
 * `eval "$(npm run --silent sandbox -- env)"`.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const lock = createHash("sha256").update(readFileSync("package-lock.json")).digest("hex");
const mark = "node_modules/.installed-lock";

if (!existsSync(mark) || readFileSync(mark, "utf8") !== lock) {
    console.error("Installing node packages (npm ci), about a minute ...");
    try {
        execFileSync("npm", ["ci", "--loglevel=error"], { stdio: ["ignore", 2, 2] });
    } catch {
        console.error("npm ci failed: see its message above, then run the same command again.");
        process.exit(1);
    }
    writeFileSync(mark, lock);
}
