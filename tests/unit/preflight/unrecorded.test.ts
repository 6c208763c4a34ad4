/** Objects that an earlier run has made, and that the state does not have. */
import { strict as assert } from "node:assert";
import type { LiveObject } from "../../../kubernetes/objects.ts";
import { dropOtherManagers, mixedObjects } from "../../../preflight/unrecorded.ts";
import type { RecordedState } from "../../../pulumi/state.ts";
import { fakeClient } from "../support/client.ts";
import {
    assertFinding,
    commandsOf,
    deploymentWith,
    lostState,
    recorded,
    settings,
    single,
} from "../support/snapshots.ts";

describe("an object of an earlier run whose state is lost", () => {
    const claimVolume = deploymentWith({ persistentVolumeClaim: { claimName: "synergychat-api-pvc" } });
    const mixed = (...args: Partial<Parameters<typeof mixedObjects>>) => {
        const [
            config = settings(),
            snapshot = lostState,
            declared = [claimVolume],
            state = recorded(undefined),
        ] = args;
        return mixedObjects(config, snapshot, declared, state);
    };

    it("is not mixed with another config, and can be taken over as it is first", () => {
        const finding = single(mixed());
        assertFinding(finding, {
            code: "object-of-earlier-run",
            severity: "error",
            subject: { kind: "Deployment", name: "synergychat-api", namespace: "synergychat" },
        });
        assert.match(finding.reason, /volumes\[synergychat-api-volume\]\.emptyDir/);
        assert.deepEqual(commandsOf(finding), [
            "pulumi config set storageMode ephemeral",
            "npm run up",
            "npm run switch -- persistent",
            "kubectl delete deployment synergychat-api --namespace synergychat",
        ]);
    });

    it("is taken over with the same config", () => {
        assert.deepEqual(mixed(undefined, undefined, [deploymentWith({ emptyDir: {} })]), []);
    });

    it("is changed by Pulumi if the state has it", () => {
        const live = lostState.objects[0]?.metadata ?? assert.fail();
        const object = { urn: "", apiVersion: "apps/v1", kind: "Deployment", metadata: live };
        assert.deepEqual(
            mixed(undefined, undefined, undefined, recorded("synergychat", [object as never])),
            [],
        );
    });

    it("is owned by the manager of today alone: before an update if the state has it, else after it", async () => {
        const managersAfter = async (
            which: "recorded" | "taken over",
            state: RecordedState,
            alone = false,
        ) => {
            const [live = assert.fail()] = lostState.objects;
            const { managedFields = [], ...metadata } = live.metadata;
            const now = {
                ...live,
                metadata: {
                    ...metadata,
                    managedFields: [...managedFields, { manager: "pulumi-kubernetes-new" }],
                },
            };
            const patched: unknown[] = [];
            const client = fakeClient((_, method, body) => {
                if (method === "PATCH") {
                    patched.push(body);
                }
                return { kind: "found", body: alone ? live : now };
            });
            await dropOtherManagers({ client, recorded: state }, lostState, which);
            return patched.map((body) =>
                (body as LiveObject).metadata.managedFields?.map(({ manager }) => manager),
            );
        };
        const stateOf = (__fieldManager: string) =>
            recorded("synergychat", [
                {
                    ...{ urn: "", apiVersion: "apps/v1", kind: "Deployment", __fieldManager },
                    metadata: { name: "synergychat-api", uid: "1" },
                },
            ]);
        assert.deepEqual(await managersAfter("taken over", recorded(undefined)), [
            ["kubectl-edit", "pulumi-kubernetes-new"],
        ]);
        assert.deepEqual(await managersAfter("recorded", stateOf("pulumi-kubernetes-new")), [
            ["kubectl-edit", "pulumi-kubernetes-new"],
        ]);
        assert.deepEqual(await managersAfter("recorded", stateOf("pulumi-kubernetes-1a2b")), []);
        assert.deepEqual(await managersAfter("recorded", recorded(undefined)), []);
        // Fields that nobody owns could never be removed.
        assert.deepEqual(await managersAfter("taken over", recorded(undefined), true), []);
    });
});
