/** SynergyChat on Kubernetes: read the config, run the preflight, deploy. */
import * as pulumi from "@pulumi/pulumi";
import { clusterProvider } from "./components/provider.ts";
import { readSettings } from "./config/settings.ts";
import { startFirstBackup } from "./kubernetes/backups.ts";
import { instanceOf } from "./model/labels.ts";
import { renderAdvice } from "./preflight/advice.ts";
import { preflight, reach } from "./preflight/preflight.ts";
import { keepsProvider } from "./preflight/recorded.ts";
import { reportObstacles, requireRollout } from "./preflight/rollout.ts";
import { rehearse } from "./pulumi/declared.ts";
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
    const program = async () => {
        const { deploy } = await import("./program.ts");
        return () => deploy(settings, instance, early ?? clusterProvider(settings));
    };
    const before = await preflight(settings, instance, reached, async () => rehearse(await program()));
    const { outputs, deployments } = (await program())();
    if (!pulumi.runtime.isDryRun()) {
        const stop = reportObstacles(reached, settings);
        // The provider reports a Recreate rollout as complete when the old pod is gone, before the new one is ready.
        await plainValue(deployments.map(({ id }) => id));
        stop();
        await requireRollout(reached, settings, before);
        const problem = settings.backups && (await startFirstBackup(reached.client, settings.namespace));
        if (problem) {
            await pulumi.log.warn(`The first backup was not started. ${problem}`);
        }
    }
    return outputs;
};
