/** The project's and its stacks' files: Pulumi.yaml and Pulumi.<stack>.yaml. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { parse } from "yaml";
import { UserError } from "../system/errors.ts";

/** The part of these files that has values. */
interface Config {
    readonly config?: Readonly<Record<string, unknown>>;
}

/** The project's name. Pulumi.yaml has it, and `pulumi new` changes it. */
export function projectName(): string {
    return (yamlIn("Pulumi.yaml") as { name: string }).name;
}

/** A stack's name without its organization and project, as in organization/project/dev. */
export function shortName(stack: string): string {
    return stack.split("/").at(-1) ?? stack;
}

export function configFile(stack: string): string {
    return `Pulumi.${shortName(stack)}.yaml`;
}

/**
 * Runs an action that may write an `encryptionsalt` into the stack's config file, and takes it out again.
 *
 * The stack's state holds the salt as well, and the config file is one that people commit. A salt that was there before
 * stays.
 */
export function keepingConfigClean<T>(stack: string, action: () => T): T {
    const file = configFile(stack);
    const salt = /^encryptionsalt: .*\n?/m;
    const clean = !existsSync(file) || !salt.test(readFileSync(file, "utf8"));
    try {
        return action();
    } finally {
        const text = existsSync(file) ? readFileSync(file, "utf8") : "";
        if (clean && salt.test(text)) {
            writeFileSync(file, text.replace(salt, ""));
        }
    }
}

/**
 * A config value before there is a Pulumi that could be asked: the stack's file, then the defaults in Pulumi.yaml. It does
 * not see secrets or ESC environments, so it only serves to find the cluster.
 */
export function bootstrapValue(stack: string, key: string): unknown {
    const file = configFile(stack);
    const { config } = (existsSync(file) ? yamlIn(file) : {}) as Config;
    const own = config?.[key];
    if (own !== undefined) {
        return own;
    }
    const project = (yamlIn("Pulumi.yaml") as Config).config?.[key];
    if (typeof project !== "object" || project === null) {
        return project;
    }
    const { value, default: byDefault } = project as { value?: unknown; default?: unknown };
    return value ?? byDefault;
}

/** The stacks that have a config file here. */
export function stacksHere(): readonly string[] {
    return readdirSync(".").flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
}

/** A YAML file. @throws UserError if it is not YAML. */
export function yamlIn(file: string): object {
    try {
        return (parse(readFileSync(file, "utf8")) ?? {}) as object;
    } catch (error) {
        throw new UserError(`${file} is not YAML: ${(error as Error).message}`);
    }
}
