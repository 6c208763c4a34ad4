/** The operating system that the commands run on. */
import { existsSync, readFileSync } from "node:fs";

/** Windows Subsystem for Linux, macOS, or Linux. */
export type Machine = "wsl" | "macos" | "linux";

/** This machine. */
export function thisMachine(): Machine {
    if (process.platform === "darwin") {
        return "macos";
    }
    const version = "/proc/version";
    const isWsl = existsSync(version) && /microsoft/i.test(readFileSync(version, "utf8"));
    return isWsl ? "wsl" : "linux";
}

/** Path of the hosts file that the browser on this machine reads. In WSL, that is the one of Windows. */
export function hostsFile(machine: Machine): string {
    return machine === "wsl" ? "C:\\Windows\\System32\\drivers\\etc\\hosts" : "/etc/hosts";
}

/** The text of that file. Empty if it cannot be read. */
export function hostsText(machine: Machine): string {
    try {
        const path = machine === "wsl" ? "/mnt/c/Windows/System32/drivers/etc/hosts" : hostsFile(machine);
        return readFileSync(path, "utf8");
    } catch {
        return "";
    }
}

/** Whether the process is root on Linux. */
export function isLinuxRoot(): boolean {
    return process.platform === "linux" && process.getuid?.() === 0;
}
