/** Whether a destroy may begin: what the config says against what the state would do. */
import { strict as assert } from "node:assert";
import { claimType, namespaceType, refusal, stays } from "../../operations/guards";
import type { Resource } from "../../operations/stack";

const plain = { retainData: false, protectData: false };
const state = (guards: Partial<Resource> = {}): Resource[] => [
    { type: namespaceType, ...guards },
    { type: claimType, ...guards },
];
const claim = (retain: string) => ({
    metadata: { name: "synergychat-api-pvc", annotations: { "synergychat/retain-data": retain } },
});

describe("a destroy", () => {
    it("may begin where config and state agree", () => {
        assert.equal(refusal(plain, state(), [claim("false")]), undefined);
        assert.equal(
            refusal({ ...plain, retainData: true }, state({ retainOnDelete: true }), [claim("true")]),
            undefined,
        );
    });

    it("may begin where there is no state yet", () => {
        assert.equal(refusal(plain, [], []), undefined);
        assert.equal(refusal({ retainData: true, protectData: true }, [], []), undefined);
    });

    it("is refused by protectData in the config while a killed up recorded no claim and no namespace", () => {
        const recorded = [{ type: "pulumi:pulumi:Stack" }];
        assert.match(refusal({ ...plain, protectData: true }, recorded, []) ?? "", /protectData is set/);
        assert.equal(refusal(plain, recorded, []), undefined);
    });

    for (const [key, config, recorded, effect] of [
        [
            "retainData",
            { ...plain, retainData: true },
            {},
            /is true in the config.*would delete the messages/,
        ],
        ["retainData", plain, { retainOnDelete: true }, /is false in the config.*would keep the messages/],
        ["protectData", { ...plain, protectData: true }, {}, /is true in the config.*would go through/],
        ["protectData", plain, { protect: true }, /is false in the config.*is refused/],
    ] as const) {
        it(`is refused while ${key} is ${config[key]} in the config and not in the state`, () => {
            const text = refusal(config, state(recorded), []) ?? "";
            assert.match(text, effect);
            assert.match(text, /Run npm run up first/);
        });
    }

    it("goes by the claim where the namespace stays for another's sake", () => {
        const recorded = [
            { type: namespaceType, retainOnDelete: true },
            { type: claimType, retainOnDelete: false },
        ];
        assert.equal(refusal(plain, recorded, []), undefined);
        assert.ok(stays(recorded, namespaceType));
        assert.ok(!stays(recorded, claimType));
    });

    it("goes by what a claim says of itself that an earlier destroy left", () => {
        assert.match(refusal(plain, [], [claim("true")]) ?? "", /would keep the messages/);
        assert.equal(refusal({ ...plain, retainData: true }, [], [claim("true")]), undefined);
    });

    it("is refused by protectData, with the way to it", () => {
        const text = refusal({ ...plain, protectData: true }, state({ protect: true }), []) ?? "";
        assert.match(text, /protectData is set.*[\s\S]*pulumi config set protectData false/);
    });
});
