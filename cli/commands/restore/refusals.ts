/** Why a restore must not begin. Pure: every finding has a unit test. */
import { type Finding, error, fix } from "../../../model/finding.ts";
import type { StorageMode } from "../../../model/storage.ts";
import { shellWord } from "../../paths.ts";
import { useImageWithShell } from "../../refusals.ts";
import type { Source } from "./source.ts";

/** The command that restores this, whatever is selected, without a question. */
export function restoreCommand({ stack }: { readonly stack: string }, { named, first }: Source): string {
    const messages = first === undefined ? "" : ` --messages ${first}`;
    return `npm run restore -- ${shellWord(named)} ${stack}${messages} --yes`;
}

/** An earlier restore that is not complete. */
export function interruptedRestore(entries: {
    readonly stack: string;
    readonly source: Source;
    readonly copy: string;
}): Finding {
    const { stack, source, copy } = entries;
    return error(
        "restore-interrupted",
        `A restore of stack ${stack} was interrupted, and nobody can post until it is complete. It restores ${source.named}.`,
        fix("Complete it", restoreCommand(entries, source)),
        fix("Go back to what it replaces", restoreCommand(entries, { named: copy })),
    );
}

/** An api whose file nothing can replace. */
export function noShell(image: string, mode: StorageMode): Finding {
    const move = mode === "ephemeral" && "npm run switch -- persistent";
    return error(
        "restore-needs-shell",
        `Image ${image} has no shell, and a restore replaces the api's file through the shell of the image. Nothing was changed.`,
        fix("Use an image with a shell", move, ...useImageWithShell),
    );
}
