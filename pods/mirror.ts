/**
 * The guard's own copy of the messages. What is new is appended and synchronized, so a copy of many messages costs no more
 * than one of few, and what was written before is not written again.
 */
import { closeSync, fdatasyncSync, ftruncateSync, mkdirSync, openSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { type Message, parse, readIfThere, render, salvage } from "./database.ts";
import { writeDurably } from "./durable.ts";

/** How the app's list ends, after its last message. */
const end = "\n]".length;

export class Mirror {
    public readonly path: string;
    private held: Buffer = Buffer.alloc(0);

    public constructor(path: string) {
        this.path = path;
    }

    /** What it holds, in the layout of the app's file. Empty: nothing yet. */
    public get bytes(): Buffer {
        return this.held;
    }

    public messages(): readonly Message[] {
        return parse(this.held.toString()) ?? [];
    }

    /** Reads it from the disk. A kill during an append leaves a torn end. All messages before it are complete. */
    public load(): void {
        const bytes = readIfThere(this.path);
        if (bytes && parse(bytes.toString())) {
            this.held = bytes;
        } else if (bytes) {
            this.replace(Buffer.from(render(salvage(bytes.toString()))));
        }
    }

    /** The messages that this state of the file adds. Undefined if it does not continue the mirror byte for byte. */
    public added(file: Buffer): readonly Message[] | undefined {
        const known = this.held.length - end;
        if (this.held.equals(file)) {
            return this.held.length === 0 ? undefined : [];
        }
        const continues = known > end && file.subarray(0, known).equals(this.held.subarray(0, known));
        return continues && file[known] === ",".charCodeAt(0)
            ? parse(`[${file.subarray(known + 1).toString()}`)
            : undefined;
    }

    /** Writes what a state of the file adds, over the end of the list. */
    public append(file: Buffer): void {
        const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
        if (size < this.held.length) {
            this.replace(file); // Somebody has changed or deleted the mirror.
            return;
        }
        const descriptor = openSync(this.path, "r+");
        try {
            for (let at = this.held.length - end; at < file.length;) {
                at += writeSync(descriptor, file, at, file.length - at, at);
            }
            if (size > file.length) {
                ftruncateSync(descriptor, file.length); // An earlier attempt has failed.
            }
            fdatasyncSync(descriptor);
        } finally {
            closeSync(descriptor);
        }
        this.held = file;
    }

    public replace(bytes: Buffer): void {
        mkdirSync(dirname(this.path), { recursive: true });
        writeDurably(this.path, bytes);
        this.held = bytes;
    }
}
