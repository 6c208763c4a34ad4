/** `pulumi policy analyze` with the pack in policies/, on states that the tests write. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sandboxEnvironment } from "../../cli/clusters/sandbox.ts";
import { capture, isOnPath } from "../../system/process.ts";
import type { KubernetesObject } from "../program/support/program.ts";

/** What a state holds of a resource. */
export interface Stored {
    /** Such as `kubernetes:apps/v1:Deployment`. */
    readonly type: string;
    readonly name: string;
    readonly inputs: KubernetesObject;
    readonly protect: boolean;
}

/** One violation, as `RULE of NAME: MESSAGE`. */
export type Violation = string;

/** The environment in which a pulumi is found: the one on the PATH, else the sandbox's. */
const env = isOnPath("pulumi", process.env) ? process.env : (sandboxEnvironment(process.env) ?? process.env);

/**
 * What the pack finds in a state as `pulumi stack export` writes it.
 *
 * @param levels the enforcement level of rules, by name. The others have the pack's own.
 */
export function analyze(resources: readonly Stored[], levels: Readonly<Record<string, string>> = {}) {
    const folder = mkdtempSync(join(tmpdir(), "synergychat-policies-"));
    const [state, config] = [join(folder, "state.json"), join(folder, "levels.json")];
    writeFileSync(state, JSON.stringify(stateOf(resources)));
    writeFileSync(config, JSON.stringify(levels));
    const pack = ["--policy-pack", "policies", "--policy-pack-config", config];
    const args = ["policy", "analyze", ...pack, "--file", state, "--json", "--non-interactive"];
    const { status, stdout, stderr } = capture("pulumi", args, env);
    rmSync(folder, { recursive: true });
    const events = stdout.split("\n").filter((line) => line.startsWith("{"));
    if (events.length === 0) {
        throw new Error(`pulumi policy analyze printed no events: ${stdout}${stderr}`);
    }
    return { status, violations: events.flatMap((line) => violationIn(JSON.parse(line))) };
}

function violationIn({ policyEvent }: { policyEvent?: any }): readonly Violation[] {
    if (policyEvent === undefined) {
        return [];
    }
    const name = policyEvent.resourceUrn.split("::").at(-1);
    const [, message] = policyEvent.message.split("\n");
    return [`${policyEvent.policyName} of ${name}: ${message}`];
}

function stateOf(resources: readonly Stored[]): object {
    return {
        version: 3,
        deployment: {
            manifest: { time: "2026-01-01T00:00:00Z", magic: "", version: "" },
            resources: resources.map(({ type, name, inputs, protect }) => ({
                urn: `urn:pulumi:dev::synergychat::${type}::${name}`,
                type,
                custom: true,
                id: name,
                inputs,
                outputs: inputs,
                protect,
            })),
        },
    };
}
