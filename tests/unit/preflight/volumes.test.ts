/** Volumes of earlier claims, whose data a new claim gets. */
import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Volume } from "../../../kubernetes/objects.ts";
import { inheritableVolumes, isIgnored, minikubeFolder } from "../../../kubernetes/volumes.ts";
import { deleteVolume } from "../../../preflight/volumes.ts";
import { fakeClient } from "../support/client.ts";
import {
    assertFinding,
    claim,
    codes,
    commandsOf,
    fresh,
    namespace,
    object,
    only,
    running,
    uid,
} from "../support/snapshots.ts";

const folder = "/tmp/hostpath-provisioner/synergychat/synergychat-api-pvc";
const made = (provisioner: string) => ({ annotations: { "pv.kubernetes.io/provisioned-by": provisioner } });

/** A volume that minikube made for an earlier claim. */
function volume(spec: object = {}, metadata: object = made("k8s.io/minikube-hostpath")): Volume {
    return {
        ...object("PersistentVolume", "pvc-0", metadata),
        spec: {
            claimRef: { namespace: "synergychat", name: "synergychat-api-pvc", uid: "before" },
            persistentVolumeReclaimPolicy: "Delete",
            hostPath: { path: folder },
            ...spec,
        },
        status: { phase: "Released" },
    };
}

describe("a volume of an earlier claim", () => {
    const left = { ...fresh, namespace, earlierVolumes: [volume()] };

    it("is named before a new claim gets its data, with the way to see the data and to delete it", () => {
        const finding = only({ ...fresh, earlierVolumes: [volume()] });
        assertFinding(finding, {
            code: "released-volume-has-old-data",
            severity: "warning",
            subject: { kind: "PersistentVolume", name: "pvc-0" },
        });
        const [see, deletion] = commandsOf(finding);
        assert.equal(see, `minikube ssh --profile minikube -- sudo cat '${folder}/db.json'`);
        assert.equal(deletion, "kubectl --context minikube delete pv pvc-0");
    });

    it("is named also if a kept claim is about to be replaced, and not if the claim stays", () => {
        assert.deepEqual(codes({ ...running, earlierVolumes: [volume()] }), []);
        const replaced = codes({ ...running, earlierVolumes: [volume()] }, { storageClass: "roomy" });
        assert.ok(replaced.includes("released-volume-has-old-data"));
    });

    it("does not matter with ephemeral storage, or with a claim that somebody else made", () => {
        assert.deepEqual(codes(left, { storageMode: "ephemeral" }), []);
        assert.ok(!codes(left, { existingClaim: "mine" }).includes("released-volume-has-old-data"));
    });

    it("does not matter if it was made by another provisioner, for another claim, or to stay", () => {
        for (const other of [
            volume({}, made("disk.csi.example.com")),
            volume({ claimRef: { namespace: "synergychat", name: "other", uid: "before" } }),
            volume({ persistentVolumeReclaimPolicy: "Retain" }),
        ]) {
            assert.deepEqual(codes({ ...left, earlierVolumes: [other] }), []);
        }
    });
});

describe("a volume of minikube's provisioner", () => {
    const created = "2026-01-02T08:00:00Z";
    const ofMinikube = (more: object = {}) => ({
        ...volume({}, { ...made("k8s.io/minikube-hostpath"), creationTimestamp: created, ...more }),
        status: { phase: "Released" },
    });

    it("is ignored if the provisioner was started after it was made", () => {
        assert.equal(isIgnored(ofMinikube(), "2026-01-02T08:00:01Z"), true);
        assert.equal(isIgnored(ofMinikube(), "2026-01-02T07:59:59Z"), false);
        assert.equal(isIgnored(ofMinikube(made("disk.csi.example.com")), "2026-01-03T00:00:00Z"), false);
        const bound = { ...ofMinikube(), status: { phase: "Bound" } };
        assert.equal(isIgnored(bound, "2026-01-02T08:00:01Z"), false);
    });

    it("is ignored if it has been Released for long and nobody knows when the provisioner was started", () => {
        const released = (ago: number) => {
            const lastPhaseTransitionTime = new Date(Date.now() - ago).toISOString();
            return { ...ofMinikube(), status: { phase: "Released", lastPhaseTransitionTime } };
        };
        assert.equal(isIgnored(released(60_000), undefined), true);
        assert.equal(isIgnored(released(1000), undefined), false);
        assert.equal(isIgnored(ofMinikube(), undefined), false);
    });

    it("has a folder to delete only if the folder has the name of its claim", () => {
        assert.equal(minikubeFolder(volume()), folder);
        const path = "/root/.local/volumes/synergychat-synergychat-api-pvc-pvc-1"; // of the sandbox
        assert.equal(minikubeFolder(volume({ hostPath: { path } })), path);
        const paths = [
            "/",
            "/etc",
            `${folder}/..`,
            "/tmp/x/../synergychat/synergychat-api-pvc",
            `${folder} /etc`,
        ];
        for (const path of paths) {
            assert.equal(minikubeFolder(volume({ hostPath: { path } })), undefined);
        }
    });

    it("is not waited for if it is ignored, and is not named if a live claim's volume uses its folder", async () => {
        const live = {
            ...volume({ claimRef: { namespace: "synergychat", name: "synergychat-api-pvc", uid } }),
            status: { phase: "Bound" },
        };
        for (const [volumes, names] of [
            [[ofMinikube()], ["pvc-0"]],
            [[ofMinikube(), live], []],
        ] as const) {
            const lists: Record<string, readonly object[]> = {
                "/api/v1/persistentvolumes": volumes,
                "/api/v1/namespaces/synergychat/persistentvolumeclaims": [claim()],
            };
            const status = {
                containerStatuses: [{ state: { running: { startedAt: "2026-01-03T00:00:00Z" } } }],
            };
            const client = fakeClient((path) =>
                path.endsWith("/storage-provisioner")
                    ? { kind: "found", body: { status } }
                    : { kind: "found", body: { kind: "List", items: lists[path] ?? [] } },
            );
            const waits: string[] = [];
            const found = await inheritableVolumes(client, "synergychat", (text) => waits.push(text));
            assert.deepEqual(
                found.map(({ metadata }) => metadata.name),
                names,
            );
            assert.deepEqual(waits, []);
        }
    });
});

describe("the command that deletes a folder of minikube", () => {
    let bin: string;

    beforeEach(() => {
        bin = mkdtempSync(join(tmpdir(), "synergychat-delete-"));
        writeFileSync(join(bin, "minikube"), `#!/bin/sh\necho "$*" > "${bin}/ran"\n`, { mode: 0o755 });
        writeFileSync(join(bin, "ran"), "");
    });
    afterEach(() => {
        rmSync(bin, { recursive: true });
    });

    /** What minikube is asked to run if kubectl prints this and ends so. */
    function run(printed: string, status = 0): string {
        writeFileSync(join(bin, "kubectl"), `#!/bin/sh\nprintf '%s' '${printed}'\nexit ${status}\n`, {
            mode: 0o755,
        });
        const [, command = ""] = deleteVolume(volume(), "second").run;
        execFileSync("/bin/sh", ["-c", `${command} || true`], { env: { PATH: bin }, stdio: "ignore" });
        return readFileSync(join(bin, "ran"), "utf8").trim();
    }

    it("deletes it if no volume of the cluster uses it any more", () => {
        assert.equal(run("List"), `ssh --profile second -- sudo rm -rf ${folder}`);
    });

    it("spares it if a volume uses it, or if kubectl does not tell", () => {
        assert.equal(run("Listpvc-1"), "");
        assert.equal(run("", 1), "");
    });
});

describe("a class whose volumes are folders of a node", () => {
    const storageClasses = fresh.storageClasses?.map((one) => ({
        ...one,
        provisioner: "k8s.io/minikube-hostpath",
    }));
    const nodes = { ...fresh, nodes: 2, storageClasses };

    it("is a danger on several nodes, unless its volumes say which node they are on", () => {
        assert.deepEqual(codes(nodes), ["volumes-on-several-nodes"]);
        assert.deepEqual(codes({ ...nodes, tiedClasses: ["roomy"] }), ["volumes-on-several-nodes"]);
        assert.deepEqual(codes({ ...nodes, tiedClasses: ["standard"] }), []);
        assert.deepEqual(codes({ ...nodes, nodes: 1 }), []);
    });
});
