import { strict as assert } from "node:assert";
import { instanceLabel, ownerLabels, retainAnnotation, stackLabels } from "../../../model/labels.ts";
import { isOwned, isRetained, ownerOf, ownersOf } from "../../../model/ownership.ts";

const labelled = (labels?: Record<string, string>) => ({ metadata: { labels } });

describe("isOwned", () => {
    it("requires every owner label with the stack's own value", () => {
        assert.ok(isOwned(labelled(stackLabels("a")), ["a"]));
        assert.ok(!isOwned(labelled(stackLabels("b")), ["a"]));
        assert.ok(!isOwned(labelled({ [instanceLabel]: "a" }), ["a"]));
        assert.ok(!isOwned(labelled({ ...ownerLabels("a"), "app.kubernetes.io/managed-by": "Helm" }), ["a"]));
        assert.ok(!isOwned(labelled(), ["a"]));
    });

    it("knows a renamed stack by its former instance as well", () => {
        const owners = ownersOf("new", ["former", "new"]);
        assert.deepEqual(owners, ["new", "former"]);
        assert.ok(isOwned(labelled(ownerLabels("former")), owners));
        assert.ok(!isOwned(labelled(ownerLabels("other")), owners));
    });
});

describe("ownerOf", () => {
    it("returns the instance label", () => {
        assert.equal(ownerOf(labelled(ownerLabels("a"))), "a");
        assert.equal(ownerOf(labelled()), undefined);
    });
});

describe("isRetained", () => {
    it("goes by the annotation", () => {
        const annotated = (value: string) => ({ metadata: { annotations: { [retainAnnotation]: value } } });
        assert.ok(isRetained(annotated("true")));
        assert.ok(!isRetained(annotated("false")));
        assert.ok(!isRetained({ metadata: {} }));
    });
});
