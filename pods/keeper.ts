/** Mirrors the api's file after each completed write, repairs it if it is torn, and puts back what it has lost. */
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { keepMirror, keepTorn, newestBackup } from "./copies.ts";
import { type Message, memoryProblem, merge, parse, readIfThere, render, salvage } from "./database.ts";
import { flush, writeDurably } from "./durable.ts";
import { Mirror } from "./mirror.ts";

/** What the guard reports, as the reason of an Event. */
export type Reason =
    | "ApiRestarted"
    | "ApiFileRepaired"
    | "ApiFileShorter"
    | "ApiFileLarge"
    | "ApiMessagesPutBack"
    | "ApiGuardFailed"
    | "ApiGuardRecovered"
    | "BackupOverdue";
export type Report = (reason: Reason, message: string) => void;

/** A file that stays invalid and unchanged this long is torn. Before that, the app may still be writing it. */
const patience = 2000;

/** Two writes within one tick of the file system's clock look alike, so a file that rests this long is read once more. */
const tick = 20;

/**
 * The app writes its file in place, so a file that no longer continues the mirror has lost messages: the app has overwritten
 * them with an older list, or a power cut has undone a write that was never synchronized. These messages are put back. A
 * restore replaces the file by a rename, which gives it a new inode. The mirror then follows the file.
 */
export class Keeper {
    private readonly file: string;
    private readonly folder: string;
    private readonly mirror: Mirror;
    private readonly inodePath: string;
    private readonly backups: string | undefined;
    private readonly report: Report;
    private readonly memory: number;

    private isLoaded = false;
    private isLarge = false;
    /** The inode of the file that the mirror follows. */
    private inode: string | undefined;
    /** The file's state when it was last read, and since when it has been in this state. */
    private state = "";
    private since = 0;
    private isAtRest = false;
    private isWhole = false;
    /** How many messages the mirror has and the file has not. */
    private missing = 0;
    /** Why the last attempt failed. Empty: it did not. */
    private failure = "";
    private added: readonly Message[] = [];
    /** The copy of a torn file that was kept last, and the state that the file was in. */
    private kept: { readonly state: string; readonly path: string } | undefined;

    /**
     * @param backups folder of the backups. Undefined if there are none.
     * @param memory of the api, in bytes.
     */
    public constructor(file: string, backups: string | undefined, report: Report, memory = Infinity) {
        this.file = file;
        this.folder = join(dirname(file), ".guard");
        this.mirror = new Mirror(join(this.folder, "mirror.json"));
        this.inodePath = join(this.folder, "inode");
        this.backups = backups;
        this.report = report;
        this.memory = memory;
    }

    /** Whether the file was complete at the last look, so that the mirror has all its messages. */
    public get isMirrored(): boolean {
        return this.isWhole;
    }

    /** Whether messages wait to be put back. */
    public get isBehind(): boolean {
        return this.missing > 0;
    }

    /** The messages in the layout of the file. */
    public get bytes(): Buffer {
        return this.mirror.bytes;
    }

    /** The messages that have been mirrored since the last call. */
    public takeAdded(): readonly Message[] {
        const { added } = this;
        this.added = [];
        return added;
    }

    /** Looks at the file once. Call it after each change and regularly. */
    public look(now = performance.now()): boolean {
        return this.attempt(() => {
            this.lookOnce(now);
        });
    }

    /** Adds a message that the app has acknowledged and lost. */
    public add(message: Message): boolean {
        return this.attempt(() => {
            this.mirror.replace(Buffer.from(render([...this.mirror.messages(), message])));
            this.missing++;
        });
    }

    /** Puts back what the file has lost. Call it while nobody posts. If the app writes at the same time, the next call does it. */
    public putBack(): boolean {
        return this.attempt(() => {
            if (this.isBehind && this.isAtRest && stateOf(this.file) === this.state) {
                this.replaceFile(this.mirror.bytes);
                const [verb, count] = [this.missing === 1 ? "was" : "were", numberOf(this.missing)];
                this.missing = 0;
                this.report(
                    "ApiMessagesPutBack",
                    `${count} of ${this.file} ${verb} overwritten by another write, or undone by a power cut, and ${verb} put back.`,
                );
            }
        });
    }

    /** False: the work failed, which is reported. The next call tries it again. */
    private attempt(work: () => void): boolean {
        try {
            work();
        } catch (error) {
            const { message } = error as Error;
            if (message !== this.failure) {
                this.failure = message;
                this.report(
                    "ApiGuardFailed",
                    `The guard cannot mirror or repair ${this.file}, and keeps trying: ${message}`,
                );
            }
            return false;
        }
        if (this.failure !== "" && this.isMirrored && !this.isBehind) {
            this.failure = "";
            this.report("ApiGuardRecovered", `The guard mirrors ${this.file} again.`);
        }
        return true;
    }

    private lookOnce(now: number): void {
        this.load();
        const state = stateOf(this.file);
        if (state !== this.state) {
            this.read(state);
            this.state = state;
            this.since = now;
            this.isAtRest = false;
        } else if (!this.isAtRest && now - this.since >= tick) {
            this.read(state);
            this.isAtRest = true;
        } else if (!this.isWhole && now - this.since >= patience) {
            this.since = now;
            this.repair();
        }
    }

    private load(): void {
        if (!this.isLoaded) {
            this.mirror.load();
            this.inode = readIfThere(this.inodePath)?.toString();
            this.isLoaded = true;
        }
    }

    private read(state: string): void {
        this.isWhole = false;
        const bytes = readIfThere(this.file);
        // If the app has written in the meantime, the next look reads the file again.
        if (!bytes || stateOf(this.file) !== state) {
            return;
        }
        const added = this.mirror.added(bytes);
        if (added) {
            if (added.length > 0) {
                this.mirror.append(bytes);
            }
            this.missing = 0;
            this.added = [...this.added, ...added];
        } else {
            const messages = parse(bytes.toString());
            if (!messages) {
                return;
            }
            this.compare(bytes, messages);
        }
        this.follow();
        this.isWhole = true;
        this.warnIfLarge(bytes.length);
    }

    private warnIfLarge(size: number): void {
        const problem = memoryProblem(size, this.memory);
        if (problem !== undefined && !this.isLarge) {
            this.report("ApiFileLarge", problem);
        }
        this.isLarge = problem !== undefined;
    }

    /** The mirror takes over a file that does not continue it. */
    private compare(bytes: Buffer, messages: readonly Message[]): void {
        const known = this.mirror.messages();
        const all = merge(known, messages);
        const missing = all.length - messages.length;
        const isReplaced = inodeOf(this.file) !== this.inode;
        // If an earlier attempt has failed after this, the mirror is already kept.
        if (missing > 0 && isReplaced && existsSync(this.mirror.path)) {
            const kept = keepMirror(this.mirror.path, this.folder);
            this.report(
                "ApiFileShorter",
                `${this.file} was replaced. It has ${numberOf(messages.length)}, and no longer ${String(missing)} of ` +
                    `${String(known.length)} from before. These are kept in ${kept}.`,
            );
        }
        this.missing = isReplaced ? 0 : missing;
        this.mirror.replace(this.isBehind ? Buffer.from(render(all)) : bytes);
        this.added = [...this.added, ...all.slice(known.length)];
    }

    /** Replaces a torn file by all messages that any copy has. */
    private repair(): void {
        const torn = readIfThere(this.file);
        const mirror = this.mirror.bytes.length > 0 ? this.mirror.messages() : undefined;
        const backup = torn && newestBackup(this.backups, this.mirror.path);
        if (!torn && !mirror) {
            return; // The app has not yet written its first file on this volume.
        }
        const salvaged = salvage(torn?.toString() ?? "");
        const all = [salvaged, backup ?? []].reduce(merge, mirror ?? []);
        const kept = torn && this.keep(torn);
        if (stateOf(this.file) !== this.state) {
            return; // Somebody else has replaced the file.
        }
        this.replaceFile(Buffer.from(render(all)));
        this.report(
            "ApiFileRepaired",
            `${this.file} was ${kept ? "torn" : "missing"} and now has ${numberOf(all.length)}. Found in the file: ` +
                `${found(salvaged)}, in the mirror: ${found(mirror)}, in a newer backup: ${found(backup)}.` +
                (kept ? ` The torn file is kept in ${kept}.` : ""),
        );
    }

    /** Keeps a torn file once, even if its repair fails several times. */
    private keep(torn: Buffer): string {
        if (this.kept?.state !== this.state) {
            this.kept = { state: this.state, path: keepTorn(this.file, torn, this.folder) };
        }
        return this.kept.path;
    }

    /** Writes the file. The next look reads it, and mirrors what is new in it. */
    private replaceFile(bytes: Buffer): void {
        writeDurably(this.file, bytes);
        this.follow();
    }

    /** Remembers the inode, and makes the file's name survive a power cut: an app that finds no file begins a new one. */
    private follow(): void {
        const inode = inodeOf(this.file);
        if (inode !== this.inode) {
            [this.file, dirname(this.file)].forEach(flush);
            writeDurably(this.inodePath, inode);
            this.inode = inode;
        }
    }
}

/** Tells apart every two states of a file that the app or a rename can make. */
function stateOf(path: string): string {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats ? [stats.ino, stats.size, stats.mtimeNs].join(" ") : "missing";
}

/** Tells apart files that had the same name. The number alone does not: file systems use it again. */
function inodeOf(path: string): string {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats ? [stats.ino, stats.birthtimeNs].join(" ") : "missing";
}

function numberOf(messages: number): string {
    return `${String(messages)} ${messages === 1 ? "message" : "messages"}`;
}

function found(messages: readonly Message[] | undefined): string {
    return messages ? String(messages.length) : "none";
}
