/** How the arguments of a command are read. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { UsageError, defineCommand, helpOf, readCall, yesOption } from "../../../cli/command.ts";
import { commands } from "../../../cli/commands.ts";

const command = defineCommand({
    summary: "Does it.",
    words: ["[STACK]"],
    options: { ...yesOption, file: { type: "string", value: "PATH", text: "write a file" } },
    run: () => Promise.resolve(),
});

describe("readCall", () => {
    it("returns words and options in any order", () => {
        for (const args of [
            ["dev", "--yes"],
            ["--yes", "dev"],
        ]) {
            const { words, options } = readCall("up", command, args);
            assert.deepEqual([words, { ...options }], [["dev"], { yes: true }]);
        }
    });

    for (const args of [
        ["--file", "a.json", "dev", "--yes"],
        ["dev", "--yes", "--file=a.json"],
        ["--file", "b.json", "--yes", "--file", "a.json", "dev"],
    ]) {
        it(`returns the value of an option: ${args.join(" ")}`, () => {
            const { words, options } = readCall("up", command, args);
            assert.deepEqual([words, { ...options }], [["dev"], { yes: true, file: "a.json" }]);
        });
    }

    for (const args of [["--file"], ["--file="], ["--file", "--yes"]]) {
        it(`refuses an option without its value: ${args.join(" ")}`, () => {
            assert.throws(
                () => readCall("up", command, args),
                (error: unknown) => error instanceof UsageError && error.message.includes("--file PATH"),
            );
        });
    }

    for (const args of [["--now"], ["--yes=false"], ["-y"], ["dev", "prod"]]) {
        it(`refuses ${args.join(" ")} as wrong usage, and names it`, () => {
            assert.throws(
                () => readCall("up", command, args),
                (error: unknown) =>
                    error instanceof UsageError &&
                    error.message.includes((args.at(-1) ?? "").replace("=false", "")),
            );
        });
    }
});

describe("options that npm has taken, because they were given without --", () => {
    const restore = defineCommand({
        summary: "Does it.",
        words: ["FILE"],
        options: {
            ...yesOption,
            "no-backup": { type: "boolean", text: "make none" },
            messages: { type: "string", value: "N", text: "the first N" },
        },
        run: () => Promise.resolve(),
    });
    const call = (env: Record<string, string>, args = ["a b.json"]) =>
        readCall("restore", restore, args, env);

    for (const [env, line] of [
        [{ npm_config_messages: "2" }, "npm run restore -- 'a b.json' --messages=2"],
        [{ npm_config_messages: "true" }, "npm run restore -- 'a b.json' --messages=N"],
        [{ npm_config_backup: "" }, "npm run restore -- 'a b.json' --no-backup"],
        [{ npm_config_yes: "true" }, "npm run restore -- 'a b.json' --yes"],
        [{ npm_config_json: "true" }, "npm run restore -- 'a b.json' --json"],
    ] as const) {
        it(`stop the command with the line to type: ${line}`, () => {
            assert.throws(
                () => call(env),
                (error: unknown) => error instanceof UsageError && error.message.includes(line),
            );
        });
    }

    it("do not matter if they are npm's own, or given to the command as well", () => {
        call({ npm_config_cache: "/tmp", npm_config_backup: "true", npm_config_json: "" });
        assert.equal(call({ npm_config_yes: "true" }, ["a", "--yes"]).options.yes, true);
    });
});

describe("the table of commands", () => {
    const rows = [...readFileSync("docs/commands.md", "utf8").matchAll(/^\| `([a-z]+)` +\|/gm)];

    it("has the commands of docs/commands.md, each of which takes --json", async () => {
        assert.deepEqual(rows.map(([, name]) => name).sort(), Object.keys(commands).sort());
        for (const [name, load] of Object.entries(commands)) {
            const { command: row } = await load();
            assert.ok(readCall(name, row, ["--json"]).output.json, name);
            assert.ok(!readCall(name, row, []).output.json, name);
        }
    });

    for (const [name, load] of Object.entries(commands)) {
        it(`has a help for ${name} that names its words and options`, async () => {
            const { command: row } = await load();
            const help = helpOf(name, row);
            const options = Object.entries(row.options).map(
                ([option, { value = "" }]) => `--${option} ${value}`,
            );
            for (const part of [row.summary, ...row.words, ...options]) {
                assert.ok(help.includes(part), part);
            }
        });
    }
});
