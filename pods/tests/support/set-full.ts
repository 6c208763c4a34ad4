/**
 * Checks a chat the way Jepsen's "set-full" checks a set: writers note what they sent and what they were told, readers note
 * what they saw, and the verdict follows from these notes alone. No two messages may have the same text.
 *
 * An element counts as known from its acknowledgement or its first sight on, whichever is earlier. Every read that begins later
 * must contain it. If the last of these reads does not, it is lost. If an earlier one does not, that read was stale. The app's
 * set is a list, so order is checked as well: of two reads, the earlier must be the beginning of the later.
 *
 * Source of the model: https://jepsen-io.github.io/jepsen/jepsen.checker.html#var-set-full
 */

/** What a writer was told: the message is stored, it is not, or neither is known. */
export type Told = "stored" | "refused" | "unknown";

interface Write {
    readonly text: string;
    readonly end: number;
    readonly told: Told;
}

interface Read {
    readonly begin: number;
    readonly end: number;
    readonly texts: readonly string[];
}

export interface Verdict {
    readonly acknowledged: number;
    readonly refused: number;
    readonly unknown: number;
    readonly reads: number;
    /** Known once, and missing in the last read. */
    readonly lost: readonly string[];
    /** More than once in a read. */
    readonly duplicated: readonly string[];
    /** Missing in a read after they were known, and back in a later one. */
    readonly stale: readonly string[];
    /** In a read, although the writer was told that they are not stored. */
    readonly contradicted: readonly string[];
    /** In a read, although nobody has sent them. */
    readonly invented: readonly string[];
    /** How many reads do not continue the read before. */
    readonly reordered: number;
    /** The longest time without an acknowledgement, in ms. */
    readonly silence: number;
}

export class History {
    private readonly start = performance.now();
    private readonly writes: Write[] = [];
    private readonly reads: Read[] = [];
    private readonly before: ReadonlySet<string>;

    /** @param before messages that were there before, and are not checked. */
    public constructor(before: readonly string[] = []) {
        this.before = new Set(before);
    }

    /** Sends a message, and notes what the writer is told. If that fails, nothing is known. */
    public async write(text: string, send: (text: string) => Promise<Told>): Promise<Told> {
        const told = await send(text).catch(() => "unknown" as const);
        this.writes.push({ text, end: performance.now(), told });
        return told;
    }

    /** Reads all messages, and notes what the reader sees. A read that fails is none. */
    public async read(texts: () => Promise<readonly string[]>): Promise<void> {
        const begin = performance.now();
        const seen = await texts().catch(() => undefined);
        if (seen) {
            const texts = seen.filter((text) => !this.before.has(text));
            this.reads.push({ begin, end: performance.now(), texts });
        }
    }

    public verdict(): Verdict {
        const told = (what: Told): readonly string[] =>
            this.writes.filter((write) => write.told === what).map(({ text }) => text);
        const seen = new Set(this.reads.flatMap(({ texts }) => texts));
        const sent = new Set(this.writes.map(({ text }) => text));
        const absences = this.absences();
        return {
            acknowledged: told("stored").length,
            refused: told("refused").length,
            unknown: told("unknown").length,
            reads: this.reads.length,
            lost: absences.filter(({ isBack }) => !isBack).map(({ text }) => text),
            stale: absences.filter(({ isBack }) => isBack).map(({ text }) => text),
            duplicated: this.duplicated(),
            contradicted: told("refused").filter((text) => seen.has(text)),
            invented: [...seen].filter((text) => !sent.has(text)),
            reordered: this.reordered(),
            silence: this.silence(),
        };
    }

    /** The messages that a read does not have although they were known when it began. */
    private absences(): { text: string; isBack: boolean }[] {
        const reads = this.reads
            .map(({ begin, end, texts }) => ({ begin, end, texts: new Set(texts) }))
            .sort((one, other) => one.begin - other.begin);
        const known = new Map<string, number>();
        const learn = (text: string, time: number): void => {
            known.set(text, Math.min(time, known.get(text) ?? Infinity));
        };
        for (const { text, end, told } of this.writes) {
            learn(text, told === "stored" ? end : Infinity);
        }
        for (const { end, texts } of reads) {
            texts.forEach((text) => {
                learn(text, end);
            });
        }
        return [...known].flatMap(([text, time]) => {
            const later = reads.filter(({ begin }) => begin >= time);
            const isMissing = later.some(({ texts }) => !texts.has(text));
            return isMissing ? [{ text, isBack: later.at(-1)?.texts.has(text) ?? false }] : [];
        });
    }

    private duplicated(): readonly string[] {
        const twice = this.reads.flatMap(({ texts }) =>
            new Set(texts).size < texts.length ? texts.filter((text, at) => texts.indexOf(text) !== at) : [],
        );
        return [...new Set(twice)];
    }

    private reordered(): number {
        const reads = [...this.reads].sort((one, other) => one.end - other.end);
        return reads.filter(({ texts }, index) => {
            const before = reads.slice(0, index).findLast(({ end }) => end <= (reads[index]?.begin ?? 0));
            return before?.texts.some((text, at) => texts[at] !== text);
        }).length;
    }

    private silence(): number {
        const ends = this.writes.filter(({ told }) => told === "stored").map(({ end }) => end);
        const last = Math.max(this.start, ...this.writes.map(({ end }) => end));
        const times = [this.start, ...ends.sort((one, other) => one - other), last];
        return Math.max(0, ...times.slice(1).map((time, index) => time - (times[index] ?? time)));
    }
}
