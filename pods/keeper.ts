/** Mirrors the api's file after each completed write, and repairs it if it is torn. */
import { mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { keepMirror, keepTorn, newestBackup } from "./copies.ts";
import { type Copy, readBack, readIfThere, render, salvage, writeDurably } from "./database.ts";

/** What the guard reports, as the reason of an Event. */
export type Reason =
    "ApiRestarted" | "ApiFileRepaired" | "ApiFileShorter" | "ApiGuardFailed" | "ApiGuardRecovered";
export type Report = (reason: Reason, message: string) => void;

/** A file that stays invalid and unchanged this long is torn. Before that, the app may still be writing it. */
const patience = 2000;

export class Keeper {
    private readonly file: string;
    private readonly folder: string;
    private readonly mirrorPath: string;
    private readonly backups: string | undefined;
    private readonly report: Report;

    private mirror: Copy | undefined;
    /** The file's state when it was last read, and since when it has been in this state. */
    private state = "";
    private since = 0;
    private invalid = false;
    /** The copy of a torn file that was kept last, and the state that the file was in. */
    private kept: { readonly state: string; readonly path: string } | undefined;

    /** @param backups folder of the backups. Undefined if there are none. */
    public constructor(file: string, backups: string | undefined, report: Report) {
        this.file = file;
        this.folder = join(dirname(file), ".guard");
        this.mirrorPath = join(this.folder, "mirror.json");
        this.backups = backups;
        this.report = report;
    }

    /** Looks at the file once. Call it after each change and regularly. If it throws, the next call tries again. */
    public look(now = performance.now()): void {
        this.mirror ??= readBack(this.mirrorPath);
        const state = stateOf(this.file);
        if (state !== this.state) {
            this.read(state);
            this.state = state;
            this.since = now;
        } else if (this.invalid && now - this.since >= patience) {
            this.since = now;
            this.repair();
        }
    }

    private read(state: string): void {
        const copy = readBack(this.file);
        this.invalid = !copy;
        // If the app has written in the meantime, the next look reads the file again.
        if (copy && stateOf(this.file) === state && !this.mirror?.bytes.equals(copy.bytes)) {
            this.update(copy);
        }
    }

    private update(copy: Copy): void {
        const old = this.mirror;
        if (old && copy.messages.length < old.messages.length) {
            this.mirror = undefined;
            const kept = keepMirror(this.mirrorPath, this.folder);
            this.report(
                "ApiFileShorter",
                `${this.file} has ${count(copy)}, but had ${count(old)} before. ` +
                    `The messages from before are kept in ${kept}.`,
            );
        }
        mkdirSync(this.folder, { recursive: true });
        writeDurably(this.mirrorPath, copy.bytes);
        this.mirror = copy;
    }

    /** Replaces a torn file by the longest copy: each earlier state of the file is a prefix of each later one. */
    private repair(): void {
        const torn = readIfThere(this.file);
        const { mirror } = this;
        const backup = torn && newestBackup(this.backups, this.mirrorPath);
        if (!torn && !mirror) {
            return; // The app has not yet written its first file on this volume.
        }
        const salvaged = copyOf(salvage(torn?.toString() ?? ""));
        const best = [mirror, salvaged, backup]
            .filter((copy) => copy !== undefined)
            .reduce((one, other) => (other.messages.length > one.messages.length ? other : one));
        const kept = torn && this.keep(torn);
        if (stateOf(this.file) !== this.state) {
            return; // Somebody else has replaced the file.
        }
        writeDurably(this.file, best.bytes);
        this.report(
            "ApiFileRepaired",
            `${this.file} was ${kept ? "torn" : "missing"} and now has ${count(best)}. Found in the file: ` +
                `${number(salvaged)}, in the mirror: ${number(mirror)}, in a newer backup: ${number(backup)}.` +
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
}

function copyOf(messages: Copy["messages"]): Copy {
    return { bytes: Buffer.from(render(messages)), messages };
}

/** Tells apart every two states of a file that the app or a rename can make. */
function stateOf(path: string): string {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats ? [stats.ino, stats.size, stats.mtimeNs].join(" ") : "missing";
}

function count({ messages }: Copy): string {
    return `${String(messages.length)} ${messages.length === 1 ? "message" : "messages"}`;
}

function number(copy: Copy | undefined): string {
    return copy ? String(copy.messages.length) : "none";
}
