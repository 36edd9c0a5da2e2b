/**
 * One message to many boxes: so many under way at once, results as they come, and an end as soon as enough have
 * answered.
 *
 * @module
 */

import { given } from "../checks.ts";
import { RuntimeError, statusOf } from "../errors.ts";
import { readReceiver } from "../peer/address.ts";
import type {
  FanOut,
  FanOutOptions,
  FanOutResult,
  XboxOptions,
  XboxResult,
  XboxTask,
} from "../types/xbox.ts";
import { blame, blameOf } from "./blame.ts";

/** What {@linkcode fanOut} stands on. */
export interface FanOutRoom<T> {
  /** Starts one task; throws when it is refused. The message is the same each time, and not to be changed. */
  start(message: unknown, options: XboxOptions): XboxTask<T>;
  /** Names of this box, as `readAddress` gives them. */
  self?: ReadonlySet<string>;
  /** Cancels what is under way when it aborts, beside the signal of the options. */
  signal?: AbortSignal;
}

/** The options, checked and filled in. */
interface Terms {
  to: readonly string[];
  limit: number;
  quorum: number;
  /** On the clock of `performance.now()`. */
  deadline: number;
  each: XboxOptions;
}

/** Receivers of one message. */
const MOST_RECEIVERS = 1024;
const DEFAULT_LIMIT = 16;
/** Failures that are told by name in one message. */
const MOST_TOLD = 8;
const NOBODY: ReadonlySet<string> = new Set();

/**
 * Sends a message to several boxes. `timeoutMs` and `priority` are not checked here.
 *
 * @throws {TypeError} If an option is of the wrong type, a receiver no name of a box, or named twice.
 * @throws {RangeError} If an option is out of range.
 * @throws {DOMException} `DataCloneError` if the message cannot be copied, or what the signal of the options aborted with.
 */
export function fanOut<T>(
  message: unknown,
  options: FanOutOptions,
  room: FanOutRoom<T>,
): FanOut<T> {
  const terms = readTerms(options, room.self ?? NOBODY);
  options.signal?.throwIfAborted();
  const running = new RunningFanOut<T>(structuredClone(message), terms, room.start);
  running.cancelWith([options.signal, room.signal]);
  running.begin();
  return running;
}

/** Collects what the receivers answer, whether or not anybody looks. */
class RunningFanOut<T> implements FanOut<T> {
  readonly #message: unknown;
  readonly #terms: Terms;
  readonly #start: FanOutRoom<T>["start"];
  readonly #results: FanOutResult<T>[] = [];
  readonly #underWay = new Set<XboxTask<T>>();
  readonly #atEnd: (() => void)[] = [];
  #next = 0;
  #values = 0;
  #news = Promise.withResolvers<void>();

  constructor(message: unknown, terms: Terms, start: FanOutRoom<T>["start"]) {
    this.#message = message;
    this.#terms = terms;
    this.#start = start;
  }

  /** Sends as many messages as may be under way. */
  begin(): void {
    const { to, limit } = this.#terms;
    while (!this.#isOver && this.#next < to.length && this.#underWay.size < limit) {
      this.#send(to[this.#next++]!);
    }
  }

  /** Is cancelled when one of these aborts. */
  cancelWith(signals: readonly (AbortSignal | undefined)[]): void {
    for (const signal of signals) {
      if (signal === undefined) continue;
      const cancel = () => this.cancel(signal.reason);
      if (signal.aborted) return cancel();
      signal.addEventListener("abort", cancel, { once: true });
      this.#atEnd.push(() => signal.removeEventListener("abort", cancel));
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FanOutResult<T>, void, void> {
    let told = 0;
    try {
      while (true) {
        if (told < this.#results.length) yield this.#results[told++]!;
        else if (this.#isOver) return;
        else await this.#news.promise;
      }
    } finally {
      this.cancel("nobody waits for the others");
    }
  }

  async values(): Promise<T[]> {
    const { to, quorum } = this.#terms;
    while (this.#values < quorum) {
      if (this.#results.length - this.#values > to.length - quorum) throw this.#shortfall();
      await this.#news.promise;
    }
    return this.#results.filter(isValue).map(({ value }) => value as T);
  }

  cancel(reason?: unknown): void {
    if (this.#isOver) return;
    const { to } = this.#terms;
    // Whoever is told of the first must find that no other is sent.
    const unsent = to.slice(this.#next);
    this.#next = to.length;
    const why = reason instanceof Error ? reason.message : String(reason ?? "it was cancelled");
    for (const receiver of unsent) {
      this.#fail(
        receiver,
        new RuntimeError("CANCELLED", cannotSend(receiver, why), { cause: reason }),
      );
    }
    for (const task of this.#underWay) task.cancel(reason);
  }

  /** Nothing is waited for: all have answered, or enough. */
  get #isOver(): boolean {
    const { to, quorum } = this.#terms;
    return this.#values >= quorum || this.#results.length === to.length;
  }

  #send(to: string): void {
    const { deadline, each } = this.#terms;
    const timeoutMs = deadline - performance.now();
    if (timeoutMs <= 0) {
      const late = cannotSend(to, "the time for all receivers was up before its turn");
      return this.#fail(to, new RuntimeError("DEADLINE_EXCEEDED", late));
    }
    let task: XboxTask<T>;
    try {
      const limits = deadline === Infinity ? {} : { timeoutMs };
      task = this.#start(this.#message, { ...each, ...limits, to });
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      // Whoever else is to blame has been named.
      const { side } = blameOf(blame(error, { side: "sender", mayHaveRun: false }));
      return this.#take({ to, code: statusOf(error), error, side, mayHaveRun: false });
    }
    this.#underWay.add(task);
    task.result().then((result) => {
      this.#underWay.delete(task);
      this.#take({ to, ...result });
      this.begin();
    });
  }

  #fail(to: string, error: RuntimeError): void {
    const known = { side: "sender", mayHaveRun: false } as const;
    this.#take({ to, code: statusOf(error), error: blame(error, known), ...known });
  }

  #take(result: FanOutResult<T>): void {
    // What was cancelled for want of use tells nothing.
    if (this.#isOver) return;
    this.#results.push(result);
    if (isValue(result)) this.#values++;
    if (this.#isOver) {
      this.#next = this.#terms.to.length;
      for (const task of this.#underWay) task.cancel("enough others have answered");
      for (const end of this.#atEnd.splice(0)) end();
    }
    const { resolve } = this.#news;
    this.#news = Promise.withResolvers();
    resolve();
  }

  #shortfall(): AggregateError {
    const { to, quorum } = this.#terms;
    const failed = this.#results.filter((result) => !isValue(result));
    const told = failed.slice(0, MOST_TOLD).map(({ to, error }) =>
      `${JSON.stringify(to)}: ${error!.message}`
    );
    const more = failed.length - told.length;
    if (more > 0) told.push(`${more} more`);
    return new AggregateError(
      failed.map(({ error }) => error),
      `Cannot get ${quorum} values from ${to.length} receivers: ${failed.length} failed: ${
        told.join("; ")
      }`,
    );
  }
}

function readTerms(options: FanOutOptions, self: ReadonlySet<string>): Terms {
  const { to, limit = DEFAULT_LIMIT, timeoutMs, priority } = options;
  if (!Array.isArray(to)) throw new TypeError(cannot(`to must be a list of boxes`, to));
  if (to.length === 0 || to.length > MOST_RECEIVERS) {
    throw new RangeError(cannot(`to must name 1 to ${MOST_RECEIVERS} boxes`, to.length));
  }
  const seen = new Map<string, string>();
  for (const name of to) {
    if (typeof name !== "string") throw new TypeError(cannot("to must be a list of names", name));
    const box = nameOf(name, self);
    const other = seen.get(box);
    if (other !== undefined) {
      throw new TypeError(
        `Cannot fan out: to must name each box once, and ${JSON.stringify(other)} and ` +
          `${JSON.stringify(name)} are the same`,
      );
    }
    seen.set(box, name);
  }
  const { quorum = to.length } = options;
  checkCount("limit", limit, Number.MAX_SAFE_INTEGER);
  checkCount("quorum", quorum, to.length);
  return {
    to: [...to],
    limit,
    quorum,
    deadline: timeoutMs === undefined ? Infinity : performance.now() + timeoutMs,
    each: priority === undefined ? {} : { priority },
  };
}

/** Names a box in one way only; a name holds no space. */
function nameOf(to: string, self: ReadonlySet<string>): string {
  const receiver = readReceiver(to, self);
  if (receiver.kind === "local") return "this box";
  return receiver.kind === "node" ? receiver.name : receiver.address.name;
}

function checkCount(name: string, value: unknown, most: number): void {
  const needed = most === Number.MAX_SAFE_INTEGER ? "of at least 1" : `from 1 to ${most}`;
  if (typeof value !== "number") throw new TypeError(cannot(`${name} must be a number`, value));
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return;
  throw new RangeError(cannot(`${name} must be a whole number ${needed}`, value));
}

function cannot(rule: string, value: unknown): string {
  return `Cannot fan out: ${rule}, and ${given(value)} was given`;
}

function cannotSend(to: string, why: string): string {
  return `Cannot send a message to ${JSON.stringify(to)}: ${why}`;
}

function isValue({ code }: XboxResult): boolean {
  return code === 200;
}
