/** The restarts of the api that the supervisor records, a line of JSON each. */
import { statSync } from "node:fs";
import { readIfThere } from "./database.ts";

export interface Restart {
    /** The number of the restart within the pod, from 1. */
    readonly number: number;
    readonly at: Date;
    readonly code: number;
}

/** A guard that starts again reports restarts of the last minutes once more: the ones that it may not have reported. */
const recent = 10 * 60 * 1000;

export class Restarts {
    private readonly path: string;
    private readonly started = Date.now();
    private size = 0;
    private reported = 0;

    public constructor(path: string) {
        this.path = path;
    }

    /** The restarts since the last call. */
    public next(): readonly Restart[] {
        const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
        if (size === this.size) {
            return [];
        }
        this.size = size;
        const lines = (readIfThere(this.path)?.toString() ?? "").split("\n").slice(0, -1);
        const found = lines
            .slice(this.reported)
            .map((line, index) => restart(line, this.reported + index + 1));
        this.reported = lines.length;
        return found
            .filter((one) => one !== undefined)
            .filter(({ at }) => at.getTime() > this.started - recent);
    }
}

function restart(line: string, number: number): Restart | undefined {
    try {
        const { at, code } = JSON.parse(line) as { at: number; code: number };
        return { number, at: new Date(at * 1000), code };
    } catch {
        return undefined; // The disk was full.
    }
}
