/** Rules of config values: what a key's text may be, and the value that it becomes. */
import { parseJson } from "../system/json.ts";

/** A rule turns the text of a config value into a value, or refuses it. */
export interface Rule<T> {
    /** What is allowed, in words that complete "Allowed: ...". */
    readonly allowed: string;
    /** Undefined: the text is refused. */
    readonly parse: (text: string) => T | undefined;
}

export function oneOf<const T extends string>(...words: readonly T[]): Rule<T> {
    return { allowed: words.join(" or "), parse: (text) => words.find((word) => word === text) };
}

export function flag(): Rule<boolean> {
    return {
        allowed: "true or false",
        parse: (text) => text === "true" || (text === "false" ? false : undefined),
    };
}

/** An integer of at most four digits in a range, both ends included. */
export function wholeNumber(least: number, most: number): Rule<number> {
    return {
        allowed: `a whole number from ${least} to ${most}`,
        parse: (text) => {
            const number = /^\d{1,4}$/.test(text) ? Number(text) : NaN;
            return number >= least && number <= most ? number : undefined;
        },
    };
}

/** An amount of memory in Mi or Gi, as a number of MiB. */
export function mebibytes(least: number, most: number): Rule<number> {
    return {
        allowed: `a whole number of Mi or Gi, from ${least}Mi to ${most / 1024}Gi, such as 512Mi or 1Gi`,
        parse: (text) => {
            const [, digits = "", unit] = /^(\d{1,5})(Mi|Gi)$/.exec(text) ?? [];
            const amount = digits === "" ? NaN : Number(digits) * (unit === "Gi" ? 1024 : 1);
            return amount >= least && amount <= most ? amount : undefined;
        },
    };
}

/** As the rule, or a word of its own. */
export function orWord<T, const W extends string>(word: W, rule: Rule<T>): Rule<T | W> {
    return {
        allowed: `${rule.allowed}, or ${word || "empty"}`,
        parse: (text) => (text === word ? word : rule.parse(text)),
    };
}

export function matching(test: (text: string) => boolean, allowed: string): Rule<string> {
    return { allowed, parse: (text) => (test(text) ? text : undefined) };
}

/** As the rule, or empty. */
export function optional(rule: Rule<string>): Rule<string> {
    return orWord("", rule);
}

/** A program with its arguments. No shell splits the text, so what only a shell understands is refused. */
export function commandLine(): Rule<readonly string[]> {
    return {
        allowed:
            'a program and its arguments, separated by spaces and without quotes and other shell characters, or a JSON list such as ["sh", "-c", "exec /bin/api"]',
        parse: (text) => {
            const list = text.startsWith("[") ? parseJson(text) : text.split(/ +/);
            const isPlain = text.startsWith("[") || !/['"`$\\;&|<>()]/.test(text);
            return isPlain && isTexts(list) && list.length > 0 && !list.includes("") ? list : undefined;
        },
    };
}

/**
 * A list of different texts, as JSON or separated by commas.
 *
 * @param test what each of them must meet.
 * @param least how many there must be. 0: empty is an empty list.
 */
export function listOf(
    test: (text: string) => boolean,
    least: number,
    most: number,
    allowed: string,
): Rule<readonly string[]> {
    return {
        allowed,
        parse: (text) => {
            const items = text === "" && least === 0 ? [] : text.split(",").map((item) => item.trim());
            const list = text.startsWith("[") ? parseJson(text) : items;
            return isTexts(list) &&
                list.every(test) &&
                new Set(list).size === list.length &&
                list.length >= least &&
                list.length <= most
                ? list
                : undefined;
        },
    };
}

/** Annotations by name. */
export const annotations: Rule<Readonly<Record<string, string>>> = {
    allowed: 'annotations by name, such as {"alb.ingress.kubernetes.io/scheme": "internet-facing"}',
    // The API server judges the names, by a dry run of the preflight.
    parse: (text) => {
        const values = parseJson(text);
        return isTextsByName(values) ? values : undefined;
    },
};

/** Image references by name. Names that are left out keep their default. */
export function imageReferences<T extends Readonly<Record<string, string>>>(defaults: T): Rule<T> {
    const names = Object.keys(defaults).join(", ");
    return {
        allowed: `image references by name, such as {"api": "example.org/api:1.2"}. The names are ${names}`,
        parse: (text) => {
            const images = parseJson(text);
            const isFine =
                isTextsByName(images) &&
                Object.entries(images).every(
                    ([name, image]) => Object.hasOwn(defaults, name) && imageReference(image),
                );
            return isFine ? { ...defaults, ...images } : undefined;
        },
    };
}

/** Source: RFC 1123 labels, https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
export function dnsLabel(text: string): boolean {
    return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text);
}

/** Source: RFC 1123 subdomains, https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
export function dnsSubdomain(text: string): boolean {
    return text.length <= 253 && text.split(".").every(dnsLabel);
}

export function uid(text: string): boolean {
    return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

/**
 * A host name in lower case, as Kubernetes wants it. An Ingress takes no IP address as a host:
 * https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/
 */
export function hostName(text: string): string | undefined {
    const lower = text.toLowerCase();
    return dnsSubdomain(lower) && !/^[\d.]+$/.test(lower) ? lower : undefined;
}

/** An http or https URL of a host, with or without a port, as a browser writes it: it compares origins letter by letter. */
export function origin(text: string): string | undefined {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    return url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/` ? url.origin : undefined;
}

/** Source: https://pkg.go.dev/github.com/distribution/reference */
function imageReference(text: string): boolean {
    return (
        /^[a-z0-9]+([.:/_-]+[a-zA-Z0-9]+)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/.test(text) &&
        text.length < 512
    );
}

function isTextsByName(value: unknown): value is Readonly<Record<string, string>> {
    return (
        typeof value === "object" && value !== null && !Array.isArray(value) && isTexts(Object.values(value))
    );
}

function isTexts(value: unknown): value is readonly string[] {
    return Array.isArray(value) && value.every((item) => typeof item === "string");
}
