/** Why a switch or a restore must not begin, or must not go on. Pure: every finding has a unit test. */
import { type Finding, error, fix } from "../model/finding.ts";
import { type Operation, outOfServiceLabel } from "../model/labels.ts";
import { serviceName } from "../model/names.ts";
import { countMessages } from "../preflight/text.ts";

/** @param pid process ID of the other run. Undefined: it is not known yet. */
export function runningOperation(operation: Operation, pid: number | undefined): Finding {
    const process = pid === undefined ? "" : ` (process ${pid})`;
    return error(
        `${operation}-running`,
        `Another ${operation} of this stack is running${process}. Wait until it has ended.`,
    );
}

/** A switch or a restore that began with another journal, which has the messages. `again` completes it there. */
export function begunElsewhere(
    operation: Operation,
    elsewhere: { readonly namespace: string; readonly journal: string; readonly again: string },
): Finding {
    const { namespace, journal, again } = elsewhere;
    const service = serviceName("api");
    const selector = outOfServiceLabel.replace("/", "~1");
    const patch = `[{"op":"remove","path":"/spec/selector/${selector}"}]`;
    return error(
        `${operation}-begun-elsewhere`,
        `A ${operation} of this stack began with another journal and is not complete. Until then, nobody can post.\n` +
            `That journal has the messages: ${journal}`,
        fix("Complete it, on that machine", again),
        fix(
            "If the journal is lost",
            `kubectl patch service ${service} --namespace ${namespace} --type=json --patch='${patch}'`,
            again,
        ),
    );
}

/** Gives the api an image with a shell. That replaces its pod, and ephemeral storage is deleted with the pod. */
export const useImageWithShell = [
    "pulumi config set --path images.api bootdotdev/synergychat-api:latest",
    "npm run up",
];

/** Messages that were posted after the copy was made: the api has more than the copy. */
export function lateMessages(copied: number, now: number): Finding | undefined {
    return now <= copied
        ? undefined
        : error(
              "messages-posted-past-service",
              `The api has ${countMessages(now)}, and the copy has ${copied}: somebody posts without the Service, ` +
                  "for example through kubectl port-forward or a connection that was open before. End that, then run the command again.",
          );
}
