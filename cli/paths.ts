/** Paths as a person means them. */
import { resolve } from "node:path";

/** A path from the folder in which the person called npm: `npm run` changes to the folder of the project. */
export function callersPath(path: string): string {
    return resolve(process.env.INIT_CWD ?? ".", path);
}

/** A word of a command as a POSIX shell reads it. */
export function shellWord(word: string): string {
    return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
