/** The table of commands. Each command is a folder of its own, loaded when it is called. */
import type { Command } from "./command.ts";

const stackWord = "[STACK]";
const yes = "do not ask";
const noBackup = "no-backup";
const json = "print one JSON document on standard output";

/** Every command by its name. */
export const commands: Readonly<Record<string, Command>> = {
    up: {
        summary: "Brings SynergyChat up, from a fresh machine to the answering page.",
        words: [stackWord],
        flags: { yes },
        run: async (call) => (await import("./commands/up/up.ts")).up(call),
    },
    down: {
        summary: "Destroys the stack, and checks that claims, volumes and data are gone or kept.",
        words: [stackWord],
        flags: { yes, [noBackup]: "make no backup before" },
        details: ["A stack with backups makes one before, if retainData keeps the claim of the backups."],
        run: async (call) => (await import("./commands/down/down.ts")).down(call),
    },
    verify: {
        summary: "Runs the chapter's checks on the live stack, a line each.",
        words: [stackWord],
        flags: {
            destructive: "also delete the live api's pod: with ephemeral storage, the messages are lost",
            json,
        },
        run: async (call) => (await import("./commands/verify/verify.ts")).verify(call),
    },
    switch: {
        summary: "Changes the storage mode and takes the messages along.",
        words: ["persistent|ephemeral", stackWord],
        flags: { [noBackup]: "make no backup before a switch to ephemeral" },
        details: [
            "The api is out of its Service meanwhile, so that nobody can post. If the command is killed, the same command",
            "continues, and the one with the other mode goes back. A stack with backups makes one before it leaves its claim.",
        ],
        run: async (call) => (await import("./commands/switch/switch.ts")).switchStorage(call),
    },
    backup: {
        summary: "Makes a backup of the messages now.",
        words: [stackWord],
        flags: {},
        options: {
            file: { value: "PATH", text: "write a new file on this machine instead, in both storage modes" },
        },
        details: [
            "Without --file, the backup is on the claim of the stack's backups, which needs backupSchedule. It is proven:",
            "the api's own image starts on a copy of it and must return as many messages. Of these backups, the newest 20 are",
            "kept. With --file, it is what the api returns, in the layout of the api's own file.",
            "A file that exists is never replaced.",
        ],
        run: async (call) => (await import("./commands/backup/backup.ts")).backup(call),
    },
    backups: {
        summary: "Lists the backups: time, messages, size, reason, whether proven, and name.",
        words: [stackWord],
        flags: { json },
        details: [
            "A pod that mounts their claim reads them, so this takes some seconds. The newest backup is the first.",
        ],
        run: async (call) => (await import("./commands/backups/backups.ts")).backups(call),
    },
    restore: {
        summary: "Replaces the messages by those of a backup or a file.",
        words: ["NAME|FILE", stackWord],
        flags: { yes, [noBackup]: "make no backup of what is there before" },
        options: {
            messages: {
                value: "N",
                text: "the first N messages only: every earlier state of the chat is one",
            },
        },
        details: [
            "NAME is a backup as npm run backups lists it. FILE is a file on this machine, for example of npm run backup.",
            "",
            "The content is checked before anything changes. Then the api is out of its Service, so that nobody can post. What",
            "its file has is copied to this machine, and to a backup if the stack makes some. The file is replaced as a whole,",
            "the api runs on, and what it returns is compared. What was there stays on this machine, in a file that is named.",
            "",
            "If the command is killed, the same command continues, and a restore of that copy goes back. Without NAME and FILE,",
            "the command says what is to be done about a restore that was interrupted.",
        ],
        run: async (call) => (await import("./commands/restore/restore.ts")).restore(call),
    },
};
