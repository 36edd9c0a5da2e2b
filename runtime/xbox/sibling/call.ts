/**
 * A message that goes to a sibling, as its sender sees it: from the queue here to the answer from there.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../../errors.ts";
import { blame } from "../blame.ts";
import type { Carried, Outgoing } from "../carrier.ts";
import { writeRequest } from "./frames.ts";
import type { Parcel } from "./lane.ts";
import { bodyOf, type Encoded, sizeOf } from "./values.ts";

/** How often a message goes to another sibling since the one before has not begun with it. */
const MOST_MOVES = 3;

/** What a message needs of whoever sends it. */
export interface CallHost {
  /** Its sender gives it up. */
  cancel(call: Call, reason: string): void;
}

/** One message. */
export class Call implements Parcel, Carried {
  readonly id: number;
  /** The receiver as the sender named it. */
  readonly name: string;
  readonly answer: Promise<unknown>;
  readonly body: Uint8Array | undefined;
  readonly size: number;
  /** When its time is up, on the clock of `performance.now()`. */
  readonly deadline: number;
  /** The process that it goes to. */
  pid: number;
  /** Whether it has left this process. */
  wasSent = false;
  #moves = 0;
  #state: "over" | "queued" | "running" = "queued";
  #accepted: PromiseWithResolvers<unknown> | undefined;
  #resolve!: (value: unknown) => void;
  #reject!: (error: Error) => void;
  readonly #value: Encoded | undefined;
  readonly #outgoing: Outgoing;
  readonly #host: CallHost;

  /** Takes a message with its encoded value, and how long to wait for its end, in milliseconds. */
  constructor(
    to: { id: number; name: string; pid: number; waitMs: number },
    outgoing: Outgoing,
    value: Encoded | undefined,
    host: CallHost,
  ) {
    this.id = to.id;
    this.name = to.name;
    this.pid = to.pid;
    this.deadline = performance.now() + to.waitMs;
    this.#outgoing = outgoing;
    this.#value = value;
    this.#host = host;
    this.body = bodyOf(value);
    this.size = sizeOf(value);
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.answer.catch(isReportedByAnswer);
  }

  /** Resolves when it stands in the receiver's queue. */
  get accepted(): Promise<unknown> {
    // Few ask for it.
    if (this.#accepted === undefined) {
      this.#accepted = Promise.withResolvers();
      this.#accepted.promise.catch(isReportedByAnswer);
      if (this.#state === "running") this.#accepted.resolve(undefined);
      else if (this.#state === "over") {
        this.answer.then(() => this.#accepted!.resolve(undefined), this.#accepted.reject);
      }
    }
    return this.#accepted.promise;
  }

  /** Whether it has ended, in whatever way. */
  get isOver(): boolean {
    return this.#state === "over";
  }

  /** Whether its receiver has said that it stands in its queue. */
  get wasAccepted(): boolean {
    return this.#state === "running";
  }

  state(): "queued" | "running" {
    return this.#state === "queued" ? "queued" : "running";
  }

  /** It only helps a task whose parent holds a worker of the same pool, and this one has no parent there. */
  wait(): void {}

  cancel(reason: unknown): void {
    if (this.isOver) return;
    const text = reason === undefined ? "it was cancelled" : messageOf(reason);
    const error = new RuntimeError("CANCELLED", `Cannot finish an xbox message: ${text}`, {
      cause: reason,
    });
    this.fail(blame(error, { side: "sender", mayHaveRun: this.wasSent }));
    this.#host.cancel(this, text);
  }

  /** Its receiver has put it into its queue. */
  accept(): void {
    if (this.#state !== "queued") return;
    this.#state = "running";
    this.#accepted?.resolve(undefined);
  }

  /** It has been answered. */
  succeed(value: unknown): void {
    this.accept();
    this.#state = "over";
    this.#resolve(value);
  }

  /** It has come to nothing. */
  fail(error: Error): void {
    if (this.isOver) return;
    this.#state = "over";
    this.#accepted?.reject(error);
    this.#reject(error);
  }

  /** Goes to another sibling, if it may once more. */
  moveTo(pid: number): boolean {
    if (this.isOver || ++this.#moves > MOST_MOVES) return false;
    this.pid = pid;
    this.wasSent = false;
    return true;
  }

  isDead(): boolean {
    return this.isOver;
  }

  leaves(): void {
    this.wasSent = true;
  }

  words(rest: number): string {
    const { posted = false, attempt = 1, key, priority, timeoutMs } = this.#outgoing;
    // A posted message has no time in common with who waits for its acceptance, unless it was given one.
    const isBound = !posted || timeoutMs !== undefined;
    const left = isBound ? Math.max(1, Math.ceil(this.deadline - performance.now())) : undefined;
    const terms = { id: this.id, timeoutMs: left, priority, posted, attempt, key };
    return writeRequest(terms, this.#value, rest);
  }
}

/** Whoever waits finds it there. */
function isReportedByAnswer(): void {}
