/** Why a switch must not begin, or must not go on. Pure: every finding has a unit test. */
import type { Settings } from "../../../config/settings";
import type { Message } from "../../../kubernetes/chat-api";
import type { Finding, Fix } from "../../../model/finding";
import { outOfServiceLabel } from "../../../model/labels";
import { claimName, serviceName } from "../../../model/names";
import { countMessages } from "../../../preflight/text";
import { type StateResource, guardedTypes } from "../../../pulumi/state";
import type { Mode } from "./journal";
import { answered } from "./messages";

/**
 * The config names another namespace than the stack has: `pulumi up` would leave the messages there.
 *
 * @param live the stack's namespace.
 */
export function namespaceChange({ namespace }: Settings, live: string): Finding | undefined {
    return namespace === live
        ? undefined
        : {
              code: "namespace-not-applied",
              severity: "error",
              subject: { key: "namespace", value: namespace },
              reason: `namespace is ${JSON.stringify(namespace)} in the config, but the stack is in ${live}. A switch does not move the stack to another namespace.`,
              fixes: [
                  { to: "Move the stack first", run: ["npm run up"] },
                  { to: "Keep the namespace", run: [`pulumi config set namespace ${live}`] },
              ],
          };
}

/** @param pid process ID of the other switch. Undefined: it is not known yet. */
export function runningSwitch(pid: number | undefined): Finding {
    return {
        code: "switch-running",
        severity: "error",
        subject: { key: "storageMode" },
        reason: `Another switch of this stack is running${pid === undefined ? "" : ` (process ${pid})`}. Wait until it has ended.`,
        fixes: [],
    };
}

/**
 * A switch that began with another journal. That journal has the messages, which may be half written into a volume by now.
 *
 * @param journal where that journal is. Undefined: the api is in its Service.
 */
export function switchElsewhere(
    namespace: string,
    journal: string | undefined,
    to: Mode,
): Finding | undefined {
    if (journal === undefined) {
        return undefined;
    }
    const service = serviceName("api");
    const selector = outOfServiceLabel.replace("/", "~1");
    const patch = `[{"op":"remove","path":"/spec/selector/${selector}"}]`;
    const again = `npm run switch -- ${to}`;
    return {
        code: "switch-begun-elsewhere",
        severity: "error",
        subject: { kind: "Service", name: service, namespace },
        reason:
            "A switch of this stack began with another journal and is not complete. Until then, nobody can post.\n" +
            `That journal has the messages: ${journal}`,
        fixes: [
            { to: "Complete it, on that machine", run: [again] },
            {
                to: "If the journal is lost",
                run: [
                    `kubectl patch service ${service} --namespace ${namespace} --type=json --patch='${patch}'`,
                    again,
                ],
            },
        ],
    };
}

/**
 * A switch to ephemeral storage deletes the claim that the api mounts, unless it is retained.
 *
 * @param mounted the claim that the api mounts.
 * @param state what the last `up` recorded: Pulumi obeys that.
 */
export function protectedClaim(
    { storage, protectData, retainData }: Pick<Settings, "storage" | "protectData" | "retainData">,
    mounted: string | undefined,
    state: readonly StateResource[],
): Finding | undefined {
    const isDeleted = storage.mode === "ephemeral" && mounted === claimName && !retainData;
    const isRecorded = state.some(({ type, protect }) => type === guardedTypes.claim && protect === true);
    if (!isDeleted || (!protectData && !isRecorded)) {
        return undefined;
    }
    const again = "npm run switch -- ephemeral";
    return {
        code: "data-protected",
        severity: "error",
        subject: { key: "protectData", value: String(protectData) },
        reason: `Claim ${claimName} is protected (protectData), and a switch to ephemeral storage deletes the claim after it has copied the messages.`,
        fixes: [
            { to: "Keep the claim", run: ["pulumi config set retainData true", again] },
            { to: "Delete the claim", run: ["pulumi config set protectData false", "npm run up", again] },
        ],
    };
}

/**
 * Messages that cannot be posted again, for an api whose file cannot be written instead.
 *
 * @param mode the storage that the messages are on.
 */
export function answeredMessages(messages: readonly Message[], mode: Mode): Finding | undefined {
    const found = answered(messages);
    const [first] = found;
    return (
        first && {
            code: "messages-answered",
            severity: "error",
            subject: { key: "images" },
            reason:
                `${countMessages(found.length)} with the command /stats cannot be moved, for example ${JSON.stringify(first.Text)}. ` +
                "The api answers such a message with a message of its own, so posting it again would add a message, " +
                "and the api's image has no shell through which its file could be written instead.",
            // A new image replaces the pod, and ephemeral storage is deleted with it.
            fixes: mode === "persistent" ? [useImageWithShell] : [],
        }
    );
}

const useImageWithShell: Fix = {
    to: "Use an image with a shell",
    run: [
        "pulumi config set --path images.api bootdotdev/synergychat-api:latest",
        "npm run up",
        "npm run switch -- ephemeral",
    ],
};

/**
 * Messages that were posted after the copy was made.
 *
 * @param copied how many messages the copy has.
 * @param now how many messages the api has.
 */
export function lateMessages(copied: number, now: number, namespace: string): Finding | undefined {
    return now <= copied
        ? undefined
        : {
              code: "messages-posted-past-service",
              severity: "error",
              subject: { kind: "Service", name: serviceName("api"), namespace },
              reason:
                  `The api has ${countMessages(now)}, and the copy has ${copied}: somebody posts without the Service, ` +
                  "for example through kubectl port-forward or a connection that was open before. End that, then run the switch again.",
              fixes: [],
          };
}
