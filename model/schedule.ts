/** The schedule of the backups: a cron line. */
import { Cron } from "croner";

/**
 * How old the newest backup may become, in seconds: twice the longest time between two runs. Undefined: only Kubernetes reads
 * this schedule, such as "@every 1h", or it never comes.
 */
export function longestAge(schedule: string): number | undefined {
    try {
        const runs = new Cron(schedule, { timezone: "UTC" }).nextRuns(200, "2024-01-01T00:00:00Z");
        const times = runs.map((run) => run.getTime() / 1000);
        const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time));
        return gaps.length > 0 ? 2 * Math.max(...gaps) : undefined;
    } catch {
        return undefined;
    }
}
