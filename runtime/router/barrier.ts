/**
 * Waiting for each other.
 *
 * @module
 */

import { checkFields, given } from "../checks.ts";
import { checkName } from "./address.ts";
import { MOST_PARTIES } from "./barrier_errors.ts";
import { MemoryBarrier } from "./barrier_memory.ts";
import { TreeNode } from "./executor.ts";
import type { Executor } from "./types.ts";

/** Where a barrier of a tree is. */
export interface BarrierPlace {
  /** The node that waits. */
  executor: Executor;
  /** The name of the barrier in the whole tree, 1 to 255 bytes; all parties use the same. */
  name: string;
}

/** What both kinds do. */
interface Kind {
  readonly parties: number;
  readonly waiting: number;
  readonly broken: boolean;
  await(timeoutMs: number): Promise<void>;
  reset(): Promise<void> | void;
}

/**
 * A point that parties pass together, when the last of them has come. It can be used again at once.
 *
 * `new Barrier(parties)` is in memory, for one isolate or, by its `buffer`, for workers that share that; it costs no message. A
 * worker that is ended while it waits there is waited for until times are up. `new Barrier(parties, { executor, name })` is at
 * the root of a tree: nodes in workers and processes meet there by its name, each with messages; it breaks when a
 * node that waits is gone. Both are fair to nobody and keep an isolate alive while it waits.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { tree } from "@tandem/tandem";
 *
 * const barrier = new tree.Barrier(2);
 * const first = barrier.await();
 * assert.equal(barrier.waiting, 1);
 * await barrier.await(5); // at most five seconds
 * await first;
 * assert.equal(barrier.waiting, 0);
 * ```
 */
export class Barrier {
  /** The shared memory, for another worker's `new Barrier(buffer)`; `undefined` in a tree. */
  readonly buffer: SharedArrayBuffer | undefined;
  readonly #kind: Kind;

  /**
   * Makes a barrier, or joins one.
   *
   * @param parties how many have to come, 1 to 4095, or the memory of a barrier
   * @throws {RangeError} if the number, or the length of the name, is out of range
   * @throws {TypeError} if an argument is of the wrong type
   */
  constructor(parties: number | SharedArrayBuffer, place?: BarrierPlace) {
    if (place === undefined && parties instanceof SharedArrayBuffer) {
      this.#kind = new MemoryBarrier(parties);
      this.buffer = parties;
      return;
    }
    const count = checkParties(parties);
    if (place !== undefined) {
      this.#kind = inTree(count, place);
      return;
    }
    const memory = this.#kind = new MemoryBarrier(count);
    this.buffer = memory.buffer;
  }

  /** How many have to come. */
  get parties(): number {
    return this.#kind.parties;
  }

  /** How many wait; in a tree, as far as this node has heard, and it hears while it waits itself. */
  get waiting(): number {
    return this.#kind.waiting;
  }

  /** Whether it is broken, with the same limit. */
  get broken(): boolean {
    return this.#kind.broken;
  }

  /**
   * Waits until all parties have come.
   *
   * @param timeoutSec how many seconds at most; 0 for no limit. Whoever has waited so long breaks the barrier
   * @throws {DOMException} `TimeoutError` when the time is up
   * @throws {BrokenBarrierError} if somebody else's time is up or was, or a node is gone
   * @throws {RangeError} if the time is negative or no number, or those who wait expect another number of parties
   * @throws {RouterError} `NODE_STOPPED` if the node was told to stop
   */
  async await(timeoutSec = 0): Promise<void> {
    const highest = (2 ** 31 - 1) / 1000;
    if (typeof timeoutSec !== "number" || !(timeoutSec >= 0 && timeoutSec <= highest)) {
      throw new RangeError(
        `Cannot wait at the barrier: 0 to ${highest} seconds are possible, and ${
          given(timeoutSec)
        } was given`,
      );
    }
    await this.#kind.await(timeoutSec === 0 ? Infinity : timeoutSec * 1000);
  }

  /**
   * Repairs a broken barrier.
   *
   * @throws {RouterError} `BARRIER_BUSY` while somebody waits
   */
  async reset(): Promise<void> {
    await this.#kind.reset();
  }
}

function checkParties(parties: unknown): number {
  if (typeof parties !== "number") {
    throw new TypeError(
      `Cannot make a barrier: a number of parties is needed, and ${given(parties)} was given`,
    );
  }
  if (Number.isInteger(parties) && parties >= 1 && parties <= MOST_PARTIES) return parties;
  throw new RangeError(
    `Cannot make a barrier: it has 1 to ${MOST_PARTIES} parties, and ${parties} was given`,
  );
}

function inTree(parties: number, place: BarrierPlace): Kind {
  checkFields("place", place, ["executor", "name"]);
  const { executor, name } = place;
  if (!(executor instanceof TreeNode)) {
    throw new TypeError("Cannot make a barrier: the executor is not a node of a tree");
  }
  checkName("name of a barrier", name);
  const { barriers } = executor;
  const state = barriers.state(name);
  return {
    parties,
    get waiting() {
      return state.waiting;
    },
    get broken() {
      return state.broken;
    },
    await: (timeoutMs) => barriers.enter(name, parties, timeoutMs),
    reset: () => barriers.reset(name),
  };
}
