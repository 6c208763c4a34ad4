/** Mirrors the api's file after each completed write, repairs it if it is torn, and puts back what it has lost. */
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { keepMirror, keepTorn, newestBackup } from "./copies.ts";
import { type Message, memoryProblem, merge, parse, readIfThere, render, salvage } from "./database.ts";
import { flush, writeDurably } from "./durable.ts";
import { Mirror } from "./mirror.ts";

/** Makes an Event with this reason. */
export type Report = (reason: string, message: string) => void;

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
    public readonly mirror: Mirror;
    /** Whether the file was complete at the last look, so that the mirror has all its messages. */
    public isMirrored = false;
    /** The messages that were mirrored since somebody has emptied this list. */
    public added: readonly Message[] = [];

    private readonly file: string;
    private readonly folder: string;
    private readonly backups: string | undefined;
    private readonly report: Report;
    private readonly memory: number;

    private isLarge = false;
    /** The inode of the file that the mirror follows. Undefined before the first look. */
    private inode: string | undefined;
    /** The file's state when it was last read, and since when it has been in this state. */
    private state = "";
    private since = 0;
    private isAtRest = false;
    /** How many messages the mirror has and the file has not. */
    private missing = 0;
    /** Why the last attempt failed. Empty: it did not. */
    private failure = "";

    /**
     * @param backups folder of the backups. Undefined if there are none.
     * @param memory of the api, in bytes.
     */
    public constructor(file: string, backups: string | undefined, report: Report, memory = Infinity) {
        this.file = file;
        this.folder = join(dirname(file), ".guard");
        this.mirror = new Mirror(join(this.folder, "mirror.json"));
        this.backups = backups;
        this.report = report;
        this.memory = memory;
    }

    /** Whether file and mirror have the same messages. */
    public get isSettled(): boolean {
        return this.isMirrored && this.missing === 0;
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
            if (this.missing > 0 && this.isAtRest && stateOf(this.file) === this.state) {
                this.replaceFile(this.mirror.bytes);
                const lost = numberOf(this.missing);
                this.missing = 0;
                this.report(
                    "ApiMessagesPutBack",
                    `${this.file} had lost ${lost} to another write or to a power cut. The guard has put back what was lost.`,
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
        if (this.failure !== "" && this.isSettled) {
            this.failure = "";
            this.report("ApiGuardRecovered", `The guard mirrors ${this.file} again.`);
        }
        return true;
    }

    private lookOnce(now: number): void {
        if (this.inode === undefined) {
            this.mirror.load();
            this.inode = readIfThere(join(this.folder, "inode"))?.toString() ?? "unknown";
        }
        const state = stateOf(this.file);
        if (state !== this.state) {
            this.read(state);
            this.state = state;
            this.since = now;
            this.isAtRest = false;
        } else if (!this.isAtRest && now - this.since >= tick) {
            this.read(state);
            this.isAtRest = true;
        } else if (!this.isMirrored && now - this.since >= patience) {
            this.since = now;
            this.repair();
        }
    }

    private read(state: string): void {
        this.isMirrored = false;
        const bytes = readIfThere(this.file);
        // If the app has written in the meantime, the next look reads the file again.
        if (!bytes || stateOf(this.file) !== state) {
            return;
        }
        const next = this.mirror.append(bytes);
        if (next) {
            this.missing = 0;
        }
        const added = next ?? this.takeOver(bytes);
        if (added) {
            this.added = [...this.added, ...added];
            this.follow();
            this.isMirrored = true;
            this.warnIfLarge(bytes.length);
        }
    }

    private warnIfLarge(size: number): void {
        const problem = memoryProblem(size, this.memory);
        if (problem !== undefined && !this.isLarge) {
            this.report("ApiFileLarge", problem);
        }
        this.isLarge = problem !== undefined;
    }

    /** The mirror takes over a file that does not continue it. Returns what is new in it. Undefined if it is not complete. */
    private takeOver(bytes: Buffer): readonly Message[] | undefined {
        const messages = parse(bytes.toString());
        if (!messages) {
            return undefined;
        }
        const known = this.mirror.messages();
        const all = merge(known, messages);
        const missing = all.length - messages.length;
        const isReplaced = inodeOf(this.file) !== this.inode;
        // If an earlier attempt has failed after this, the mirror is already kept.
        if (missing > 0 && isReplaced && existsSync(this.mirror.path)) {
            const kept = keepMirror(this.mirror.path, this.folder);
            this.report(
                "ApiFileShorter",
                `${this.file} was replaced. It has ${numberOf(messages.length)}, and no longer ${missing} of ` +
                    `${known.length} from before. These are kept in ${kept}.`,
            );
        }
        this.missing = isReplaced ? 0 : missing;
        this.mirror.replace(this.missing > 0 ? Buffer.from(render(all)) : bytes);
        return all.slice(known.length);
    }

    /** Replaces a torn file by all messages that any copy has. */
    private repair(): void {
        const torn = readIfThere(this.file);
        if (!torn && this.mirror.bytes.length === 0) {
            return; // The app has not yet written its first file on this volume.
        }
        const mirror = this.mirror.messages();
        const backup = torn ? newestBackup(this.backups, this.mirror.path) : [];
        const salvaged = salvage(torn?.toString() ?? "");
        const all = [salvaged, backup].reduce(merge, mirror);
        const kept = torn && keepTorn(this.file, torn, this.folder);
        if (stateOf(this.file) !== this.state) {
            return; // Somebody else has replaced the file.
        }
        this.replaceFile(Buffer.from(render(all)));
        this.report(
            "ApiFileRepaired",
            `${this.file} was ${kept ? "torn" : "missing"} and now has ${numberOf(all.length)}. Found in the file: ` +
                `${salvaged.length}, in the mirror: ${mirror.length}, in a newer backup: ${backup.length}.` +
                (kept ? ` The torn file is kept in ${kept}.` : ""),
        );
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
            writeDurably(join(this.folder, "inode"), inode);
            this.inode = inode;
        }
    }
}

/** Tells apart every two states of a file that the app or a rename can make. */
function stateOf(path: string): string {
    return tellApart(path, "ino", "size", "mtimeNs");
}

/** Tells apart files that had the same name. The number alone does not: file systems use it again. */
function inodeOf(path: string): string {
    return tellApart(path, "ino", "birthtimeNs");
}

function tellApart(path: string, ...fields: ("ino" | "size" | "mtimeNs" | "birthtimeNs")[]): string {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats ? fields.map((field) => stats[field]).join(" ") : "missing";
}

function numberOf(messages: number): string {
    return `${messages} ${messages === 1 ? "message" : "messages"}`;
}
