/** `npm run docs`: writes what config/keys.ts says about the config keys into Pulumi.yaml and docs/configuration.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { type Scalar, type YAMLMap, isMap, parseDocument } from "yaml";
import { type Key, keys } from "../config/keys.ts";
import { formatted, replaceGenerated, table } from "./markdown.ts";

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

const all: readonly (readonly [string, Key<unknown>])[] = Object.entries(keys);

/**
 * Pulumi.yaml with a `config:` block of every key. The defaults are there so that `pulumi config` shows them. No key has a
 * type: Pulumi would check types one at a time, before the program can report all problems at once.
 *
 * @param text Pulumi.yaml as it is. Everything outside of the block stays, and in it the keys of other namespaces:
 *   `pulumi new` writes pulumi:tags there.
 */
export function withConfigBlock(text: string): string {
    const document = parseDocument(text);
    const block = document.createNode(
        Object.fromEntries(all.map(([name, key]) => [name, describedKey(key)])),
    );
    const old = document.get("config", true);
    const foreign = isMap<Scalar<string>>(old) ? old.items.filter(({ key }) => key.value.includes(":")) : [];
    (block as YAMLMap).items.push(...foreign);
    document.set("config", block);
    for (const [name, key] of all) {
        if (document.hasIn(["template", "config", name])) {
            document.setIn(["template", "config", name], document.createNode(describedKey(key)));
        }
    }
    return document.toString({ lineWidth: 0 });
}

function describedKey({ description, default: value }: Key<unknown>): object {
    return { description, default: value };
}

/** The table of all keys. */
export function configTable(): string {
    return table(
        ["Key", "Default", "Allowed", "Meaning"],
        all.map(([name, key]) => [code(name), defaultOf(key), key.allowed, sentence(key.description)]),
    );
}

function sentence(text: string): string {
    return text.endsWith(".") ? text : `${text}.`;
}

function defaultOf({ default: value }: Key<unknown>): string {
    if (typeof value === "string") {
        return value === "" ? "empty" : code(value);
    }
    const parts = Array.isArray(value)
        ? value.map(String)
        : Object.entries(value).map((pair) => pair.join(": "));
    return parts.length === 0 ? "empty" : code(parts.join(", "));
}

function code(text: string): string {
    return `\`${text}\``;
}

if (import.meta.main) {
    for (const file of generatedFiles) {
        const { current, expected } = await generate(file);
        writeFileSync(file, expected);
        console.log(`${file}: ${current === expected ? "unchanged" : "written"}`);
    }
}
