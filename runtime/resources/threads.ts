/**
 * Trusted threads: the isolate that starts the manager, and workers that it invites to share its board.
 *
 * Whoever holds the board can write all of it, so only code that may do everything gets an invitation; an
 * untrusted worker is enrolled instead.
 *
 * Workers load this file.
 *
 * @module
 */

import { Board, createBoard, MAX_IDS, type Row, SEEN_ALL, slotOf, STATE, WORD } from "./board.ts";
import { RuntimeError } from "../errors.ts";
import { giveLock, takeLock } from "./lock.ts";
import { Storage } from "./storage.ts";
import {
  EVENTS,
  FAST_IDS,
  listen,
  reaches,
  setWorld,
  theWorld,
  type World,
  world,
} from "./world.ts";
import { dropStale } from "./stale.ts";

/** What the main thread sends to a worker that is to share its resources. */
export interface Invitation {
  /** The board. */
  board: SharedArrayBuffer;
  /** The number that the thread will have. */
  thread: number;
}

/** Threads by how they fare. */
export interface ThreadStatistics {
  /** Threads that live, the main one included. */
  live: number;
  /** Threads that ever began. */
  started: number;
  /** Threads that ended in order. */
  ended: number;
  /** Threads that ended otherwise: their destructors never ran. */
  abandoned: number;
}

/** Threads that can take part at once, beside the main one, at least. */
export const LEAST_THREADS = 256;
const MOST_THREADS = 4096;
const MAIN = 1;

/** A world whose board is the shared one, or one that nobody else sees. */
export class SharedWorld implements World {
  readonly storage: Storage;
  readonly isMain: boolean;
  readonly isTrusted = true;
  /** Whether other threads can be there. */
  readonly isShared: boolean;
  /** Hears of every change, to hand it on. */
  mirror: () => void = nothing;
  readonly #board: Board;

  constructor(board: Board, thread: number) {
    this.#board = board;
    this.isMain = thread === MAIN;
    this.isShared = board.buffer instanceof SharedArrayBuffer;
    this.storage = new Storage(board, thread, thread, EVENTS);
  }

  register(row: Row, isFast: boolean): number {
    const { storage } = this;
    const { words } = storage;
    if (this.isShared && !takeLock(words, storage.number)) return 0;
    try {
      storage.read();
      const known = storage.names.get(row.name);
      if (known !== undefined) return known;
      if (isFast && Atomics.load(words, WORD.fast) >= FAST_IDS) return 0;
      const id = this.#board.append(row);
      if (id === 0) return 0;
      if (isFast) Atomics.add(words, WORD.fast, 1);
      this.#board.publish();
      storage.read();
      return id;
    } finally {
      if (this.isShared) giveLock(words, storage.number);
    }
  }

  free(id: number): void {
    if (this.#board.free(id)) this.#board.publish();
    this.storage.read();
  }

  async settled(): Promise<void> {
    const { words } = this.storage;
    const target = this.#board.version;
    if (!this.isShared) return;
    for (let slot = MAIN; slotOf(slot) < words.length; slot++) {
      const at = slotOf(slot);
      if (Atomics.load(words, at) === STATE.live) await reaches(words, at + 1, target);
    }
    // Last: the main thread has told the desks before it says that it has seen anything.
    await reaches(words, WORD.desksSeen, target);
  }

  onChange(): void {
    this.mirror();
  }

  leave(): void {
    finish(this.storage.words, this.storage.number, WORD.ended);
  }
}

/** Makes the world of the main thread. */
export function createMain(
  options: { shared: boolean; threads: number; ids: number },
): SharedWorld {
  const slots = Math.min(MOST_THREADS, Math.max(LEAST_THREADS, options.threads)) + 1;
  const board = createBoard({
    shared: options.shared,
    slots: options.shared ? slots : MAIN + 1,
    expected: Math.min(MAX_IDS, options.ids),
  });
  begin(board.words, MAIN, STATE.none);
  return new SharedWorld(board, MAIN);
}

/**
 * Makes an invitation for one worker. Only the main thread can.
 *
 * @throws {RuntimeError} `DISABLED` if the manager was started without threads.
 * @throws {RangeError} If there are too many.
 */
export function reserve({ storage, isShared }: SharedWorld): Invitation {
  const { words } = storage;
  if (!isShared) throw withoutThreads("invite a thread");
  for (let thread = MAIN + 1; slotOf(thread) < words.length; thread++) {
    const at = slotOf(thread);
    const state = Atomics.load(words, at);
    // A thread that died with the lock keeps its number until somebody has taken the lock over.
    if (state === STATE.live || state === STATE.invited || words[WORD.lock] === thread) continue;
    Atomics.store(words, at + 1, 0);
    Atomics.store(words, at, STATE.invited);
    return { board: storage.board.buffer as SharedArrayBuffer, thread };
  }
  throw new RangeError("Cannot invite a thread: all numbers of threads are taken");
}

/**
 * Makes this worker a trusted thread, which shares the ids of the thread that invited it. Its table is
 * made at its first access or at its next turn.
 *
 * A worker that joins once more under its own number first destroys what it still has.
 *
 * @throws {TypeError} If the invitation is none, or was used by another worker.
 * @throws {AggregateError} If destructors of what was left over threw.
 */
export function join(invitation: Invitation): void {
  const { board: buffer, thread } = invitation ?? {};
  if (!(buffer instanceof SharedArrayBuffer) || !Number.isSafeInteger(thread) || thread <= MAIN) {
    throw new TypeError("Cannot join: what was given is no invitation");
  }
  const isAgain = world !== undefined && !world.isMain && world.storage.number === thread;
  const board = new Board(buffer);
  if (world?.storage.isClosed === false && !isAgain) {
    throw new TypeError(`Cannot join: this isolate is thread ${world.storage.number} already`);
  }
  if (slotOf(thread) >= board.words.length || !begin(board.words, thread, STATE.invited)) {
    const isOurs = isAgain && Atomics.load(board.words, slotOf(thread)) === STATE.live;
    if (!isOurs) throw new TypeError(`Cannot join: the place of thread ${thread} is taken`);
  }
  const next = new SharedWorld(board, thread);
  dropStale(() => {
    setWorld(next);
    listen(next);
  });
}

/**
 * Says that an invited worker is gone without having ended in order. Nobody waits for it any more, and a lock that
 * it holds can be taken over. Only the main thread, which knows its workers, can say so.
 *
 * @returns Whether there was such a thread.
 */
export function abandonThread(thread: number): boolean {
  const { storage, isMain } = theWorld();
  const { words } = storage;
  if (!isMain || !Number.isSafeInteger(thread) || thread <= MAIN) return false;
  return slotOf(thread) < words.length && finish(words, thread, WORD.abandoned);
}

/** The error of what needs threads. */
export function withoutThreads(what: string): RuntimeError {
  return new RuntimeError("DISABLED", `Cannot ${what}: the manager was started without threads`);
}

/** Counts a thread as live. */
function begin(words: Int32Array<ArrayBufferLike>, thread: number, from: number): boolean {
  if (Atomics.compareExchange(words, slotOf(thread), from, STATE.live) !== from) return false;
  Atomics.add(words, WORD.live, 1);
  Atomics.add(words, WORD.started, 1);
  return true;
}

/** Counts a thread as one that is gone, in the way that `word` counts. */
function finish(words: Int32Array<ArrayBufferLike>, thread: number, word: number): boolean {
  const at = slotOf(thread);
  const state = Atomics.exchange(words, at, STATE.ended);
  Atomics.store(words, at + 1, SEEN_ALL);
  Atomics.notify(words, at + 1);
  if (state !== STATE.live) return state === STATE.invited;
  Atomics.sub(words, WORD.live, 1);
  Atomics.add(words, word, 1);
  return true;
}

function nothing(): void {}
