/** The end of a switch as people outside the cluster see it. */
import { strict as assert } from "node:assert";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { waitForAnswer } from "../../../cli/outside.ts";

describe("the end of a switch", () => {
    let server: Server;
    let asked: string[];

    beforeEach(async () => {
        asked = [];
        server = createServer(({ headers, url }, response) => {
            asked.push(`${headers.host ?? ""}${url ?? ""}`);
            // An ingress controller that has not heard of the new pod yet.
            response.writeHead(asked.length < 3 ? 503 : 200).end("[]");
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    });
    afterEach(() => {
        server.close();
    });

    it("comes only when the api answers at its address again", async () => {
        const host = `synchatapi.internal:${(server.address() as AddressInfo).port}`;
        await waitForAnswer({ info: () => undefined }, `http://${host}`, "127.0.0.1", "dev");
        assert.deepEqual(asked, Array(3).fill(`${host}/messages`));
    });
});
