/** How somebody who copies the components reaches what the args do not reach. */
import { strict as assert } from "node:assert";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { Api } from "../../components/api.ts";
import { ApiStorage } from "../../components/storage.ts";
import { Web, type WebArgs } from "../../components/web.ts";
import { Resources, declare } from "./support/program.ts";

const args: WebArgs = {
    namespace: "chat",
    instance: "mine-dev",
    image: "example.org/web:1",
    replicas: 1,
    apiUrl: "http://api.internal",
};

async function web(more: Partial<WebArgs> = {}, opts?: pulumi.ComponentResourceOptions): Promise<Resources> {
    const { resources } = await declare(() => ({ web: new Web("web", { ...args, ...more }, opts).urn }));
    return new Resources(resources);
}

describe("a component", () => {
    it("accepts outputs of other resources as args", async () => {
        const run = await web({
            namespace: pulumi.output("later"),
            image: pulumi.output("example.org/web:2"),
            replicas: pulumi.output(2),
            apiUrl: pulumi.output("http://later.internal"),
        });
        const deployment = run.find("Deployment", "synergychat-web").inputs;
        assert.equal(deployment.metadata.namespace, "later");
        assert.equal(deployment.spec.replicas, 2);
        assert.equal(deployment.spec.template.spec.containers[0].image, "example.org/web:2");
        assert.equal(
            run.find("ConfigMap", "synergychat-web-configmap").inputs.data.API_URL,
            "http://later.internal",
        );
    });

    it("has a documented default for every arg that may be left out", async () => {
        const deployment = (await web()).find("Deployment", "synergychat-web").inputs;
        const { imagePullSecrets, containers } = deployment.spec.template.spec;
        assert.equal(imagePullSecrets, undefined);
        assert.equal(containers[0].imagePullPolicy, "IfNotPresent");
        assert.deepEqual(containers[0].resources, {
            requests: { cpu: "10m", memory: "16Mi", "ephemeral-storage": "16Mi" },
            limits: { cpu: "500m", memory: "128Mi", "ephemeral-storage": "1Gi" },
        });
    });

    it("uses the memory and pull secrets that it is given", async () => {
        const run = await web({ memory: 1024, imagePullSecrets: ["registry"] });
        const { spec } = run.find("Deployment", "synergychat-web").inputs.spec.template;
        assert.equal(spec.containers[0].resources.limits.memory, "1024Mi");
        assert.deepEqual(spec.imagePullSecrets, [{ name: "registry" }]);
    });

    it("offers its Deployment, whose rollout others wait for", async () => {
        const { result } = await declare(() => [new Web("web", args).deployment.metadata.name]);
        assert.deepEqual(result, ["synergychat-web"]);
    });

    it("hands its children to Pulumi's own transformations", async () => {
        const seen: string[] = [];
        const annotate: pulumi.ResourceTransformation = ({ type, name, props, opts }) => {
            seen.push(name);
            const metadata = { ...(props.metadata as object), annotations: { team: "chat" } };
            return type.startsWith("kubernetes:") ? { props: { ...props, metadata }, opts } : undefined;
        };
        const run = await web({}, { transformations: [annotate] });
        const children = ["configmap", "deployment", "poddisruptionbudget", "service"];
        assert.deepEqual(seen.sort(), ["web", ...children.map((child) => `web-${child}`)]);
        for (const { inputs } of run.objects) {
            assert.equal(inputs.metadata.annotations.team, "chat");
        }
    });

    it("keeps the provider of a program that has two", async () => {
        const { resources } = await declare(() => {
            const provider = new k8s.Provider("second", { context: "other" });
            return { urn: new Web("web", args, { provider }).urn };
        });
        for (const { provider } of new Resources(resources).objects) {
            assert.match(provider, /::second::/);
        }
    });

    it("mounts the storage that it is given: an api on a claim of somebody else", async () => {
        const { resources } = await declare(() => {
            const common = { namespace: "chat", instance: "mine-dev" };
            const storage = new ApiStorage("storage", {
                ...common,
                storage: { mode: "persistent", existingClaim: "theirs" },
            });
            const more = { image: "example.org/api:1", crawlerUrl: "http://crawler", storage };
            return { urn: new Api("api", { ...common, ...more }).urn };
        });
        const { spec } = new Resources(resources).find("Deployment", "synergychat-api").inputs.spec.template;
        assert.equal(spec.volumes[0].persistentVolumeClaim.claimName, "theirs");
    });
});
