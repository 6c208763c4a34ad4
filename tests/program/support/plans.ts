/** Configs that together make every object that the stack can make, in every storage mode and exposure. */
import { join } from "node:path";
import { yamlIn } from "../../../pulumi/project.ts";
import { type Run, runDeploy } from "./program.ts";

/** Config keys of each plan. The others have their defaults. */
export const plans: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "persistent-ingress": {},
    "ephemeral-ingress": { storageMode: "ephemeral" },
    "existing-claim-none": { existingClaim: "brought-along", exposure: "none" },
    "retained-persistent-gateway": {
        retainData: "true",
        protectData: "true",
        storageClass: "fast",
        storageSize: "5Gi",
        accessMode: "ReadWriteOncePod",
        tolerationSeconds: "30",
        exposure: "gateway",
        gatewayClass: "eg",
        tlsSecret: "chat-tls",
    },
    "retained-ephemeral-ingress-class": {
        storageMode: "ephemeral",
        retainData: "true",
        ingressClass: "nginx",
        tlsSecret: "chat-tls",
        namespace: "chat",
    },
    "guarded-backups": { guard: "true", backupSchedule: "0 3 * * *" },
    "backups-target": { backupSchedule: "0 3 * * *", backupTarget: "s3:https://s3.example.org/bucket/chat" },
    "guarded-ephemeral-backups": { storageMode: "ephemeral", guard: "true", backupSchedule: "@daily" },
    "production-example": productionExample(),
};

/** The keys of Pulumi.prod.yaml, as Pulumi hands them to the program. */
function productionExample(): Readonly<Record<string, string>> {
    const file = join(import.meta.dirname, "..", "..", "..", "Pulumi.prod.yaml");
    const { config = {} } = yamlIn(file) as { readonly config?: Readonly<Record<string, unknown>> };
    return Object.fromEntries(
        Object.entries(config)
            .filter(([key]) => key.startsWith("synergychat:"))
            .map(([key, value]) => [
                key.replace("synergychat:", ""),
                typeof value === "string" ? value : JSON.stringify(value),
            ]),
    );
}

let runs: Promise<ReadonlyMap<string, Run>> | undefined;

/** Every plan, deployed once for all tests. */
export function allPlans(): Promise<ReadonlyMap<string, Run>> {
    runs ??= deployAll();
    return runs;
}

async function deployAll(): Promise<ReadonlyMap<string, Run>> {
    const deployed = new Map<string, Run>();
    // One after the other: the mocks are global to the process.
    for (const [name, config] of Object.entries(plans)) {
        deployed.set(name, await runDeploy(config));
    }
    return deployed;
}
