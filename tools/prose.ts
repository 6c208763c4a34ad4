/**
 * Part of `npm run lint`: fails on words that the style of this project does not use, in code, comments, messages, tests
 * and docs. It cannot tell good English from bad. It holds the few rules that a program can check.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** A word to avoid, and what to write instead. */
interface Rule {
    readonly pattern: RegExp;
    readonly instead: string;
}

/** Rules for everything that a file holds, names in the code included. */
const wordRules: readonly Rule[] = [
    { pattern: /[«»]/g, instead: 'straight quotes (") or code' },
    { pattern: /\bjudg(?:e|es|ed|ing)\b/gi, instead: "evaluate" },
    { pattern: /\bverdicts?\b|\bproblem texts?\b/gi, instead: "finding" },
    { pattern: /\blook(?:At|ed at the cluster)\b|\bfacts\b/g, instead: "snapshot of the cluster" },
    { pattern: /\bmark(?:s|ed)\b/gi, instead: "owner labels, owned by this stack" },
    { pattern: /\bleft ?behind\b/gi, instead: "abandoned, or ephemeral messages that would be lost" },
    { pattern: /\bout ?of ?sight\b/gi, instead: "kept but not mounted" },
    { pattern: /\bfoundAgain\b/gi, instead: "re-attached" },
    { pattern: /\btakenOver\b/gi, instead: "adopted" },
    { pattern: /\bspent\b/gi, instead: "stale" },
    { pattern: /\bguests?\b/gi, instead: "foreign claim" },
    { pattern: /\bdoomed\b/gi, instead: "destroy plan" },
    { pattern: /\brehears(?:al|e|es|ed|ing)\b/gi, instead: "persistence check" },
    { pattern: /\blessons?\b/gi, instead: "check, or chapter" },
    { pattern: /\bwalk(?:s|ed|ing)?\b/gi, instead: "course walkthrough, or follow" },
    { pattern: /\b(?:un)?attended\b|\bagrees\(/gi, instead: "interactive, confirm" },
    { pattern: /\bmust\(/g, instead: "get or throw" },
];

/** "where" is for places. Before it stands a place or a word of saying; otherwise "if" is probably meant. */
const place =
    "say|says|said|tell|tells|told|know|knows|known|show|shows|ask|asks|asked|chose|see|find|finds|depends? on|on|from|of|to|back|and|or" +
    "|page|place|state|folder|file|line|volume|machine|path|namespace|stdout|journal|service|is";
const proseRules: readonly Rule[] = [
    {
        pattern: new RegExp(String.raw`(?<!\b(?:${place}),?\s+)(?<=\w,?\s+)\bwhere\b`, "gi"),
        instead: "if, or when",
    },
    { pattern: /(?<!\/\*\* )\bWhere\b(?! do\b)[^.,:;|]*, (?!and\b)/g, instead: "if, or when" },
];

const skipped = [
    "node_modules",
    ".git",
    "package-lock.json",
    "LICENSE",
    "go.sum",
    "recorded",
    "prose.ts",
    "prose.test.ts",
];
const checked = /\.(?:ts|mjs|cjs|md|ya?ml|json|sh|go)$/;
const isScript = /\.(?:ts|mjs|cjs)$/;

const commentOrString = /\/\*[^]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;

/** What a file says that the rules do not allow, a line each. */
export function offences(file: string, text: string): readonly string[] {
    return [
        ...wordRules.flatMap((rule) => found(rule, text)),
        ...proseRules.flatMap((rule) => found(rule, proseOf(file, text))),
    ]
        .sort((one, other) => one.line - other.line)
        .map(({ line, words, instead }) => `${file}:${line}: "${words}". Write: ${instead}.`);
}

/** The sentences of a file, each on its line. Go is left out: its strings hold SQL. */
function proseOf(file: string, text: string): string {
    if (file.endsWith(".go")) {
        return "";
    }
    return isScript.test(file) ? commentsAndStrings(text) : text;
}

/** A text with everything blanked but comments and strings of several words. */
function commentsAndStrings(text: string): string {
    let prose = "";
    for (const { 0: piece, index } of text.matchAll(commentOrString)) {
        prose += blank(text.slice(prose.length, index)) + (/\s/.test(piece) ? piece : blank(piece));
    }
    return prose;
}

function blank(text: string): string {
    return text.replaceAll(/[^\n]/g, " ");
}

function found({ pattern, instead }: Rule, text: string): { line: number; words: string; instead: string }[] {
    return [...text.matchAll(pattern)].map((match) => ({
        line: text.slice(0, match.index).split("\n").length,
        words: match[0].replaceAll(/\s+/g, " "),
        instead,
    }));
}

function filesIn(folder: string): readonly string[] {
    return readdirSync(folder, { withFileTypes: true })
        .filter(({ name }) => !skipped.includes(name))
        .flatMap((entry) => {
            const path = join(folder, entry.name);
            return entry.isDirectory() ? filesIn(path) : checked.test(entry.name) ? path : [];
        });
}

if (import.meta.main) {
    const all = filesIn(".").flatMap((file) => offences(file, readFileSync(file, "utf8")));
    all.forEach((offence) => {
        console.error(offence);
    });
    process.exitCode = all.length > 0 ? 1 : 0;
}
