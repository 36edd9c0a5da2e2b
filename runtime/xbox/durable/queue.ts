/**
 * Durable posts: messages that are in the store before whoever posts them goes on, and that boxes with one store
 * hand to their receivers at least once each.
 *
 * What it promises rests on `Engine.commit` alone: a message that was accepted is in one place at any moment, whatever
 * process ends. A watched row only makes it quick.
 *
 * @module
 */

import { RuntimeError } from "../../errors.ts";
import { PEERS_DEFAULTS, type ResolvedPosts } from "../../options/peers.ts";
import type { Engine } from "../../store/engine.ts";
import type { Log } from "../../types/log.ts";
import type { DeadLetter, PostsAdmin, PostsStatus } from "../../types/posts.ts";
import type { XboxPostOptions } from "../../types/xbox.ts";
import { Census } from "./census.ts";
import { Commits } from "./commits.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Intake } from "./intake.ts";
import { Letters } from "./letters.ts";
import type { Deliver, QueueRoom } from "./room.ts";

export { checkPost } from "./check.ts";
export type { Deliver, Delivery } from "./room.ts";

/** What a queue needs. */
export interface PostQueueOptions {
  /** The engine of the store; the queue does not close it. */
  engine: Engine;
  /** What becomes of messages. */
  options: ResolvedPosts;
  /** Brings a message to its receiver. */
  deliver: Deliver;
  /** Where the box writes. */
  log: Log;
  /** Names this box in ids; it needs not to be unique. */
  boxId: string;
  /** Largest message in bytes. @default 16 MiB */
  maxMessageBytes?: number;
}

/** What only tests change. */
export interface PostQueueInternals {
  /** The time in milliseconds since the epoch. */
  now?: () => number;
  /** A number from 0 to below 1. */
  random?: () => number;
}

/** The durable messages of one store, as one box sees them. */
export class PostQueue implements PostsAdmin {
  readonly #room: QueueRoom;
  readonly #dispatcher: Dispatcher;
  readonly #intake: Intake;
  readonly #letters: Letters;
  readonly #closing = new AbortController();
  #stopping: Promise<void> | undefined;

  /** Makes a queue that accepts messages; it handles none before {@linkcode PostQueue.start}. */
  constructor(
    { engine, options, deliver, log, boxId, maxMessageBytes = PEERS_DEFAULTS.maxMessageBytes }:
      PostQueueOptions,
    { now = Date.now, random = Math.random }: PostQueueInternals = {},
  ) {
    const census = new Census(engine, now, options.limit);
    this.#room = {
      ...{ engine, options, maxMessageBytes, log, census, now, random },
      commits: new Commits(engine),
      closing: this.#closing.signal,
      newId: idsOf(boxId, now),
    };
    this.#dispatcher = new Dispatcher(this.#room, deliver);
    this.#intake = new Intake(this.#room, this.#dispatcher);
    this.#letters = new Letters(this.#room, this.#intake);
  }

  /** Begins to handle messages, those that are in the store already included. Two starts are one. */
  start(): void {
    this.#dispatcher.start();
  }

  /**
   * Accepts a message: it is in the store when this resolves. When it rejects because the store failed, it may have been
   * accepted none the less; who posts again gives it a `key`.
   *
   * @param by The kind of worker that posts; absent: the box's own isolate.
   * @throws {TypeError} If an option is of the wrong kind, or some do not go together.
   * @throws {RangeError} If a number, a length or the message is out of its range.
   * @throws {DOMException} `DataCloneError` if the message cannot be stored.
   * @throws {RuntimeError} `QUEUE_FULL`, `STOPPING`, `STORE_FAILED` or `STORE_CLOSED`.
   */
  async accept(message: unknown, options: XboxPostOptions = {}, by?: string): Promise<void> {
    await this.#run("post a durable message", () => this.#intake.accept(message, options, by));
  }

  /**
   * Takes the message of that key back, or ends a repeated one. One that is being handled goes on to its end and is not
   * tried again.
   *
   * @param by The kind of worker that asks, which takes back only what its like have posted; absent: everything.
   * @returns Whether there was one.
   * @throws {TypeError} If the key is no text.
   * @throws {RangeError} If it is empty or too long.
   */
  unpost(key: string, by?: string): Promise<boolean> {
    return this.#run("take a durable message back", () => this.#intake.unpost(key, by));
  }

  /** How many messages this box handles now. */
  get running(): number {
    return this.#dispatcher.running;
  }

  status(): PostsStatus {
    return this.#room.census.status();
  }

  count(): Promise<PostsStatus> {
    return this.#run("count durable messages", async () => {
      await this.#room.census.count();
      return this.status();
    });
  }

  dead(options?: Parameters<PostsAdmin["dead"]>[0]): Promise<DeadLetter[]> {
    return this.#run("list dead letters", () => this.#letters.list(options));
  }

  retry(ids: readonly string[] | "all"): Promise<number> {
    return this.#run("retry dead letters", () => this.#letters.retry(ids));
  }

  clear(ids: readonly string[] | "all"): Promise<number> {
    return this.#run("clear dead letters", () => this.#letters.clear(ids));
  }

  /** Looks for work now; the clock was changed, for instance. */
  wake(): void {
    this.#dispatcher.wake();
  }

  /**
   * Stops: begins no more deliveries, waits `graceMs` for those that go on, aborts what is left, and gives it back to
   * other boxes. It accepts messages until then. The engine has to be open until this resolves. A second call with 0
   * makes the first one wait no longer.
   */
  stop(graceMs: number): Promise<void> {
    if (graceMs === 0) this.#dispatcher.hurry();
    return this.#stopping ??= this.#down(graceMs);
  }

  async #down(graceMs: number): Promise<void> {
    await this.#dispatcher.stop(graceMs);
    this.#closing.abort();
    await Promise.all([this.#dispatcher.ended(), this.#room.census.close()]);
    await this.#room.commits.idle();
  }

  async #run<T>(doing: string, work: () => Promise<T>): Promise<T> {
    if (this.#closing.signal.aborted) {
      throw new RuntimeError("STOPPING", `Cannot ${doing}: the box is stopping`);
    }
    try {
      return await work();
    } catch (error) {
      const isOwn = [RuntimeError, TypeError, RangeError, DOMException]
        .some((Class) => error instanceof Class);
      if (isOwn) throw error;
      throw new RuntimeError("STORE_FAILED", `Cannot ${doing}: the store failed`, { cause: error });
    }
  }
}

const TIME_DIGITS = 9;
const COUNT_DIGITS = 6;

/** Makes names: time, a number that grows, and who makes them, so that they sort by time. */
function idsOf(boxId: string, now: () => number): () => string {
  const own = `${boxId.slice(0, 64)}-${crypto.getRandomValues(new Uint8Array(6)).toHex()}`;
  let count = 0;
  return () => {
    const time = Math.max(0, Math.floor(now())).toString(36).padStart(TIME_DIGITS, "0");
    return `${time}-${(++count).toString(36).padStart(COUNT_DIGITS, "0")}-${own}`;
  };
}
