/** `npm run docs`: writes every file, or part of a file, that is generated from the program. */
import { readFileSync, writeFileSync } from "node:fs";
import { configTable, withConfigBlock } from "./config-docs.ts";
import { formatted, replaceGenerated } from "./markdown.ts";

/** Each file that is generated or has a generated part: from its text as it is to its text as it has to be. */
const generators: Readonly<Record<string, (text: string) => string>> = {
    "Pulumi.yaml": withConfigBlock,
    "docs/configuration.md": (text) => replaceGenerated(text, "config keys", configTable()),
};

/** Names of the files. */
export const generatedFiles = Object.keys(generators);

/** A file as it is now, and as it has to be. */
export async function generate(file: string) {
    const current = readFileSync(file, "utf8");
    return { current, expected: await formatted(file, generators[file]?.(current) ?? current) };
}

async function main(): Promise<void> {
    for (const file of generatedFiles) {
        const { current, expected } = await generate(file);
        if (current !== expected) {
            writeFileSync(file, expected);
        }
        console.log(`${file}: ${current === expected ? "unchanged" : "written"}`);
    }
}

if (import.meta.main) {
    void main();
}
