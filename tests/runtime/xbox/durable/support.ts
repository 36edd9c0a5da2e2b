/**
 * What the tests of durable posts share: a clock, a queue under test, and what it has delivered.
 *
 * @module
 */

import assert from "node:assert/strict";
import { POSTS_DEFAULTS } from "../../../../runtime/options/peers.ts";
import type { Engine } from "../../../../runtime/store/engine.ts";
import { type Deliver, type Delivery, PostQueue } from "../../../../runtime/xbox/durable/queue.ts";
import type { Log } from "../../../../runtime/types/log.ts";
import type { PostsOptions } from "../../../../runtime/types/site.ts";

/** A clock that stands until it is moved, and begins now. */
export class Clock {
  /** The time it shows. */
  time = Date.now();
  readonly #queues: PostQueue[] = [];

  /** Reads it. */
  now = (): number => this.time;

  /** Moves it, and lets the queues that go by it look. */
  move(ms: number): void {
    this.time += ms;
    for (const queue of this.#queues) queue.wake();
  }

  /** Lets a queue go by it. */
  rule(queue: PostQueue): void {
    this.#queues.push(queue);
  }
}

/** A queue under test. */
export interface Tested extends AsyncDisposable {
  /** The queue; its end stops it at once. */
  queue: PostQueue;
  /** What it has handed over, the last one last. */
  seen: Delivery[];
  /** What it has written. */
  lines: string[];
}

/** How a queue is tested. */
export interface Terms {
  /** What becomes of messages, beside the defaults. */
  options?: PostsOptions;
  /** What is done with each message after it was noted. */
  deliver?: Deliver;
  /** A clock in place of the machine's. */
  clock?: Clock;
  /** Whether it begins to handle messages. @default true */
  starts?: boolean;
  /** Largest message in bytes. */
  maxMessageBytes?: number;
}

/** Opens a queue on `engine`. */
export function open(engine: Engine, terms: Terms = {}): Tested {
  const { options = {}, deliver, clock, starts = true, maxMessageBytes } = terms;
  const seen: Delivery[] = [];
  const lines: string[] = [];
  const write = (level: string) => (text: string, fields?: Record<string, unknown>) => {
    lines.push(`${level} ${text} ${JSON.stringify(fields ?? {})}`);
  };
  const log = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
  } as unknown as Log;
  const queue = new PostQueue({
    engine,
    options: { ...POSTS_DEFAULTS, ...options },
    deliver: async (delivery, signal) => {
      seen.push(delivery);
      await deliver?.(delivery, signal);
    },
    log,
    boxId: "box-1",
    maxMessageBytes,
  }, { now: clock?.now, random: clock && (() => 0) });
  clock?.rule(queue);
  if (starts) queue.start();
  return { queue, seen, lines, [Symbol.asyncDispose]: () => queue.stop(0) };
}

/** An engine as a box has it that can be cut off: from then on it reaches nothing. */
export function cuttable(inner: Engine): { engine: Engine; cut(): void } {
  let isCut = false;
  const reach = () => {
    if (isCut) throw new Error("the box is gone");
    return inner;
  };
  const engine: Engine = {
    kind: inner.kind,
    limits: inner.limits,
    read: async (keys) => await reach().read(keys),
    commit: async (checks, writes) => await reach().commit(checks, writes),
    async *scan(...args) {
      yield* reach().scan(...args);
    },
    watch: (keys) => reach().watch(keys),
    close: () => inner.close(),
  };
  return { engine, cut: () => isCut = true };
}

/** Waits until `check` holds, for 20 seconds at most. */
export async function until(check: () => unknown, what = "it did not come to hold"): Promise<void> {
  const end = performance.now() + 20_000;
  while (!await check()) {
    assert.ok(performance.now() < end, what);
    const turn = Promise.withResolvers<void>();
    setTimeout(turn.resolve, 1); // others get a turn
    await turn.promise;
  }
}

/** Waits until so many messages were handled, given up or taken back that none is left. */
export async function empty(queue: PostQueue): Promise<void> {
  await until(async () => {
    const { waiting, delayed, running } = await queue.count();
    return waiting + delayed + running === 0;
  }, "messages are left");
}

/** What a gate lets through when it is opened. */
export function gate(): { pass: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { pass: promise, open: resolve };
}
