/** What the running program asks Pulumi's engine. */
import * as pulumi from "@pulumi/pulumi";
import { minimumVersions } from "../model/versions.ts";
import { type RecordedState, type StateResource, recordedIn } from "./state.ts";

/**
 * Stops the program if the CLI is too old. It would ignore resource options that it does not know, and with them the order
 * in which data is replaced.
 *
 * @throws RunError also if the CLI is so old that it cannot compare versions.
 */
export async function requireCli(): Promise<void> {
    const minimum = minimumVersions.pulumi;
    try {
        await pulumi.requirePulumiVersion(`>=${minimum}`);
    } catch {
        throw new pulumi.RunError(
            `This pulumi is too old. Version ${minimum} or newer is required. Nothing was changed.\n` +
                "  See the version:      pulumi version\n" +
                "  Install a newer one:  https://www.pulumi.com/docs/install",
        );
    }
}

/**
 * Where the last run left the stack's objects. The engine leaves out what a killed run has replaced and not yet deleted.
 *
 * Source: https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/builtins.go
 */
export async function readRecordedState(): Promise<RecordedState> {
    const stackName = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
    const answer = (await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName })) as {
        outputs: Readonly<Record<string, Omit<StateResource, "urn">>>;
    };
    return recordedIn(Object.entries(answer.outputs).map(([urn, resource]) => ({ urn, ...resource })));
}

/** A value without promises and outputs in it, once all of them are known. */
export function plainValue<T>(value: object): Promise<T> {
    return new Promise((resolve) => {
        pulumi.output(value).apply((known) => {
            resolve(known as T);
        });
    });
}
