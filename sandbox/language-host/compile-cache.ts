/**
 * Halves the start of the language host. It is not a variable of the environment, because the programs that the host runs
 * would inherit it, and with Pulumi's own host they do not.
 */
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const { NODE_COMPILE_CACHE, XDG_CACHE_HOME } = process.env;
enableCompileCache(
    NODE_COMPILE_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "synergychat-sandbox", "node"),
);
