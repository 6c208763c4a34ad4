/** `npm run picture`: draws docs/stack.svg, the picture in the README, from what the program declares. */
import { mkdirSync, writeFileSync } from "node:fs";
import { declared } from "./declared";
import { draw } from "./drawing";
import { main } from "./process";

const file = "docs/stack.svg";

main(async () => {
    const ephemeral = await declared({ storageMode: "ephemeral" });
    const persistent = await declared({ storageMode: "persistent" });
    mkdirSync("docs", { recursive: true });
    writeFileSync(file, draw({ ephemeral, persistent }));
    console.log(`${file} is drawn from the program.`);
});
