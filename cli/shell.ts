/** What a shell needs so that plain pulumi and kubectl work as they do in the commands, and how it reads words and paths. */
import { resolve } from "node:path";
import type { Environment } from "../system/process.ts";

/** The variables of `after` that differ from `before`. */
export function changesOf(before: Environment, after: Environment): Readonly<Record<string, string>> {
    const changed = Object.entries(after).filter(([name, value]) => value !== before[name]);
    return Object.fromEntries(changed.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** The variables of `after` that differ from `before`, as lines for a POSIX shell. */
export function exportsOf(before: Environment, after: Environment): string {
    return Object.entries(changesOf(before, after))
        .map(
            ([name, value]) => `export ${name}=${name === "PATH" ? path(value, before) : shellWord(value)}\n`,
        )
        .join("");
}

/** What is put before and after the PATH. The shell's own may differ from the one of this process, which npm has changed. */
function path(value: string, before: Environment): string {
    const parts = value.split(before.PATH ?? "");
    return parts.map((part) => part && shellWord(part)).join('"$PATH"');
}

/** The line that a shell like this one needs before plain pulumi and kubectl work as in an environment. */
export function setupFor(env: Environment, stack: string | undefined): string | undefined {
    return exportsOf(process.env, env) === "" ? undefined : setupLine(stack);
}

/** The one line that is enough in a new terminal, for a stack that is not the selected one if it is named. */
export function setupLine(stack?: string): string {
    return `cd ${shellWord(process.cwd())} && eval "$(npm run -s env${stack === undefined ? "" : ` -- ${stack}`})"`;
}

/** A path from the folder in which the person called npm: `npm run` changes to the folder of the project. */
export function callersPath(path: string): string {
    return resolve(process.env.INIT_CWD ?? ".", path);
}

/** A word of a command as a POSIX shell reads it. */
export function shellWord(word: string): string {
    return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
