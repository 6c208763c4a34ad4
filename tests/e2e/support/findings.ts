/** Findings in what a command printed. */
import { type FindingCode, findingCodes } from "../../../model/finding.ts";

/** The codes of all findings in a text, each once, in their order. */
export function codesIn(text: string): readonly FindingCode[] {
    const found = [...text.matchAll(/\[([a-z]+(?:-[a-z]+)+)\]/g)].map(([, code]) => code as FindingCode);
    return [...new Set(found)].filter((code) => findingCodes.includes(code));
}
