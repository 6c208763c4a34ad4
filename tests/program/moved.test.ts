/** Objects under another URN than the state has: the program is rehearsed as it was, and as somebody edited it. */
import { strict as assert } from "node:assert";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { followMoves, movedObjects } from "../../preflight/moved.ts";
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

const route = (name: string, version: string) =>
    new k8s.apiextensions.CustomResource(name, {
        ...{ apiVersion: `example.org/${version}`, kind: "Route", metadata: { name: "chat" } },
    });

/** @param state if the objects are to be found in it again, where the program has moved them. */
async function declaredBy(program: () => void, state?: RecordedState): Promise<readonly DeclaredResource[]> {
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
        if (state) {
            followMoves(declared, state);
            declared = (await rehearse(program)).resources;
        }
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

describe("an object that the state has under another URN", () => {
    const before = () => {
        new Part("api");
    };

    const edits: readonly [what: string, before: () => void, after: () => void][] = [
        ["its component has another name", before, () => new Part("chat-api")],
        ["its component has another type", before, () => new Part("api", {}, "test:index:Api")],
        ["a component is around its own", before, () => new Part("api", { parent: new Wrapper("app") })],
        [
            "a component around its own is gone",
            () => new Part("api", { parent: new Wrapper("app") }),
            () => new Part("api"),
        ],
        [
            "the component around its own has another name and type",
            () => new Part("api", { parent: new Wrapper("app") }),
            () => new Part("api", { parent: new Wrapper("site", {}, "my:index:Site") }),
        ],
        ["its own name is another one", () => route("chat", "v1"), () => route("route", "v1")],
        ["it is in another version of its API", () => route("chat", "v1beta1"), () => route("chat", "v1")],
    ];
    for (const [what, old, edited] of edits) {
        it(`is found by an alias if ${what}`, async () => {
            const state = await stateAfter(old);
            assert.deepEqual(movedObjects(await declaredBy(edited), state), []);
            const followed = (await declaredBy(edited, state)).filter(isKubernetes);
            assert.deepEqual(
                followed.map(({ aliases }) => aliases),
                state.objects.map(({ urn }) => [urn]),
            );
        });
    }

    it("is found by the alias that the program has", async () => {
        const after = () => new Part("chat-api", { aliases: [{ name: "api" }] });
        const [state, former] = [await stateAfter(before), await declaredBy(after)];
        assert.deepEqual(movedObjects(former, state), []);
        assert.deepEqual(await declaredBy(after, state), former);
    });

    it("is alone in getting an alias if another one has its type and name", async () => {
        const two = () => {
            for (const name of ["my:index:One", "my:index:Two"]) {
                const metadata = { name, namespace: "chat" };
                new k8s.core.v1.ConfigMap("map", { metadata }, { parent: new Wrapper(name, {}, name) });
            }
        };
        const state = await stateAfter(() => {
            new k8s.core.v1.ConfigMap("map", { metadata: { name: "my:index:Two", namespace: "chat" } });
        });
        const maps = (await declaredBy(two, state)).filter(isKubernetes);
        assert.deepEqual(
            maps.map(({ urn, aliases }) => aliases.filter((alias) => alias !== urn)),
            [[], state.objects.map(({ urn }) => urn)],
        );
    });

    it("is refused if the state has both, and the old one is to be forgotten", async () => {
        const after = () => new Part("chat-api");
        const state = await stateAfter(before, after);
        const [{ code, severity, fixes } = assert.fail()] = movedObjects(await declaredBy(after), state);
        assert.deepEqual([code, severity], ["resource-moved", "error"]);
        const old = "urn:pulumi:dev::chat::test:index:Part$kubernetes:core/v1:Service::api-service";
        assert.deepEqual(fixes[0]?.run, [`pulumi state delete '${old}'`]);
    });

    it("is refused if the program declares it twice", async () => {
        const twice = await declaredBy(() => {
            before();
            new Part("chat-api");
        });
        assert.equal(movedObjects(twice, await stateAfter(before)).length, 1);
    });

    it("is not refused and gets no alias if nothing moved, or if it is a new object", async () => {
        const state = await stateAfter(before);
        const other = () => {
            before();
            route("chat", "v1");
        };
        for (const program of [before, other]) {
            const declared = await declaredBy(program);
            assert.deepEqual(movedObjects(declared, state), []);
            assert.deepEqual(await declaredBy(program, state), declared);
        }
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
