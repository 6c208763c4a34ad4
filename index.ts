/** SynergyChat on Kubernetes: read the config, run the preflight, deploy. */
import * as pulumi from "@pulumi/pulumi";
import { readSettings } from "./config/settings";
import { instanceOf } from "./model/labels";
import { renderAdvice } from "./preflight/advice";
import { preflight } from "./preflight/preflight";
import { requireCli } from "./pulumi/engine";
import { declaredApiDeployment, declaredTrial, deploy } from "./program";

export = async () => {
    await requireCli();
    const settings = readSettings(pulumi.runtime.allConfig(), pulumi.getProject(), (findings) =>
        renderAdvice(findings),
    );
    const instance = instanceOf(pulumi.getProject(), pulumi.getStack());
    await preflight(settings, instance, {
        apiDeployment: declaredApiDeployment(settings, instance),
        trial: declaredTrial(settings, instance),
    });
    return deploy(settings, instance);
};
