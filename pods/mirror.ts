/**
 * The guard's own copy of the messages. What is new is appended and synchronized, so a copy of many messages costs no more
 * than one of few, and what was written before is not written again.
 */
import { appendFileSync, mkdirSync, statSync, truncateSync } from "node:fs";
import { dirname } from "node:path";
import { type Message, parse, readIfThere, render, salvage } from "./database.ts";
import { writeDurably } from "./durable.ts";

/** How the app's list ends, after its last message. */
const end = "\n]".length;

export class Mirror {
    public readonly path: string;
    /** What it holds, in the layout of the app's file. Empty: nothing yet. */
    public bytes: Buffer = Buffer.alloc(0);

    public constructor(path: string) {
        this.path = path;
    }

    public messages(): readonly Message[] {
        return parse(this.bytes.toString()) ?? [];
    }

    /** Reads it from the disk. A kill during an append leaves a torn end. All messages before it are complete. */
    public load(): void {
        const text = readIfThere(this.path)?.toString();
        if (text !== undefined && !parse(text)) {
            writeDurably(this.path, render(salvage(text)));
        }
        this.bytes = readIfThere(this.path) ?? this.bytes;
    }

    /** Appends what this state of the file adds, and returns it. Undefined if the file does not continue the mirror. */
    public append(file: Buffer): readonly Message[] | undefined {
        const known = this.bytes.length - end;
        const continues = known > end && file.subarray(0, known).equals(this.bytes.subarray(0, known));
        // In front of what follows the last message that is known, another one makes it a list.
        const added = continues ? parse(`[{}${file.subarray(known).toString()}`)?.slice(1) : undefined;
        if (added && added.length > 0) {
            this.writeFrom(known, file);
        }
        return added;
    }

    public replace(bytes: Buffer): void {
        mkdirSync(dirname(this.path), { recursive: true });
        writeDurably(this.path, bytes);
        this.bytes = bytes;
    }

    private writeFrom(known: number, file: Buffer): void {
        const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
        if (size < known) {
            this.replace(file); // Somebody has changed or deleted the mirror.
            return;
        }
        truncateSync(this.path, known); // Cuts off the end of the list, and what an earlier attempt has left.
        appendFileSync(this.path, file.subarray(known), { flush: true });
        this.bytes = file;
    }
}
