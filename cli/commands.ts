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
    backup: {
        summary: "Makes a backup now and proves it, or saves the messages in a file.",
        words: [stackWord],
        flags: {},
        options: { file: ["PATH", "save the messages in this file, whatever the storage mode"] },
        run: async (call) => (await import("./commands/backup/backup")).backup(call),
    },
    backups: {
        summary: "Lists the backups: time, size, messages, reason, and whether each is proven.",
        words: [stackWord],
        flags: { json },
        run: async (call) => (await import("./commands/backups/backups")).listBackups(call),
    },
    restore: {
        summary: "Replaces the messages by those of a backup or a file, and keeps a copy of what was there.",
        words: ["NAME|FILE", stackWord],
        flags: { yes },
        options: { messages: ["N", "restore the first N messages only"] },
        run: async (call) => (await import("./commands/restore/restore")).restore(call),
    },
};
