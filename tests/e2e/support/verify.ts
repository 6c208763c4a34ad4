/** `npm run verify` and what it reports. */
import { execute } from "./execute.ts";
import type { TestStack } from "./stack.ts";

interface Report {
    readonly ok: number;
    readonly failed: number;
    readonly skipped: number;
    readonly checks: readonly { heading: string; tried: string; seen: string; result: string }[];
}

export async function verify(stack: TestStack): Promise<Report & { status: number | null }> {
    const args = ["cli/main.ts", "verify", stack.name, "--json"];
    const { status, stdout, stderr } = await execute(process.execPath, args, 240_000);
    try {
        return { status, ...(JSON.parse(stdout) as Report) };
    } catch {
        throw new Error(`no JSON: ${stdout}\n${stderr}`);
    }
}
