/** The checker must be able to fail: on notes that are known to be bad, and on a guard with a planted fault. */
import { strict as assert } from "node:assert";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Chat, buildApi, post, read } from "./support/chat.ts";
import { until } from "./support/processes.ts";
import { type Told, type Verdict, History } from "./support/set-full.ts";

type Fault = "lost" | "stale" | "duplicated" | "contradicted" | "invented" | "reordered";

function faultsIn(verdict: Verdict): Fault[] {
    const faults: Fault[] = ["lost", "stale", "duplicated", "contradicted", "invented"];
    const found = faults.filter((fault) => (verdict[fault] as readonly string[]).length > 0);
    return [...found, ...(verdict.reordered > 0 ? (["reordered"] as const) : [])];
}

describe("The checker", function () {
    this.timeout(120_000);

    for (const [what, told, reads, faults] of [
        [
            "nothing is wrong",
            "stored",
            [
                ["a", "b"],
                ["a", "b"],
            ],
            [],
        ],
        ["nothing is known of a message", "unknown", [["a"], ["a"]], []],
        ["an acknowledged message is in no read", "stored", [["a"], ["a"]], ["lost"]],
        ["a message was seen, and is gone", "unknown", [["a", "b"], ["a"]], ["lost", "reordered"]],
        ["a message was gone for a while", "stored", [["a"], ["a", "b"]], ["stale"]],
        ["a message is there twice", "stored", [["a", "b", "b"]], ["duplicated"]],
        ["a message that was refused is there", "refused", [["a", "b"]], ["contradicted"]],
        ["nobody has sent a message", "stored", [["a", "b", "c"]], ["invented"]],
        [
            "messages change places",
            "stored",
            [
                ["a", "b"],
                ["b", "a"],
            ],
            ["reordered"],
        ],
    ] as const) {
        it(`finds what is wrong if ${what}`, async () => {
            const history = new History();
            await history.write("a", () => Promise.resolve<Told>("stored"));
            await history.read(() => Promise.resolve(["a"]));
            await history.write("b", () => Promise.resolve<Told>(told));
            for (const texts of reads) {
                await history.read(() => Promise.resolve(texts));
            }
            assert.deepEqual(faultsIn(history.verdict()), faults);
        });
    }

    describe("of a guard", () => {
        let folder: string;
        let program: string | undefined;

        before(function () {
            folder = mkdtempSync(join(tmpdir(), "planted-"));
            program = buildApi(folder);
            if (program === undefined || process.platform !== "linux") {
                this.skip();
            }
        });
        after(() => {
            rmSync(folder, { recursive: true });
        });

        /** The guard with a change of its source. */
        function planted(name: string, file: string, from: string, to: string): string {
            const copy = join(folder, name);
            cpSync(join(import.meta.dirname, ".."), copy, {
                recursive: true,
                filter: (path) => !path.endsWith("tests"),
            });
            const source = readFileSync(join(copy, file), "utf8");
            assert.ok(source.includes(from), `${file} no longer has: ${from}`);
            writeFileSync(join(copy, file), source.replace(from, to));
            return join(copy, "guard.ts");
        }

        /** Messages, one of which another write overwrites, then a power cut that undoes all writes of the app. */
        async function judge(guard?: string): Promise<Verdict> {
            const chat = new Chat(program ?? "");
            const history = new History();
            try {
                await chat.start(true, guard);
                for (let count = 1; count <= 5; count++) {
                    await history.write(`message ${String(count)}`, (text) => post(chat.port, text));
                }
                writeFileSync(chat.file, readFileSync(chat.file, "utf8").replace("message 5", "late"));
                await history.write("late", () => Promise.resolve("unknown"));
                await until("the late message", async () => (await read(chat.port)).includes("late"));
                await history.write("after", (text) => post(chat.port, text));
                await chat.stop();
                writeFileSync(chat.file, "[]");
                chat.startApp();
                chat.startGuard();
                await until("the api", () => read(chat.port).catch(() => undefined));
                await history.read(() => read(chat.port));
                return history.verdict();
            } finally {
                await chat.remove();
            }
        }

        it("finds nothing wrong with the guard as it is", async () => {
            assert.deepEqual(faultsIn(await judge()), []);
        });

        for (const [what, file, from, to, fault] of [
            [
                "acknowledges before it mirrors",
                "mirror.ts",
                "const size =",
                "this.bytes = file; return;\nconst size =",
                "lost",
            ],
            ["gives an overwritten message up", "keeper.ts", "merge(known, messages)", "messages", "lost"],
            [
                "sends a message twice",
                "proxy.ts",
                "const asked = ask(",
                "if (isPost) await ask(this.port, request, body);\nconst asked = ask(",
                "duplicated",
            ],
        ] as const) {
            it(`finds a guard that ${what}`, async () => {
                const faults = faultsIn(await judge(planted(what.replaceAll(" ", "-"), file, from, to)));
                assert.ok(faults.includes(fault), faults.join());
            });
        }
    });
});
