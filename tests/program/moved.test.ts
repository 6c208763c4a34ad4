/** Objects under another URN than the state has: the program is rehearsed as it was, and as somebody edited it. */
import { strict as assert } from "node:assert";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { movedObjects } from "../../preflight/moved.ts";
import { type DeclaredResource, isKubernetes, rehearse } from "../../pulumi/declared.ts";
import type { RecordedState } from "../../pulumi/state.ts";

type Options = pulumi.ComponentResourceOptions;

/** A component with a Service of the same name in the cluster, whatever it is called in the program. */
class Part extends pulumi.ComponentResource {
    public constructor(name: string, opts?: Options, type = "test:index:Part") {
        super(type, name, {}, opts);
        const metadata = { name: "api-service", namespace: pulumi.output("chat") };
        new k8s.core.v1.Service(`${name}-service`, { metadata }, { parent: this });
    }
}

class Wrapper extends pulumi.ComponentResource {
    public constructor(name: string, opts?: Options, type = "my:index:App") {
        super(type, name, {}, opts);
    }
}

const route = (name: string, version: string, opts?: pulumi.CustomResourceOptions) => {
    new k8s.apiextensions.CustomResource(
        name,
        { apiVersion: `example.org/${version}`, kind: "Route", metadata: { name: "chat" } },
        opts,
    );
};

async function declaredBy(program: () => void): Promise<readonly DeclaredResource[]> {
    await pulumi.runtime.setMocks(
        {
            newResource: ({ type, name }) => {
                assert.equal(type, "pulumi:pulumi:Stack", "a rehearsal registers nothing");
                return { id: name, state: {} };
            },
            call: () => assert.fail("no function is called"),
        },
        "chat",
        "dev",
    );
    let declared: readonly DeclaredResource[] = [];
    await pulumi.runtime.runInPulumiStack(async () => {
        declared = (await rehearse(program)).resources;
    });
    return declared;
}

/** The state after an `up` of these programs, one after the other, none of which deleted anything. */
async function stateAfter(...programs: readonly (() => void)[]): Promise<RecordedState> {
    const resources: DeclaredResource[] = [];
    for (const program of programs) {
        resources.push(...(await declaredBy(program)));
    }
    const objects = resources.filter(isKubernetes).map(({ urn, inputs: { metadata, ...rest } }) => ({
        ...{ urn, ...rest },
        metadata: { ...metadata, uid: "1" },
    }));
    return {
        ...{ context: "minikube", kubeconfig: undefined, namespace: "chat", namespaces: [], instances: [] },
        objects,
        urns: ["urn:pulumi:dev::chat::pulumi:pulumi:Stack::chat-dev", ...resources.map(({ urn }) => urn)],
    };
}

/** An alias as people write it. */
function asCode(alias: string | object): string {
    const text = ([key, value]: [string, unknown]) =>
        `${key}: ${value === undefined ? "pulumi.rootStackResource" : JSON.stringify(value)}`;
    return typeof alias === "string"
        ? JSON.stringify(alias)
        : `{ ${Object.entries(alias).map(text).join(", ")} }`;
}

describe("an object that the state has under another URN", () => {
    const before = () => {
        new Part("api");
    };

    const edits: readonly [
        what: string,
        before: () => void,
        after: (opts: Options) => void,
        alias: string | object,
    ][] = [
        [
            "because its component has another name",
            before,
            (opts) => new Part("chat-api", opts),
            { name: "api" },
        ],
        [
            "because its component has another type",
            before,
            (opts) => new Part("api", opts, "test:index:Api"),
            { type: "test:index:Part" },
        ],
        [
            "because a component is around its own",
            before,
            (opts) => new Part("api", { ...opts, parent: new Wrapper("app") }),
            { parent: pulumi.rootStackResource },
        ],
        [
            "because a component is around its own, and the name is another one",
            before,
            (opts) => new Part("chat-api", { ...opts, parent: new Wrapper("app") }),
            { name: "api", parent: pulumi.rootStackResource },
        ],
        [
            "because a component around its own is gone",
            () => new Part("api", { parent: new Wrapper("app") }),
            (opts) => new Part("api", opts),
            "urn:pulumi:dev::chat::my:index:App$test:index:Part::api",
        ],
        [
            "because the component around its own has another name and type",
            () => new Part("api", { parent: new Wrapper("app") }),
            (opts) => new Part("api", { parent: new Wrapper("site", opts, "my:index:Site") }),
            { name: "app", type: "my:index:App" },
        ],
        [
            "because its own name is another one",
            () => {
                route("chat", "v1");
            },
            (opts) => {
                route("route", "v1", opts);
            },
            { name: "chat" },
        ],
        [
            "because it is in another version of its API",
            () => {
                route("chat", "v1beta1");
            },
            (opts) => {
                route("chat", "v1", opts);
            },
            { type: "kubernetes:example.org/v1beta1:Route" },
        ],
    ];
    for (const [what, old, edited, alias] of edits) {
        it(`is refused ${what}, with an alias that leads there`, async () => {
            const state = await stateAfter(old);
            const found = movedObjects(
                await declaredBy(() => {
                    edited({});
                }),
                state,
            );
            assert.deepEqual(
                found.map(({ code, severity, fixes }) => [code, severity, fixes.map(({ run }) => run)]),
                [["resource-moved", "error", [[`aliases: [${asCode(alias)}]`]]]],
            );
            const followed = await declaredBy(() => {
                edited({ aliases: [alias] });
            });
            assert.deepEqual(movedObjects(followed, state), []);
        });
    }

    it("is refused although an alias leads there if the state has both, and the old one is to be forgotten", async () => {
        const after = () => new Part("chat-api", { aliases: [{ name: "api" }] });
        const [{ fixes } = assert.fail()] = movedObjects(
            await declaredBy(after),
            await stateAfter(before, after),
        );
        const old = "urn:pulumi:dev::chat::test:index:Part$kubernetes:core/v1:Service::api-service";
        assert.deepEqual(fixes[0]?.run, [`pulumi state delete '${old}'`]);
    });

    it("is one of several in one finding if one alias mends them all", async () => {
        const two = (name: string) => () => {
            const part = new Part(name);
            new k8s.core.v1.ConfigMap(`${name}-map`, { metadata: { name: "map" } }, { parent: part });
        };
        const found = movedObjects(await declaredBy(two("chat-api")), await stateAfter(two("api")));
        assert.deepEqual(
            found.map(({ fixes }) => fixes[0]?.run),
            [['aliases: [{ name: "api" }]']],
        );
    });

    it("is not refused if nothing moved, or if it is a new object", async () => {
        const state = await stateAfter(before);
        assert.deepEqual(movedObjects(await declaredBy(before), state), []);
        const other = () => {
            before();
            route("chat", "v1");
        };
        assert.deepEqual(movedObjects(await declaredBy(other), state), []);
    });
});

describe("a rehearsal", () => {
    it("shows what is declared with plain values, and marks what only the cluster will know", async () => {
        const [web, map] = await declaredBy(() => {
            const { spec, metadata } = new k8s.core.v1.Service("web", { metadata: { name: "web" } });
            new k8s.core.v1.ConfigMap("map", { metadata, data: { address: spec.clusterIP } });
        }).then((all) => all.filter(isKubernetes));
        assert.equal(web?.inputs.metadata.name, "web");
        assert.equal(map?.inputs.metadata.name, "web");
        assert.match(JSON.stringify(map), /"address":"04da6b54-/);
    });

    it("leaves the program's own run as it is", async () => {
        const registered: string[] = [];
        await pulumi.runtime.setMocks(
            {
                newResource: ({ name, inputs }) => {
                    registered.push(name);
                    return { id: name, state: inputs as object };
                },
                call: () => ({}),
            },
            "chat",
            "dev",
        );
        await pulumi.runtime.runInPulumiStack(async () => {
            await rehearse(() => new Part("api"));
            assert.deepEqual(registered, ["chat-dev"]);
            new Part("api");
        });
        await pulumi.runtime.disconnect();
        assert.deepEqual(registered, ["chat-dev", "api", "api-service"]);
    });
});
