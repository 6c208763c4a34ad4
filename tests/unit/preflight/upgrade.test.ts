import { strict as assert } from "node:assert";
import { replacedImage } from "../../../preflight/trials.ts";
import { type Config, api, object, running, settings } from "../support/snapshots.ts";

const image = "bootdotdev/synergychat-api:1";
const containers = [{ name: "synergychat-api", image }];
const deployment = {
    ...object("Deployment", "synergychat-api"),
    spec: { template: { spec: { containers } } },
};
const tools = object("ConfigMap", "synergychat-tools-configmap");
const live = { ...running, objects: [tools], api: api({ deployment }) };
const guarded: Config = { guard: "true" };

function replaced(config: Config, snapshot: Partial<typeof running> = {}): string | undefined {
    return replacedImage(settings(config), { ...live, ...snapshot });
}

describe("a new image of the api", () => {
    it("is tried if the stack has a guard or backups", () => {
        assert.equal(replaced(guarded), image);
        assert.equal(replaced({ backupSchedule: "@daily" }), image);
        assert.equal(replaced({}), undefined);
    });

    it("is not tried if it is the old one", () => {
        assert.equal(replaced({ ...guarded, images: JSON.stringify({ api: image }) }), undefined);
    });

    it("is not tried if a webhook makes the old one of what is declared, as for a mirror or a digest", () => {
        assert.equal(replaced(guarded, { apiImage: image }), undefined);
        assert.equal(replaced(guarded, { apiImage: `mirror.example.org/${image}` }), image);
    });

    it("is not tried if there are no messages to try it with: so a broken image can be replaced", () => {
        assert.equal(replaced(guarded, { api: undefined }), undefined);
        assert.equal(replaced(guarded, { api: api({ deployment, messages: undefined }) }), undefined);
        assert.equal(replaced(guarded, { api: api({ deployment, claim: undefined }) }), undefined);
        assert.equal(replaced({ ...guarded, storageMode: "ephemeral" }), undefined);
    });

    it("is not tried if the programs for it are not in the cluster yet", () => {
        assert.equal(replaced(guarded, { objects: [] }), undefined);
    });
});
