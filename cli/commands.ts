/** The table of commands. Each command is a folder of its own, loaded when it is called. */
import type { Command } from "./command";

const stackWord = "[STACK]";
const yes = "do not ask";
const json = "print one JSON document on standard output";

/** Every command by its name. */
export const commands: Readonly<Record<string, Command>> = {
    up: {
        summary: "Brings SynergyChat up, from a fresh machine to the answering page.",
        words: [stackWord],
        flags: { yes },
        run: async (call) => (await import("./commands/up/up")).up(call),
    },
    down: {
        summary: "Destroys the stack, and checks that claims, volumes and data are gone or kept.",
        words: [stackWord],
        flags: { yes },
        run: async (call) => (await import("./commands/down/down")).down(call),
    },
    verify: {
        summary: "Runs the chapter's checks on the live stack, a line each.",
        words: [stackWord],
        flags: {
            destructive: "also delete the live api's pod: with ephemeral storage, the messages are lost",
            json,
        },
        run: async (call) => (await import("./commands/verify/verify")).verify(call),
    },
    switch: {
        summary: "Changes the storage mode and takes the messages along.",
        words: ["persistent|ephemeral", stackWord],
        flags: {},
        run: async (call) => (await import("./commands/switch/switch")).switchStorage(call),
    },
};
