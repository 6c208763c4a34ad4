/** Installs the node packages where they are missing or other than the lock file says. Runs on any Node, before there is anything else. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const lock = createHash("sha256").update(readFileSync("package-lock.json")).digest("hex");
const mark = "node_modules/.installed-lock";

if (!existsSync(mark) || readFileSync(mark, "utf8") !== lock) {
    console.log("Installing node packages (npm ci), about a minute ...");
    try {
        execFileSync("npm", ["ci", "--loglevel=error"], { stdio: ["ignore", "ignore", "inherit"] });
    } catch {
        console.error("npm ci failed: see its message above, then run the same command again.");
        process.exit(1);
    }
    writeFileSync(mark, lock);
}
