import { strict as assert } from "node:assert";
import type { RecordedObject } from "../../../kubernetes/objects.ts";
import { handOverFields } from "../../../kubernetes/managers.ts";
import { fakeClient } from "../support/client.ts";
import { object } from "../support/snapshots.ts";

describe("handOverFields", () => {
    /** The managers of each object that is patched, by its path. */
    async function managersAfter(kind: string, name: string, ...managers: readonly string[]) {
        const managedFields = managers.map((manager) => ({ manager }));
        const patched: unknown[] = [];
        const client = fakeClient((path, _, body) => {
            const { metadata } = body as { metadata: { managedFields: readonly { manager: string }[] } };
            patched.push([path, metadata.managedFields.map(({ manager }) => manager)]);
            return { kind: "found", body: {} };
        });
        await handOverFields(client, [object(kind, name, { managedFields })], []);
        return patched;
    }

    it("gives the fields of an earlier version's managers to the one of today, and leaves others alone", async () => {
        assert.deepEqual(
            await managersAfter("Deployment", "synergychat-api", "kubectl-edit", "pulumi-kubernetes-1a2b"),
            [
                [
                    "/apis/apps/v1/namespaces/synergychat/deployments/synergychat-api",
                    ["kubectl-edit", "pulumi-synergychat"],
                ],
            ],
        );
    });

    it("lets nobody own the class of a claim that the state does not have: no update could remove it", async () => {
        const fieldsV1 = { "f:spec": { "f:storageClassName": {}, "f:resources": {} } };
        const claim = object("PersistentVolumeClaim", "synergychat-api-backups-pvc", {
            managedFields: [{ manager: "pulumi-synergychat", fieldsV1 }],
        });
        const patched: unknown[] = [];
        const client = fakeClient((_path, _method, body) => {
            patched.push((body as { metadata: object }).metadata);
            return { kind: "found", body: {} };
        });
        const { kind, metadata } = claim;
        await handOverFields(client, [claim], [{ kind, metadata } as RecordedObject]);
        assert.deepEqual(patched, []);
        await handOverFields(client, [claim], []);
        const left = { "f:spec": { "f:resources": {} } };
        assert.deepEqual(patched, [
            {
                resourceVersion: undefined,
                managedFields: [{ manager: "pulumi-synergychat", fieldsV1: left }],
            },
        ]);
    });

    it("changes nothing that has no such manager, or that a user has added", async () => {
        assert.deepEqual(await managersAfter("Deployment", "synergychat-api", "pulumi-synergychat"), []);
        assert.deepEqual(await managersAfter("Deployment", "redis", "pulumi-kubernetes-1a2b"), []);
    });
});
