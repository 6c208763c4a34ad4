/** Keeps the api's file: a mirror of every completed write, and a repair if the file is torn. */
import { readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Message, parse, readIfThere, render, salvage, timeName, writeDurably } from "./database.ts";

/** What the keeper reports. Each becomes an Event. */
export interface Report {
    readonly reason: "ApiFileRepaired" | "ApiFileShorter";
    readonly message: string;
    /** How many messages the file has now. */
    readonly messages: number;
}

/** Where the keeper's files are. */
export interface KeeperPaths {
    /** The api's file. */
    readonly database: string;
    /** Folder with the backups. Undefined: there are none. */
    readonly backups: string | undefined;
}

/** How long a file must stay invalid and unchanged to be torn, in ms: less may be a write that goes on. */
export const tornAfter = 2000;

const copiesKept = 5;

/** Looks at the file again and again. */
export class Keeper {
    private readonly paths: KeeperPaths;
    private readonly folder: string;
    /** What the file was at the last look. */
    private seen = "";
    /** Since when the file is invalid and unchanged, in ms. */
    private invalidSince = 0;

    public constructor(paths: KeeperPaths) {
        this.paths = paths;
        this.folder = join(dirname(paths.database), ".guard");
    }

    /**
     * Mirrors the file if it has changed, and repairs it if it is torn.
     *
     * @param now moment of this look, in ms.
     */
    public look(now = performance.now()): Report | undefined {
        const version = versionOf(this.paths.database);
        if (version === undefined) {
            // The app writes [] when it starts without a file.
            this.seen = "";
            return undefined;
        }
        if (version === this.seen) {
            return this.invalidSince > 0 && now - this.invalidSince >= tornAfter ? this.repair() : undefined;
        }
        this.seen = version;
        const messages = parse(readIfThere(this.paths.database) ?? "");
        this.invalidSince = messages ? 0 : now;
        return messages && this.mirror(messages);
    }

    private mirror(messages: readonly Message[]): Report | undefined {
        const path = join(this.folder, "mirror.json");
        const before = readIfThere(path);
        const text = render(messages);
        if (before === text) {
            return undefined;
        }
        const had = before === undefined ? 0 : (parse(before)?.length ?? 0);
        const isShorter = before !== undefined && had > messages.length;
        if (isShorter) {
            this.keep("shorter", before);
        }
        writeDurably(path, text);
        return isShorter
            ? {
                  reason: "ApiFileShorter",
                  message: `The api's file had ${had} messages and has ${messages.length} now. The ${had} are in ${this.folder}/shorter-*.json.`,
                  messages: messages.length,
              }
            : undefined;
    }

    private repair(): Report | undefined {
        const { database } = this.paths;
        const torn = readIfThere(database);
        if (torn === undefined || parse(torn)) {
            return undefined;
        }
        const sources = this.sources(torn);
        if (torn === "" && sources.every(({ messages }) => messages === undefined)) {
            return undefined; // never used
        }
        const [best] = sources
            .map(({ name, messages }) => ({ name, messages: messages ?? [] }))
            .sort((a, b) => b.messages.length - a.messages.length);
        const { name, messages } = best ?? { name: "the file itself", messages: [] };
        this.keep("torn", torn);
        writeDurably(database, render(messages));
        this.invalidSince = 0;
        return {
            reason: "ApiFileRepaired",
            message: `The api's file was torn after ${salvage(torn).length} complete messages. It has ${messages.length} now, from ${name}. The torn file is in ${this.folder}/torn-*.json.`,
            messages: messages.length,
        };
    }

    /** Every earlier state of the file is a prefix of every later one, so the longest source has all. */
    private sources(torn: string): readonly { name: string; messages: readonly Message[] | undefined }[] {
        const mirror = readIfThere(join(this.folder, "mirror.json"));
        const backup = this.newestBackup();
        return [
            { name: "the mirror", messages: mirror === undefined ? undefined : parse(mirror) },
            { name: "the newest backup", messages: backup },
            { name: "the file itself", messages: torn === "" ? undefined : salvage(torn) },
        ];
    }

    private newestBackup(): readonly Message[] | undefined {
        const { backups } = this.paths;
        for (const name of backups === undefined ? [] : namesIn(backups, /^\d.*\.json$/).reverse()) {
            const messages = parse(readIfThere(join(backups ?? "", name)) ?? "");
            if (messages) {
                return messages;
            }
        }
        return undefined;
    }

    /** Keeps a copy of what is about to be replaced, and the newest few of its kind. */
    private keep(kind: "torn" | "shorter", text: string): void {
        writeDurably(join(this.folder, `${kind}-${timeName()}.json`), text);
        const names = namesIn(this.folder, new RegExp(`^${kind}-.*\\.json$`));
        names.slice(0, -copiesKept).forEach((name) => {
            rmSync(join(this.folder, name));
        });
    }
}

/** Changes with every write to the file. Undefined if there is no such file. */
function versionOf(path: string): string | undefined {
    const found = statSync(path, { throwIfNoEntry: false, bigint: true });
    return found && `${found.ino} ${found.size} ${found.mtimeNs}`;
}

function namesIn(folder: string, pattern: RegExp): string[] {
    try {
        return readdirSync(folder)
            .filter((name) => pattern.test(name))
            .sort();
    } catch {
        return [];
    }
}
