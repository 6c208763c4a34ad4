/**
 * `npm run picture`: draws docs/stack.svg, the picture in the README, from what the program declares. With `-- --walk`,
 * records what a person sees on the chapter's walk instead, for which it needs a cluster.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { readArguments } from "./arguments";
import { declared } from "./declared";
import { draw } from "./drawing";
import { main } from "./process";
import { walk } from "./walk";

const file = "docs/stack.svg";

async function stack(): Promise<void> {
    const ephemeral = await declared({ storageMode: "ephemeral" });
    const persistent = await declared({ storageMode: "persistent" });
    mkdirSync("docs", { recursive: true });
    writeFileSync(file, draw({ ephemeral, persistent }));
    console.log(`${file} is drawn from the program.`);
}

main(async () => {
    const { flags } = readArguments("Usage: npm run picture -- [--walk]", 0, "walk");
    await (flags.has("walk") ? walk() : stack());
});
