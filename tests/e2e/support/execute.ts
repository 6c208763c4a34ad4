/** A program that may fail, run beside whatever else the test does. */
import { execFile } from "node:child_process";

export interface Ended {
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
}

/** @param timeout in ms; a program that takes longer is ended, and its status is null. */
export function execute(program: string, args: readonly string[], timeout: number): Promise<Ended> {
    return new Promise((resolve) => {
        const child = execFile(
            program,
            args,
            { timeout, maxBuffer: 256 * 1024 * 1024 },
            (error, stdout, stderr) => {
                resolve({ status: error ? child.exitCode : 0, stdout, stderr });
            },
        );
    });
}
