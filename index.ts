/** SynergyChat on Kubernetes: read the config, run the preflight, deploy. */
import * as pulumi from "@pulumi/pulumi";
import { readSettings } from "./config/settings";
import { instanceOf } from "./model/labels";
import { renderAdvice } from "./preflight/advice";
import { preflight } from "./preflight/preflight";
import { requireCli } from "./pulumi/engine";

export = async () => {
    await requireCli();
    const settings = readSettings(pulumi.runtime.allConfig(), pulumi.getProject(), (findings) =>
        renderAdvice(findings),
    );
    const instance = instanceOf(pulumi.getProject(), pulumi.getStack());
    // The components load while kubectl starts, which the preflight asks the cluster with.
    const program = () => import("./program");
    await preflight(settings, instance, async () => {
        const { declaredApiDeployment, declaredTrial } = await program();
        return {
            apiDeployment: declaredApiDeployment(settings, instance),
            trial: declaredTrial(settings, instance),
        };
    });
    const { deploy } = await program();
    return deploy(settings, instance);
};
