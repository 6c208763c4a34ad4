import assert from "node:assert/strict";
import { dirname } from "node:path";
import { asJson, asShell, environmentOf } from "../env.ts";
import { attempt } from "../exec.ts";
import { pathsFrom } from "../paths.ts";

describe("env", () => {
    const paths = pathsFrom({ HOME: "/home/o'neill" });
    const built = { folder: paths.bin, officialHost: false, provider: "built" } as const;

    it("survives the shell, whatever the folder is called", async () => {
        const print = 'printf "%s\\n" "$KUBECONFIG" "$PULUMI_BACKEND_URL" "$PATH"';
        const script = `PATH=/usr/bin:/bin\n${asShell(environmentOf(paths, built, {}))}\n${print}`;
        const { stdout } = await attempt("sh", ["-c", script]);
        const [kubeconfig, backend, path] = stdout.split("\n");
        assert.equal(kubeconfig, paths.kubeconfig);
        assert.equal(backend, `file://${paths.pulumiState}`);
        assert.match(path ?? "", /^\/home\/o'neill\/\.cache\/synergychat-sandbox\/bin:.*:\/usr\/bin:\/bin$/);
    });

    it("says the same as JSON", () => {
        const environment = environmentOf(paths, built, {});
        const json = JSON.parse(asJson(environment, "/usr/bin")) as Record<string, string>;
        assert.equal(json.PATH, [...environment.before, "/usr/bin"].join(":"));
        assert.equal(json.PULUMI_CONFIG_PASSPHRASE_FILE, paths.passphrase);
        assert.equal(json.KUBECACHEDIR?.startsWith(paths.state), true);
    });

    it("leads past a proxy, and adds to what leads past it already", () => {
        assert.equal(environmentOf(paths, built, {}).variables.NO_PROXY, undefined);
        const shell = { HTTPS_PROXY: "http://proxy:3128", NO_PROXY: "localhost,10.250.0.2" };
        assert.equal(environmentOf(paths, built, shell).variables.NO_PROXY, "localhost,10.250.0.2");
        const lower = { https_proxy: "http://proxy:3128", no_proxy: "localhost" };
        assert.equal(environmentOf(paths, built, lower).variables.no_proxy, "localhost,10.250.0.2");
    });

    it("makes the provider that is built here force its patches, as its release does by an option", () => {
        const forces = (provider: "built" | "release"): string | undefined =>
            environmentOf(paths, { ...built, provider }, {}).variables.PULUMI_K8S_ENABLE_PATCH_FORCE;
        assert.deepEqual([forces("built"), forces("release")], ["true", undefined]);
    });

    it("puts Pulumi's own programs first, if there are any", () => {
        const official = { folder: "/opt/pulumi", officialHost: true, provider: "release" } as const;
        const { before, after } = environmentOf(paths, official, {});
        assert.deepEqual(before, ["/opt/pulumi", dirname(process.execPath)]);
        assert.deepEqual(after, [paths.bin]);
    });
});

describe("the paths", () => {
    it("follow the machine's settings", () => {
        const paths = pathsFrom({ HOME: "/root", XDG_CACHE_HOME: "/c", XDG_STATE_HOME: "/s" });
        assert.equal(paths.bin, "/c/synergychat-sandbox/bin");
        assert.equal(paths.kubeconfig, "/s/synergychat-sandbox/kubeconfig");
        assert.equal(paths.number, 0);
    });

    it("give another cluster another network", () => {
        const paths = pathsFrom({ HOME: "/root", SYNERGYCHAT_SANDBOX_STATE: "/other" });
        assert.equal(paths.state, "/other");
        assert(paths.number > 0 && paths.number < 255);
    });
});
