/**
 * A cluster, a Pulumi and a disk in memory, for switches and restores. Every call passes moments, before and after its effect.
 * At any moment the command can be killed or a call can fail, people post while the api is in its Service, and the promise is
 * checked: the messages are with the api, in a file on the disk, or in both.
 */
import { strict as assert } from "node:assert";
import type { RestoreWork } from "../../../cli/commands/restore/steps.ts";
import type { SwitchWork } from "../../../cli/commands/switch/steps.ts";
import { Output } from "../../../cli/output.ts";
import type { ChatApi, TakenOut } from "../../../kubernetes/chat-api.ts";
import { claimName } from "../../../model/names.ts";
import type { StorageMode } from "../../../model/storage.ts";
import { type Message, parse, render } from "../../../pods/database.ts";
import { TransientError, UserError } from "../../../system/errors.ts";
import { settings } from "../support/snapshots.ts";

const { images } = settings();

/** The command was killed. Nothing of it runs any more. */
export class Killed extends Error {}

/** How a world begins. */
export interface Start {
    readonly mode: StorageMode;
    /** Texts that the api has. */
    readonly texts: readonly string[];
    /** Texts on a claim that an earlier change has kept. Undefined: there is no such claim. */
    readonly kept?: readonly string[];
    readonly retainData?: boolean;
    /** Whether somebody has deleted the claim, which goes with the pod that mounts it. */
    readonly terminating?: boolean;
    /** Whether the api's image has a shell. By default it has. */
    readonly shell?: boolean;
    /** Whether no pod can use a claim that is new. */
    readonly unusable?: boolean;
    /** Whether Pulumi refuses to change the storage. */
    readonly refused?: boolean;
}

/** What happens at one moment of a run. A new pod comes only while Pulumi runs: its own volume is empty. */
export type Event = "kill" | "transient failure" | "refusal" | "new pod";

export const message = (Text: string): Message => ({ AuthorUsername: "ada", Text });
export const journalPath = "/journals/chat.json";

export class World {
    public mode: StorageMode;
    /** What the config says. */
    public config: StorageMode;
    /** The operation that has taken the api out of its Service. */
    public takenOut: TakenOut | undefined;
    public claim: { readonly uid: string; messages: Message[]; readonly isTerminating?: boolean } | undefined;
    public readonly files = new Map<string, string>();
    /** What people were told is stored, in this order. */
    public stored: Message[];
    /** Moments since the command began. */
    public moments = 0;

    private readonly start: Start;
    private readonly kept: readonly Message[];
    /** What the pod's own volume holds. */
    private inPod: Message[] = [];
    private isPodReady = true;
    private hasOpenConnection = false;
    private uids = 0;
    private time = 0;
    private isDead = false;
    private isPulumiRunning = false;
    private restores = 0;
    private planned: { readonly event: Event; readonly moment: number } | undefined;

    public constructor(start: Start) {
        this.start = start;
        this.mode = start.mode;
        this.config = start.mode;
        this.kept = (start.kept ?? []).map(message);
        this.stored = start.texts.map(message);
        if (start.mode === "persistent" || start.kept) {
            const messages = start.mode === "persistent" ? this.stored : this.kept;
            const isTerminating = start.terminating === true;
            this.claim = { uid: this.newUid(), messages: [...messages], isTerminating };
        }
        if (start.mode === "ephemeral") {
            this.inPod = [...this.stored];
        }
    }

    /** A world like this one, which changes by itself from here on. */
    public copy(): World {
        const { mode, config, takenOut, claim, stored, inPod, isPodReady, hasOpenConnection, uids } = this;
        const copy = new World(this.start);
        Object.assign(copy, {
            mode,
            config,
            takenOut,
            claim: claim && { ...claim },
            stored,
            inPod,
            isPodReady,
            hasOpenConnection,
            uids,
        });
        this.files.forEach((text, path) => copy.files.set(path, text));
        return copy;
    }

    /** Starts a command, on whatever the last one has left. */
    public begin(event?: Event, moment = 0): void {
        this.isDead = false;
        this.isPulumiRunning = false;
        this.moments = 0;
        this.planned = event && { event, moment };
    }

    /** The messages that the api has. */
    public get messages(): Message[] {
        return this.mode === "persistent" ? (this.claim?.messages ?? []) : this.inPod;
    }

    private set messages(messages: readonly Message[]) {
        if (this.mode === "ephemeral") {
            this.inPod = [...messages];
        } else if (this.claim) {
            this.claim.messages = [...messages];
        }
    }

    /** All that there must be at the end, in this order. */
    public get expected(): readonly Message[] {
        return this.mode === "persistent" ? [...this.kept, ...this.stored] : this.stored;
    }

    /** Somebody posts, and is told that the message is stored. */
    public post(text: string): void {
        this.messages = [...this.messages, message(text)];
        this.stored = [...this.stored, message(text)];
    }

    /** Somebody posts past the Service during a restore: the message need not be where all others are. */
    public postPast(text: string): void {
        this.messages = [...this.messages, message(text)];
    }

    private newUid(): string {
        return `uid-${++this.uids}`;
    }

    private moment(): void {
        if (this.isDead) {
            throw new Killed();
        }
        this.checkPromise();
        if (this.isPodReady && (this.takenOut === undefined || this.hasOpenConnection)) {
            // Who was connected when the api was taken out can post once more.
            this.hasOpenConnection &&= this.takenOut === undefined;
            this.post(`posted ${this.stored.length}`);
        }
        this.moments++;
        if (this.moments === this.planned?.moment) {
            this.happen(this.planned.event);
        }
    }

    private happen(event: Event): void {
        switch (event) {
            case "kill":
                this.isDead = true;
                throw new Killed();
            case "transient failure":
                throw new TransientError("etcdserver: leader changed");
            case "refusal":
                throw new UserError("you may not");
            case "new pod":
                if (this.isPulumiRunning) {
                    this.inPod = [];
                }
        }
    }

    /** The messages are whole in one place, and what a kept claim held is on it or in the journal. */
    public checkPromise(): void {
        const files = [...this.files.values()].flatMap((text) => knownLists(text));
        if (![this.messages, ...files].some((place) => holds(place, this.stored))) {
            assert.fail(`lost: ${JSON.stringify({ stored: this.stored, api: this.messages, files })}`);
        }
        assert.ok(
            [this.claim?.messages ?? [], this.messages, ...files].some((place) => holds(place, this.kept)),
        );
    }

    private act<T>(effect: () => T): Promise<T> {
        return new Promise((resolve) => {
            this.moment();
            const result = effect();
            this.moment();
            resolve(result);
        });
    }

    private backInService(): void {
        const operation = this.takenOut?.by;
        this.takenOut = undefined;
        if (operation === "restore" && !holds(this.messages, this.stored)) {
            this.stored = [...this.messages]; // what a restore has replaced stays in its copy
        }
    }

    private endPod(): void {
        this.isPodReady = false;
        if (this.claim?.isTerminating === true) {
            this.claim = undefined;
        }
    }

    /** A pod that starts is ready some time later, if it ever can be. */
    private requirePod(): void {
        const isNever = this.start.unusable === true && this.mode === "persistent";
        if (isNever && this.start.mode === "ephemeral") {
            throw new UserError("Waited in vain until the api has a ready pod.");
        }
        this.isPodReady = true;
    }

    private up(discardClaim: string | undefined, isKept: boolean): void {
        const { retainData, refused, unusable } = this.start;
        const deleted = this.config === "ephemeral" && retainData !== true ? this.claim : undefined;
        if (refused || (deleted && deleted.uid !== discardClaim)) {
            throw new UserError("Nothing was changed, because this is not possible.");
        }
        if (this.config === "persistent") {
            this.claim ??= { uid: this.newUid(), messages: [] };
            this.moment();
        }
        if (this.mode !== this.config) {
            this.endPod();
            this.mode = this.config;
            this.inPod = [];
            this.moment();
            this.isPodReady = this.mode === "ephemeral" || unusable !== true;
            this.moment();
        }
        this.requirePod();
        if (deleted && !isKept) {
            assert.ok(
                holds(this.messages, this.stored),
                "the claim is deleted before the new volume is filled",
            );
            this.claim = undefined;
        }
    }

    private readonly api = {
        namespace: "chat",
        mode: () => this.act(() => this.mode),
        claim: () => this.act(() => (this.mode === "persistent" ? claimName : undefined)),
        isClaimTerminating: () => this.act(() => this.claim?.isTerminating === true),
        ownClaimUid: () => this.act(() => this.claim?.uid),
        isReady: () => this.act(() => this.isPodReady),
        read: () =>
            this.act(() => {
                this.requirePod();
                return [...this.messages];
            }),
        restart: async () => {
            await this.act(() => {
                this.endPod();
                this.hasOpenConnection = false;
            });
            await this.act(() => {
                this.requirePod();
            });
        },
        hasShell: () => this.act(() => this.start.shell !== false),
        readFile: () => this.act(() => render(this.messages)),
        replaceFile: (text) =>
            this.act(() => {
                this.messages = parse(text) ?? [];
            }),
        takenOut: () => this.act(() => this.takenOut),
        takeOutOfService: async (by, journal) => {
            await this.act(() => {
                this.hasOpenConnection = this.takenOut === undefined;
                this.takenOut = { by, namespace: "chat", journal };
            });
            await this.act(() => undefined);
        },
        putBackIntoService: async () => {
            await this.act(() => {
                this.backInService();
            });
            await this.act(() => {
                this.requirePod();
            });
        },
        undoTakeOut: () =>
            this.act(() => {
                this.backInService();
            }),
    } satisfies Partial<ChatApi>;

    private readonly disk: SwitchWork["disk"] = {
        read: (path) => this.files.get(path),
        write: (path, text) => {
            this.moment();
            this.files.set(path, text);
            this.moment();
        },
        create: (path, text) => {
            if (this.files.has(path)) {
                return false;
            }
            this.moment();
            this.files.set(path, text);
            this.moment();
            return true;
        },
        remove: (path) => {
            this.moment();
            this.files.delete(path);
            this.moment();
        },
    };

    private readonly shared = {
        api: this.api as Partial<ChatApi> as ChatApi,
        disk: this.disk,
        output: Object.assign(new Output(false), {
            info: () => undefined,
            render: (findings: readonly { readonly code: string }[]) =>
                findings.map(({ code }) => code).join(),
        }),
        clock: {
            now: () => this.time,
            sleep: (time: number) => {
                this.time += time;
                return this.act(() => undefined);
            },
        },
        stack: { name: "dev" },
        path: journalPath,
        backUp: () => this.act(() => undefined),
        atFailure: () => undefined,
    };

    /** What a switch works with in this world. */
    public switchWork(): SwitchWork {
        return {
            ...this.shared,
            settings: { images, retainData: this.start.retainData === true },
            pulumi: {
                setMode: (mode) =>
                    this.act(() => {
                        this.config = mode;
                    }),
                up: (discardClaim, isKept) =>
                    this.act(() => {
                        this.isPulumiRunning = true;
                        this.up(discardClaim, isKept);
                        this.isPulumiRunning = false;
                    }),
            },
        };
    }

    /** What a restore works with in this world. */
    public restoreWork(wanted: readonly Message[]): RestoreWork {
        return {
            ...this.shared,
            settings: { images, retainData: false },
            readSource: () => this.act(() => render(wanted)),
            confirm: () => this.act(() => true),
            path: `/copies/${++this.restores}.json`,
        };
    }
}

/** Whether a place has all these messages, in this order. */
export function holds(place: readonly Message[], messages: readonly Message[]): boolean {
    let found = 0;
    for (const { Text } of place) {
        if (Text === messages[found]?.Text) {
            found++;
        }
    }
    return found === messages.length;
}

const lists = new Map<string, ReturnType<typeof listsIn>>();

/** As `listsIn`: a file is looked at again and again. */
function knownLists(text: string): ReturnType<typeof listsIn> {
    const found = lists.get(text) ?? listsIn(text);
    lists.set(text, found);
    return found;
}

/** The lists of messages in a file: in a journal, or in a copy of the api's file. */
function listsIn(text: string): readonly (readonly Message[])[] {
    const content = JSON.parse(text) as
        Message[] | { copy?: Message[] | string; wanted?: Message[] | string };
    return Array.isArray(content)
        ? [content]
        : [content.copy, content.wanted].filter((list) => Array.isArray(list));
}
