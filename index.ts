/** SynergyChat on Kubernetes: read the config, run the preflight, deploy. */
import * as pulumi from "@pulumi/pulumi";
import { clusterProvider } from "./components/provider.ts";
import { readSettings } from "./config/settings.ts";
import { startFirstBackup } from "./kubernetes/backups.ts";
import { instanceOf } from "./model/labels.ts";
import { renderAdvice } from "./preflight/advice.ts";
import { preflight, reach } from "./preflight/preflight.ts";
import { keepsProvider } from "./preflight/recorded.ts";
import { requireRollout } from "./preflight/rollout.ts";
import { plainValue, requireCli } from "./pulumi/engine.ts";

export default async () => {
    await requireCli();
    const settings = readSettings(pulumi.runtime.allConfig(), pulumi.getProject(), (findings) =>
        renderAdvice(findings),
    );
    const instance = instanceOf(pulumi.getProject(), pulumi.getStack());
    const reached = await reach(settings);
    // The provider starts while the cluster is asked, unless that would change it in the state of a stack that is then refused.
    const early = keepsProvider(reached.recorded, settings) ? clusterProvider(settings) : undefined;
    const before = await preflight(settings, instance, reached, async () => {
        const { declaredApiDeployment, declaredClaimCheck, declaredTrial } = await import("./program.ts");
        return {
            apiDeployment: declaredApiDeployment(settings, instance),
            trial: declaredTrial(settings, instance),
            claimCheck: declaredClaimCheck(settings, instance),
        };
    });
    const { deploy } = await import("./program.ts");
    const { outputs, deployments } = deploy(settings, instance, early ?? clusterProvider(settings));
    if (!pulumi.runtime.isDryRun()) {
        // As soon as the old pod is gone, the provider takes a Deployment of the strategy Recreate for complete.
        await plainValue(deployments.map(({ id }) => id));
        await requireRollout(reached, settings, before);
        const problem = settings.backups && (await startFirstBackup(reached.client, settings.namespace));
        if (problem) {
            await pulumi.log.warn(`The first backup was not started. ${problem}`);
        }
    }
    return outputs;
};
