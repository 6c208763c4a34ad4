/** A bucket for backups in a namespace of its own, and the Secret by which a stack reaches it. */
import { kubectl } from "./cluster.ts";
import type { TestStack } from "./stack.ts";

export async function makeBucket(namespace: string): Promise<void> {
    const where = ["--namespace", namespace];
    await kubectl("delete", "namespace", namespace, "--ignore-not-found");
    await kubectl("create", "namespace", namespace);
    await kubectl("apply", "--filename", `${import.meta.dirname}/bucket.yaml`, ...where);
    await kubectl("wait", "--for=condition=Ready", "pod/s3", ...where, "--timeout=120s");
}

export function targetIn(namespace: string): string {
    return `s3:http://s3.${namespace}.svc:9000/bucket/chat`;
}

/** Makes the Secret anew. */
export async function makeSecret({ name }: TestStack, password = "correct horse"): Promise<void> {
    const secret = ["synergychat-backup-target", "--namespace", name];
    const values = [`RESTIC_PASSWORD=${password}`, "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=key"];
    await kubectl("delete", "secret", ...secret, "--ignore-not-found");
    await kubectl(
        "create",
        "secret",
        "generic",
        ...secret,
        ...values.map((value) => `--from-literal=${value}`),
    );
}
