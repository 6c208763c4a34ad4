/** The one way to wait for something: ask again and again, with one limit. */
import { setTimeout as sleep } from "node:timers/promises";
import { TransientError, UserError } from "../system/errors.ts";

/** The time, which tests replace. In milliseconds. */
export interface Clock {
    readonly now: () => number;
    readonly sleep: (time: number) => Promise<unknown>;
}

/** The time of this machine. */
export const systemClock: Clock = { now: () => performance.now(), sleep };

interface Polling<T> {
    /** Limit of the wait, from the first question that has no answer. */
    readonly seconds: number;
    /** If there is no answer when the time is over: what is said, or what is returned. */
    readonly inVain: string | (() => T);
    /** Time between two questions, in milliseconds: 1000 by default. */
    readonly interval?: number | undefined;
    readonly clock?: Clock | undefined;
    /** Is called before the first wait. */
    readonly onWait?: () => void;
    /** Hears of a failure after which the question is asked again. */
    readonly onFailure?: (error: Error) => void;
}

/**
 * Asks again and again until there is an answer. Undefined and false are none, and a failure that may pass is none either.
 *
 * @throws UserError if there is no answer when the time is over: the last failure, or `inVain`.
 */
export async function poll<T>(
    ask: () => Promise<T | undefined | false>,
    { seconds, inVain, interval = 1000, clock = systemClock, onWait, onFailure }: Polling<T>,
): Promise<T> {
    let end: number | undefined;
    for (;;) {
        let failure: Error | undefined;
        try {
            const answer = await ask();
            if (answer !== undefined && answer !== false) {
                return answer;
            }
        } catch (error) {
            if (!(error instanceof TransientError)) {
                throw error;
            }
            failure = error;
        }
        if (end === undefined) {
            end = clock.now() + seconds * 1000;
            onWait?.();
        }
        if (clock.now() >= end) {
            if (typeof inVain === "function") {
                return inVain();
            }
            throw failure ?? new UserError(inVain);
        }
        if (failure) {
            onFailure?.(failure);
        }
        await clock.sleep(interval);
    }
}

/** Returns an obstacle once it has lasted longer than this many milliseconds. Call it after each look. */
export function lasting<T>(limit: number): (obstacle: T | undefined) => T | undefined {
    let since: number | undefined;
    return (obstacle) => {
        const now = performance.now();
        since = obstacle === undefined ? undefined : (since ?? now);
        return now - (since ?? now) > limit ? obstacle : undefined;
    };
}
