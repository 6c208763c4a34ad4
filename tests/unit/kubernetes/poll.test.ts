/** The one poller: what it asks again, and what it does not. */
import { strict as assert } from "node:assert";
import type { Client } from "../../../kubernetes/client.ts";
import { type Clock, poll } from "../../../kubernetes/poll.ts";
import { TransientError, UserError } from "../../../system/errors.ts";
import { fakeClient } from "../support/client.ts";

/** A clock that moves only by what is slept. */
function fakeClock(): Clock & { readonly slept: number[] } {
    const slept: number[] = [];
    const sleep = (time: number) => Promise.resolve(slept.push(time));
    return { slept, sleep, now: () => slept.reduce((sum, time) => sum + time, 0) };
}

/** Gives one answer after the other. An Error is thrown. */
function asking(...answers: readonly unknown[]): () => Promise<string | undefined | false> {
    const left = [...answers];
    return () => {
        const answer = left.shift();
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer as string);
    };
}

describe("poll", () => {
    const inVain = "Waited in vain.";

    it("asks until there is an answer, and goes on after a failure that may pass", async () => {
        const clock = fakeClock();
        const heard: string[] = [];
        const ask = asking(undefined, false, new TransientError("etcd leader changed"), "", "never asked");
        const onFailure = ({ message }: Error) => heard.push(message);
        assert.equal(await poll(ask, { seconds: 60, inVain, interval: 200, clock, onFailure }), "");
        assert.deepEqual(clock.slept, [200, 200, 200]);
        assert.deepEqual(heard, ["etcd leader changed"]);
    });

    it("does not ask again after a refusal", async () => {
        const clock = fakeClock();
        await assert.rejects(
            poll(asking(new UserError("you may not"), "yes"), { seconds: 60, inVain, clock }),
            /you may not/,
        );
        assert.deepEqual(clock.slept, []);
    });

    it("ends when the time is over, with the last failure if there is one", async () => {
        const hiccup = new TransientError("connection refused");
        for (const [answers, expected] of [
            [[undefined, undefined, undefined, undefined], /Waited in vain/],
            [[undefined, undefined, hiccup, hiccup], /connection refused/],
            [[hiccup, hiccup, hiccup, undefined], /Waited in vain/],
        ] as const) {
            const clock = fakeClock();
            await assert.rejects(poll(asking(...answers), { seconds: 3, inVain, clock }), expected);
            assert.deepEqual(clock.slept, [1000, 1000, 1000]);
        }
    });

    it("returns what the caller has in place of an answer when the time is over", async () => {
        const clock = fakeClock();
        const ask = asking(undefined, undefined, new TransientError("connection refused"));
        assert.equal(await poll(ask, { seconds: 2, inVain: () => "the last", clock }), "the last");
    });
});

describe("the client's failures", () => {
    for (const [status, isTransient] of [
        [0, true],
        [429, true],
        [500, true],
        [503, true],
        [400, false],
        [409, false],
        [422, false],
    ] as const) {
        it(`may ${isTransient ? "" : "not "}pass by themselves with HTTP status ${status}`, async () => {
            const client: Client = fakeClient(() => ({ kind: "failed", status, message: "no" }));
            await assert.rejects(
                client.get("/api"),
                (error) => error instanceof UserError && error instanceof TransientError === isTransient,
            );
        });
    }

    it("never include a refusal among those that may pass", async () => {
        const client = fakeClient(() => ({ kind: "forbidden", message: "you may not" }));
        await assert.rejects(client.get("/api"), (error) => !(error instanceof TransientError));
    });

    it("do not end a wait", async () => {
        let asked = 0;
        const client = fakeClient(() =>
            ++asked === 1
                ? { kind: "failed", status: 503, message: "apiserver not ready" }
                : { kind: "found", body: "yes" },
        );
        assert.equal(await client.waitUntil("it is so", () => client.get("/api"), 60, undefined, 1), "yes");
    });
});
