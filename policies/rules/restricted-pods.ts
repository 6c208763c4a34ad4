/** The fields of https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted, for pods on Linux. */
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { type PodSpec, type SecurityContext, containersOf, objectOf, podsOf } from "../objects.ts";

export const restrictedPods: ResourceValidationPolicy = {
    name: "restricted-pods",
    description: "Pods meet the Pod Security Standard restricted.",
    validateResource: ({ type, props }, report) => {
        const object = objectOf(type, props);
        const pods = object && podsOf(object);
        for (const problem of pods ? problemsOf(pods) : []) {
            report(`${problem}. The Pod Security Standard restricted does not allow this.`);
        }
    },
};

const volumeTypes = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];
const safeSysctls = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];
const selinuxTypes = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

/** A condition, and what is wrong if it holds. */
type Check = readonly [boolean | undefined, string];

function problemsOf(pods: PodSpec): readonly string[] {
    const { securityContext: context = {}, volumes = [] } = pods;
    const types = volumes.flatMap((volume) => Object.keys(volume).filter((key) => key !== "name"));
    const checks: readonly Check[] = [
        [pods.hostNetwork, "hostNetwork is true"],
        [pods.hostPID, "hostPID is true"],
        [pods.hostIPC, "hostIPC is true"],
        ...types.map((type): Check => [!volumeTypes.includes(type), `A volume is of type ${type}`]),
        ...(context.sysctls ?? []).map(({ name }): Check => [
            !safeSysctls.includes(name),
            `Sysctl ${name} is set`,
        ]),
        ...checksOfBoth(context),
    ];
    return [
        ...textsOf("the pod", checks),
        ...containersOf(pods).flatMap(({ name, ports = [], securityContext = {} }) =>
            textsOf(`container ${name}`, [
                ...ports.map(({ hostPort = 0 }): Check => [hostPort !== 0, `hostPort is ${hostPort}`]),
                ...checksOfBoth(securityContext),
                ...checksOfContainer(securityContext, context),
            ]),
        ),
    ];
}

function textsOf(where: string, checks: readonly Check[]): readonly string[] {
    return checks.filter(([isWrong]) => isWrong).map(([, text]) => `${text} in ${where}`);
}

/** What may not be in the security context of a pod, nor in that of a container. */
function checksOfBoth(context: SecurityContext): readonly Check[] {
    const { runAsNonRoot, runAsUser, seccompProfile, appArmorProfile, seLinuxOptions, windowsOptions } =
        context;
    return [
        [runAsNonRoot === false, "runAsNonRoot is false"],
        [runAsUser === 0, "runAsUser is 0"],
        [seccompProfile?.type === "Unconfined", "The seccompProfile is Unconfined"],
        [appArmorProfile?.type === "Unconfined", "The appArmorProfile is Unconfined"],
        [
            !selinuxTypes.includes(seLinuxOptions?.type ?? ""),
            `The SELinux type is ${seLinuxOptions?.type ?? ""}`,
        ],
        [Boolean(seLinuxOptions?.user ?? seLinuxOptions?.role), "seLinuxOptions has a user or a role"],
        [windowsOptions?.hostProcess, "hostProcess is true"],
    ];
}

/** @param pod the security context of the pod, from which a container inherits. */
function checksOfContainer(context: SecurityContext, pod: SecurityContext): readonly Check[] {
    const { privileged, allowPrivilegeEscalation, procMount = "Default", capabilities } = context;
    const { runAsNonRoot, seccompProfile } = { ...pod, ...context };
    const added = (capabilities?.add ?? []).filter((name) => name !== "NET_BIND_SERVICE");
    return [
        [privileged, "privileged is true"],
        [allowPrivilegeEscalation !== false, "allowPrivilegeEscalation is not false"],
        [runAsNonRoot === undefined, "runAsNonRoot is not set"],
        [seccompProfile === undefined, "seccompProfile is not set"],
        [!capabilities?.drop?.includes("ALL"), "capabilities.drop does not have ALL"],
        [added.length > 0, `capabilities.add has ${added.join(", ")}`],
        [procMount !== "Default", `procMount is ${procMount}`],
    ];
}
