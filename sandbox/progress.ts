const begin = performance.now();

/** A plain line with the seconds since the start: it reads the same at a terminal and in the log of a CI run. */
export function say(line: string): void {
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    process.stdout.write(`[${seconds.padStart(6)} s] ${line}\n`);
}

/** An upper bound, since what Go has compiled before is not compiled (and not counted) again. */
export function atMostMinutesLeft(done: number, total: number, coldMinutes: number): number {
    const left = total === 0 ? 0 : Math.max(0, 1 - done / total);
    return Math.max(1, Math.ceil(left * coldMinutes));
}

/** Lets a line through at once, and then one each so many seconds: a long build is followed, not flooded. */
export function throttled(
    seconds: number,
    now: () => number,
    speak: (line: string) => void,
): (line: () => string) => void {
    let next = 0;
    return (line) => {
        if (now() >= next) {
            next = now() + seconds * 1000;
            speak(line());
        }
    };
}
