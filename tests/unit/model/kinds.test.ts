import { strict as assert } from "node:assert";
import {
    type Feature,
    groupOf,
    isStackName,
    kindOf,
    kindsWith,
    listPath,
    objectPath,
    stackKinds,
} from "../../../model/kinds.ts";

describe("the table of kinds", () => {
    it("gives every kind its path in the API", () => {
        const paths = stackKinds.map(({ kind }) => [kind, objectPath(kind, "x", "chat")]);
        assert.deepEqual(Object.fromEntries(paths), {
            Deployment: "/apis/apps/v1/namespaces/chat/deployments/x",
            CronJob: "/apis/batch/v1/namespaces/chat/cronjobs/x",
            Job: "/apis/batch/v1/namespaces/chat/jobs/x",
            Service: "/api/v1/namespaces/chat/services/x",
            ConfigMap: "/api/v1/namespaces/chat/configmaps/x",
            RoleBinding: "/apis/rbac.authorization.k8s.io/v1/namespaces/chat/rolebindings/x",
            PodDisruptionBudget: "/apis/policy/v1/namespaces/chat/poddisruptionbudgets/x",
            Role: "/apis/rbac.authorization.k8s.io/v1/namespaces/chat/roles/x",
            ServiceAccount: "/api/v1/namespaces/chat/serviceaccounts/x",
            Ingress: "/apis/networking.k8s.io/v1/namespaces/chat/ingresses/x",
            HTTPRoute: "/apis/gateway.networking.k8s.io/v1/namespaces/chat/httproutes/x",
            Gateway: "/apis/gateway.networking.k8s.io/v1/namespaces/chat/gateways/x",
            NetworkPolicy: "/apis/networking.k8s.io/v1/namespaces/chat/networkpolicies/x",
            PersistentVolumeClaim: "/api/v1/namespaces/chat/persistentvolumeclaims/x",
            Namespace: "/api/v1/namespaces/x",
        });
    });

    it("lists a kind in all namespaces if none is named", () => {
        assert.equal(listPath(kindOf("Ingress")), "/apis/networking.k8s.io/v1/ingresses");
    });

    it("puts what holds data last, so that it is deleted after everything that may use it", () => {
        const holds = stackKinds.map(({ holdsData }) => holdsData);
        assert.deepEqual(holds, [...holds].sort());
        assert.equal(stackKinds.at(-1)?.kind, "Namespace");
    });

    it("knows the kinds of each feature", () => {
        const kinds = (...features: Feature[]) =>
            kindsWith(features)
                .filter(({ feature }) => feature)
                .map(({ kind }) => kind);
        assert.deepEqual(kinds(), []);
        assert.deepEqual(kinds("ingress"), ["Ingress"]);
        assert.deepEqual(kinds("gateway"), ["HTTPRoute", "Gateway"]);
        assert.deepEqual(kinds("guard"), ["RoleBinding", "Role", "ServiceAccount"]);
        assert.deepEqual(kinds("backups", "ingress"), ["CronJob", "Job", "Ingress"]);
    });

    it("knows the stack's names by kind", () => {
        assert.ok(isStackName("Gateway", "app-gateway"));
        assert.ok(isStackName("HTTPRoute", "api-httproute"));
        assert.ok(!isStackName("Gateway", "app-ingress"));
        assert.ok(!isStackName("Secret", "api-service"));
    });

    it("knows the API group of a kind, which is empty for the core group", () => {
        assert.equal(groupOf(kindOf("Service")), "");
        assert.equal(groupOf(kindOf("Deployment")), "apps");
    });

    it("throws for a kind that it does not have", () => {
        assert.throws(() => kindOf("Secret"), /Secret/);
    });
});
