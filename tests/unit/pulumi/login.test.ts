/** Where the state is, if HOME is not the home of the account. */
import { strict as assert } from "node:assert";
import { userInfo } from "node:os";
import { join } from "node:path";
import { credentialsFolder } from "../../../pulumi/login.ts";

describe("the logins of Pulumi", () => {
    const { HOME } = process.env;
    afterEach(() => {
        process.env.HOME = HOME;
    });

    // Pulumi reads them there: https://pkg.go.dev/os/user#Current
    it("are in the home of the account, whatever HOME says", () => {
        process.env.HOME = "/elsewhere";
        assert.equal(credentialsFolder({ HOME: "/elsewhere" }), join(userInfo().homedir, ".pulumi"));
    });

    it("are in the folder that Pulumi's own variables name", () => {
        assert.equal(credentialsFolder({ PULUMI_HOME: "/home" }), "/home");
        assert.equal(credentialsFolder({ PULUMI_HOME: "/home", PULUMI_CREDENTIALS_PATH: "/path" }), "/path");
    });
});
