/** The table of commands. Each command is a folder of its own, loaded when it is called. */
import type { Command } from "./command.ts";

export const commands: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
    up: () => import("./commands/up/up.ts"),
    down: () => import("./commands/down/down.ts"),
    verify: () => import("./commands/verify/verify.ts"),
    switch: () => import("./commands/switch/switch.ts"),
    backup: () => import("./commands/backup/backup.ts"),
    backups: () => import("./commands/backups/backups.ts"),
    restore: () => import("./commands/restore/restore.ts"),
    pin: () => import("./commands/pin/pin.ts"),
    env: () => import("./commands/env/env.ts"),
};
