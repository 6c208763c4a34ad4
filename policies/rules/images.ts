import type { ResourceValidationPolicy } from "@pulumi/policy";
import { containersOf, objectOf, podsOf } from "../objects.ts";

export const imagesByDigest: ResourceValidationPolicy = {
    name: "images-by-digest",
    description: "Containers name their images by digest.",
    enforcementLevel: "disabled",
    validateResource: ({ type, props }, report) => {
        const object = objectOf(type, props);
        const pods = object && podsOf(object);
        for (const { name, image = "" } of pods ? containersOf(pods) : []) {
            if (!/@sha256:[0-9a-f]{64}$/.test(image)) {
                report(
                    `Image ${image} of container ${name} has no digest, so another image can run tomorrow. ` +
                        "Name it as NAME@sha256:DIGEST.",
                );
            }
        }
    },
};
