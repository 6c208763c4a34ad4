/** The fixes that a command prints with its findings: read from the output, and run as they are printed. */
import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { FindingCode, Fix } from "../../../model/finding.ts";
import { versions } from "./cluster.ts";
import { execute } from "./execute.ts";
import { codesIn } from "./findings.ts";
import type { TestStack } from "./stack.ts";

const dataHome = mkdtempSync(join(tmpdir(), "synergychat-advice-"));
process.on("exit", () => {
    rmSync(dataHome, { recursive: true, force: true });
});

/** The fixes of the findings of this code in what a command printed. */
export function fixesIn(text: string, code: FindingCode): readonly Fix[] {
    const fixes: { to: string; run: string[] }[] = [];
    const lines = text.split("\n").map((line) => line.trimEnd());
    // Pulumi shows the first line of a warning as progress, and the whole warning at the end.
    const begin = lines.findLastIndex((line) => line.includes(`[${code}]`));
    assert.ok(begin >= 0, `there is no ${code} in:\n${text}`);
    for (const line of lines.slice(begin + 1)) {
        const [, to, command] = /^\s+(\S.*?): {2,}(\S.*)$/.exec(line) ?? [];
        const [, next] = /^\s{8,}(\S.*)$/.exec(line) ?? [];
        if (line === "" || /\[[a-z-]+\]$/.test(line)) {
            break;
        } else if (to !== undefined && command !== undefined) {
            fixes.push({ to, run: [command] });
        } else if (next !== undefined) {
            fixes.at(-1)?.run.push(next);
        }
    }
    return fixes;
}

/**
 * Runs the commands of one fix as they are printed, as a person would who says yes to every question.
 *
 * @param to the beginning of what the fix achieves.
 * @param values what the person puts in the place of words such as NAME.
 */
export async function follow(
    stack: TestStack,
    text: string,
    code: FindingCode,
    to: string,
    values: Readonly<Record<string, string>> = {},
): Promise<void> {
    const [fix, ...others] = fixesIn(text, code).filter((one) => one.to.startsWith(to));
    assert.ok(fix && others.length === 0, `not one way to "${to}" in:\n${text}`);
    for (const printed of fix.run) {
        const command = Object.entries(values).reduce(
            (line, [word, value]) => line.replace(word, value),
            printed,
        );
        const { status, stdout, stderr } = await execute(
            "env",
            [...environment(stack), "sh", "-c", yes(command)],
            240_000,
        );
        assert.equal(status, 0, `${command}\n${stdout}${stderr}`);
    }
}

/** A printed command without a stack means the selected one. PULUMI_STACK selects the stack of the scenario. */
function environment({ name }: TestStack): readonly string[] {
    return [`PULUMI_STACK=${name}`, "PULUMI_SKIP_CONFIRMATIONS=true", `XDG_DATA_HOME=${dataHome}`];
}

function yes(command: string): string {
    return command
        .replace(/^npm run down( -- \S+)?$/, (whole, stack?: string) => `${whole}${stack ? "" : " --"} --yes`)
        .replace(/^npm run restore -- .*$/, "$& --yes");
}

/** Changes the stack's config file, which the fixes change as well. A value of undefined removes its key. */
export function configure({ name }: TestStack, changes: Readonly<Record<string, unknown>>): void {
    const file = `Pulumi.${name}.yaml`;
    const document = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
    const full = Object.entries(changes).map(([key, value]) => [
        key.includes(":") ? key : `synergychat:${key}`,
        value,
    ]);
    const config = { ...document.config, ...(Object.fromEntries(full) as Record<string, unknown>) };
    const set = Object.entries(config).filter(([, value]) => value !== undefined);
    writeFileSync(file, stringify({ ...document, config: Object.fromEntries(set) }));
}

/** A file with a claim that is not the stack's. */
export function claimFile(name: string): string {
    const file = join(dataHome, `${name}.yaml`);
    const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
    const claim = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name }, spec };
    writeFileSync(file, JSON.stringify(claim));
    return file;
}

/** What `pulumi up` prints when it is refused with this finding, among others. Nothing in the stack's own namespace has changed. */
export async function refused(stack: TestStack, code: FindingCode): Promise<string> {
    const before = await versions(stack.name);
    const { status, text } = await stack.pulumi("up", "--yes", "--skip-preview");
    assert.notEqual(status, 0, text);
    assert.ok(codesIn(text).includes(code), text);
    assert.doesNotMatch(text, /^\s+at /m, "a stack trace");
    assert.deepEqual(await versions(stack.name), before);
    return text;
}
