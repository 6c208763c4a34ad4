/** SynergyChat on Kubernetes: read the config, run the preflight, deploy. */
import * as pulumi from "@pulumi/pulumi";
import { readSettings } from "./config/settings.ts";
import { instanceOf } from "./model/labels.ts";
import { renderAdvice } from "./preflight/advice.ts";
import { preflight } from "./preflight/preflight.ts";
import { requireCli } from "./pulumi/engine.ts";

// Pulumi's SDK takes a stack for every promise, and translates each by source maps. Node.js runs these files line by line as
// they are, so there is nothing to translate.
Reflect.deleteProperty(Error, "prepareStackTrace");

export default async () => {
    await requireCli();
    const settings = readSettings(pulumi.runtime.allConfig(), pulumi.getProject(), (findings) =>
        renderAdvice(findings),
    );
    const instance = instanceOf(pulumi.getProject(), pulumi.getStack());
    // The components load while kubectl starts, which the preflight asks the cluster with.
    const program = () => import("./program.ts");
    await preflight(settings, instance, async () => {
        const { declaredApiDeployment, declaredClaimCheck, declaredTrial } = await program();
        return {
            apiDeployment: declaredApiDeployment(settings, instance),
            trial: declaredTrial(settings, instance),
            claimCheck: declaredClaimCheck(settings, instance),
        };
    });
    const { deploy } = await program();
    return deploy(settings, instance);
};
