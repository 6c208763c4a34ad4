/** Lets ts-node compile what mocha imports. Programs that the tests start run by Node.js alone, as they do for users. */
import { register } from "node:module";
import { join } from "node:path";

process.env.TS_NODE_PROJECT = join(import.meta.dirname, "tsconfig.json");
register("ts-node/esm", import.meta.url);
delete process.env.TS_NODE_PROJECT;
