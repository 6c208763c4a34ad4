/** Findings of the scanners kube-score and checkov that are meant, with the reason, in annotations of the object itself. */
import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { managerAnnotation } from "../model/labels.ts";

/** One finding, which both scanners may have. */
export interface Exception {
    /** Identifier of kube-score's check. */
    readonly kubeScore?: string;
    /** Identifiers of checkov's checks. */
    readonly checkov?: readonly string[];
    /** One sentence, without an equals sign. */
    readonly reason: string;
}

const unpinned: Exception = {
    kubeScore: "container-image-tag",
    checkov: ["CKV_K8S_14", "CKV_K8S_43"],
    reason: "The course publishes only the tag latest. To use a digest instead, run: npm run pin.",
};

const cachedImage = (images: readonly string[]): Exception => ({
    kubeScore: "container-image-pull-policy",
    // A digest is the same image from everywhere, which only checkov takes into account.
    ...(images.every((image) => image.includes("@")) ? {} : { checkov: ["CKV_K8S_15"] }),
    reason: "Pods can start while the registry does not answer. To change that, set imagePullPolicy.",
});

/**
 * The annotations of a Deployment or a CronJob: for what the scanners find and what is meant, and for Pulumi's field manager.
 *
 * @param own the exceptions that do not follow from the containers.
 */
export function exceptions(
    pod: k8s.types.input.core.v1.PodSpec,
    own: readonly Exception[] = [],
): pulumi.Output<Record<string, string>> {
    return pulumi.output(pod).apply(({ containers, initContainers = [] }) => {
        const all = [...initContainers, ...containers];
        const images = all.map(({ image = "" }) => image);
        return annotations([
            ...(images.some((image) => /^bootdotdev\/[^@]+:latest$/.test(image)) ? [unpinned] : []),
            ...(all.some((one) => one.imagePullPolicy !== "Always") ? [cachedImage(images)] : []),
            ...own,
        ]);
    });
}

function annotations(all: readonly Exception[]): Record<string, string> {
    const skips = all.flatMap(({ checkov = [], reason }) => checkov.map((check) => `${check}=${reason}`));
    const scored = all.flatMap(({ kubeScore, reason }) => (kubeScore ? [{ kubeScore, reason }] : []));
    return {
        ...managerAnnotation,
        ...(scored.length > 0 && {
            "kube-score/ignore": scored.map(({ kubeScore }) => kubeScore).join(","),
        }),
        ...Object.fromEntries(
            scored.map(({ kubeScore, reason }) => [`reason.kube-score/${kubeScore}`, reason]),
        ),
        ...Object.fromEntries(skips.map((skip, index) => [`checkov.io/skip${index + 1}`, skip])),
    };
}
