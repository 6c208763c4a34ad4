import { UserError } from "../../system/errors.ts";
import { isLinuxRoot } from "../../system/machine.ts";
import { runVisibly } from "../../system/process.ts";

/**
 * Installs a Debian package.
 *
 * @throws UserError if that is not possible on this machine.
 */
export function installDebianPackage(name: string): void {
    if (!isLinuxRoot()) {
        throw new UserError(
            `Debian's package ${name} is missing, or what another system calls it. Install it.`,
        );
    }
    console.log(`Installing Debian's package ${name}, which takes a minute or two ...`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const apt = ["--option=DPkg::Lock::Timeout=300", "--quiet=2"];
    runVisibly("apt-get", [...apt, "update"], env, 1);
    runVisibly("apt-get", [...apt, "install", "--yes", "--no-install-recommends", name], env, 1);
}
