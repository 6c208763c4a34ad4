/** `npm run verify`: what each check says of a stack that is as the chapter leaves it, and of one that is not. */
import { strict as assert } from "node:assert";
import { type Check, lessons } from "../../operations/lessons";
import type { Container, Deployment, Live, Pod } from "../../operations/live";
import { harm, verdict } from "../../operations/rehearsal";

const claimVolume = {
    name: "synergychat-api-volume",
    persistentVolumeClaim: { claimName: "synergychat-api-pvc" },
};
const claim = {
    metadata: { name: "synergychat-api-pvc" },
    spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Gi" } },
        volumeName: "pvc-1",
    },
    status: { phase: "Bound" },
};

function container(name: string, port: number, volume?: string, mountPath = ""): Container {
    const volumeMounts = volume ? [{ name: volume, mountPath }] : [];
    return { name, ports: [{ containerPort: port }], volumeMounts };
}

const containers = {
    web: [container("synergychat-web", 8080)],
    api: [container("synergychat-api", 8080, "synergychat-api-volume", "/persist")],
    crawler: [1, 2, 3].map((number) =>
        container(`synergychat-crawler-${number}`, 8079 + number, "cache-volume", "/cache"),
    ),
};

function deployment(
    part: keyof typeof containers,
    volumes: Deployment["spec"]["template"]["spec"]["volumes"] = [],
): Deployment {
    const spec = { containers: containers[part], volumes };
    return {
        metadata: { name: `synergychat-${part}` },
        spec: { replicas: part === "web" ? 3 : 1, template: { spec } },
    };
}

function pod(part: keyof typeof containers, ready = true): Pod {
    return {
        metadata: { name: `${part}-1`, labels: { app: `synergychat-${part}` } },
        spec: { containers: containers[part] },
        status: { containerStatuses: containers[part].map(() => ({ ready })) },
    };
}

/** A stack with persistent storage, as it should be. */
const healthy: Live = {
    namespace: "synergychat",
    storageMode: "persistent",
    deployments: [
        deployment("web"),
        deployment("api", [claimVolume]),
        deployment("crawler", [{ name: "cache-volume", emptyDir: {} }]),
    ],
    pods: [pod("web"), pod("web"), pod("web"), pod("api"), pod("crawler")],
    claims: [claim],
    slices: [
        {
            metadata: {
                name: "crawler-service-1",
                labels: { "kubernetes.io/service-name": "crawler-service" },
            },
            ports: [{ port: 8080 }],
        },
    ],
    apiConfig: { API_DB_FILEPATH: "/persist/db.json" },
    apiLog: "2026/01/01 API_DB_FILEPATH found! Using filesystem database\n",
    crawlerPorts: [1, 2, 3].map((number) => ({
        container: `synergychat-crawler-${number}`,
        port: 8079 + number,
        answer: "OK",
    })),
    messages: [],
};

const failed = (live: Live): Check[] => lessons(live).filter(({ result }) => result !== "ok");

describe("verify: looking", () => {
    it("finds nothing wrong with a stack that is as the chapter leaves it", () => {
        assert.deepEqual(failed(healthy), []);
        assert.equal(lessons(healthy).length, 10);
    });

    it("says what it saw, in the words that kubectl uses", () => {
        const seen = lessons(healthy).map((one) => one.seen);
        assert.ok(seen.includes("1 of 1 pods ready (3/3)"), seen.join("\n"));
        assert.ok(seen.includes("3 of 3 pods ready (1/1, 1/1, 1/1)"));
        assert.ok(seen.includes("they answer on 8080, 8081, 8082"));
        assert.ok(seen.includes("synergychat-api-pvc Bound pvc-1 1Gi ReadWriteOnce"));
    });

    it("finds nothing wrong with ephemeral storage, a claim that is kept unused included", () => {
        const ephemeral: Live = {
            ...healthy,
            storageMode: "ephemeral",
            deployments: [
                deployment("web"),
                deployment("api", [{ name: "synergychat-api-volume", emptyDir: {} }]),
                deployment("crawler", [{ name: "cache-volume", emptyDir: {} }]),
            ],
        };
        assert.deepEqual(failed(ephemeral), []);
        assert.deepEqual(failed({ ...ephemeral, claims: [] }), []);
    });

    const broken: [what: string, change: Partial<Live>, seen: RegExp][] = [
        ["an api without a file", { apiLog: "Using in-memory database" }, /no line «API_DB_FILEPATH found/],
        ["an api whose log cannot be read", { apiLog: undefined }, /its log cannot be read/],
        ["a web pod too few", { pods: healthy.pods.slice(1) }, /2 of 3 pods ready/],
        [
            "a pod that is not ready",
            { pods: [...healthy.pods.slice(0, -1), pod("crawler", false)] },
            /0 of 1 pods ready \(0\/3\)/,
        ],
        ["a pod too many", { pods: [...healthy.pods, pod("api")] }, /2 of 1 pods ready/],
        [
            "an api that was scaled to two",
            {
                pods: [...healthy.pods, pod("api")],
                deployments: healthy.deployments.map((one) =>
                    one.metadata.name === "synergychat-api"
                        ? { ...one, spec: { ...one.spec, replicas: 2 } }
                        : one,
                ),
            },
            /2 of 2 pods ready/,
        ],
        [
            "a deployment that is gone",
            { deployments: healthy.deployments.slice(1) },
            /no deployment synergychat-web/,
        ],
        [
            "a crawler container that does not answer",
            {
                crawlerPorts: healthy.crawlerPorts.map((one, index) =>
                    index === 1 ? { ...one, answer: undefined } : one,
                ),
            },
            /synergychat-crawler-2 does not answer on 8081/,
        ],
        [
            "crawler containers on one port",
            { crawlerPorts: healthy.crawlerPorts.map((one) => ({ ...one, port: 8080 })) },
            /they answer on 8080$/,
        ],
        [
            "a service in front of all containers",
            {
                slices: healthy.slices.map((slice) => ({
                    ...slice,
                    ports: [{ port: 8080 }, { port: 8081 }],
                })),
            },
            /not the first container alone/,
        ],
        [
            "a claim that is pending",
            { claims: [{ ...claim, status: { phase: "Pending" } }] },
            /synergychat-api-pvc Pending/,
        ],
        ["a claim that is gone", { claims: [] }, /there is no claim synergychat-api-pvc/],
        [
            "a file beside the volume",
            { apiConfig: { API_DB_FILEPATH: "/tmp/db.json" } },
            /API_DB_FILEPATH is \/tmp\/db.json/,
        ],
    ];
    for (const [what, change, seen] of broken) {
        it(`fails one check for ${what}`, () => {
            const found = failed({ ...healthy, ...change });
            assert.equal(found.length, 1, JSON.stringify(found));
            assert.match(found[0]?.seen ?? "", seen);
        });
    }

    it("fails for an api on a volume that dies with its pod, where storage should stay", () => {
        const live = {
            ...healthy,
            deployments: [
                ...healthy.deployments.filter(({ metadata }) => metadata.name !== "synergychat-api"),
                deployment("api", [{ name: "synergychat-api-volume", emptyDir: {} }]),
            ],
        };
        assert.deepEqual(
            failed(live).map(({ seen }) => seen),
            ["the api uses none", "emptyDir; storageMode is persistent"],
        );
    });
});

describe("verify: trying", () => {
    const one = { Text: "one" };
    const two = { Text: "two" };

    it("wants messages kept with persistent storage, those that others wrote meanwhile aside", () => {
        const judge = (before: object[], after: object[]) =>
            verdict("", { storageMode: "persistent" }, before, after).result;
        assert.equal(judge([one], [one]), "ok");
        assert.equal(judge([one], [one, two]), "ok");
        assert.equal(judge([one, two], [one]), "failed");
        assert.equal(judge([one], []), "failed");
        assert.equal(judge([], []), "failed", "nothing was tried");
    });

    it("wants them gone with ephemeral storage", () => {
        const judge = (after: object[]) => verdict("", { storageMode: "ephemeral" }, [one], after).result;
        assert.equal(judge([]), "ok");
        assert.equal(judge([two]), "ok");
        assert.equal(judge([one]), "failed");
    });

    it("says what harm it would do on the live pod", () => {
        const because = (storageMode: Live["storageMode"], messages: Live["messages"]) =>
            harm({ storageMode, messages });
        assert.match(because("ephemeral", []), /what somebody writes meanwhile would be gone/);
        assert.match(because("ephemeral", [one, two]), /holds 2 messages, which would be gone/);
        assert.match(because("persistent", [one]), /holds 1 message, and would not answer/);
        assert.match(because("persistent", []), /would stay, since the app cannot delete one/);
        assert.match(because("ephemeral", undefined), /does not tell its messages/);
    });
});
