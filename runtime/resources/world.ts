/**
 * The world of one isolate: its storage, and the way in which it registers, frees and waits for others.
 *
 * An isolate has one at most, since the table of a thread is the isolate's as a whole. Nothing is here until
 * the isolate starts the manager or joins one.
 *
 * Workers load this file.
 *
 * @module
 */

import { type Row, WORD } from "./board.ts";
import { RuntimeError } from "../errors.ts";
import { closeAllFrames } from "./frames.ts";
import type { Storage, StorageEvents } from "./storage.ts";

/** How an isolate takes part. */
export interface World {
  /** The instances of this thread. */
  readonly storage: Storage;
  /** Whether this is the isolate that started the manager. */
  readonly isMain: boolean;
  /** Whether rows come from the trusted side. */
  readonly isTrusted: boolean;
  /** Gives the id of a name, a new one if nobody has it; 0 when that fails. The storage has read it then. */
  register(row: Row, isFast: boolean): number;
  /** Frees an id for all threads that this one may speak for, and has the storage read it. */
  free(id: number): void;
  /** Resolves when every live thread has seen what is on the board now. */
  settled(): Promise<void>;
  /** Hears of every change of the board. */
  onChange(): void;
  /** Leaves the others, in order. */
  leave(): void;
}

/** What a thread can be told of; numbers are those of threads. */
export interface Handlers {
  begin?: (thread: number) => void;
  end?: (thread: number) => void;
  shutdown?: () => void;
  error?: (error: unknown) => void;
}

/** The handlers of this isolate; they may be set before it starts or joins. */
export const handlers: Handlers = {};

/** The world of this isolate, if it has one. */
export let world: World | undefined;
/** Whether this isolate knows of a shutdown. */
export let isDown = false;

/** Ids that `allocateFastId` can give. */
export const FAST_IDS = 64;

/** What the storage of this isolate tells. */
export const EVENTS: StorageEvents = {
  onBegin: (number) => handlers.begin?.(number),
  onBegun: (number) => handlers.end?.(number),
  onChange: () => world?.onChange(),
  onError: report,
};

/** Makes `next` the world of this isolate; with `undefined` there is none. */
export function setWorld(next: World | undefined): void {
  world = next;
  if (next !== undefined) isDown = false;
}

/** Remembers that everything was shut down. */
export function markDown(): void {
  isDown = true;
}

/**
 * The world of this isolate.
 *
 * @throws {RuntimeError} `NOT_STARTED` if it has neither started nor joined.
 */
export function theWorld(): World {
  if (world !== undefined) return world;
  throw new RuntimeError(
    "NOT_STARTED",
    "Cannot use resources: this thread has not started or joined",
  );
}

/** Hands an error that nobody waits for to the handler, or to the platform, which ends the isolate. */
export function report(error: unknown): void {
  (handlers.error ?? reportError)(error);
}

/** Brings a world up to date. */
export function refresh({ storage }: World): void {
  if (storage.isClosed) return;
  storage.catchUp();
  if (storage.words[WORD.shutdown] === 1) endByShutdown(storage);
}

/** Lets a world hear of changes at its next turn, for as long as it lasts. */
export function listen(to: World): void {
  queueMicrotask(turn);
  function turn(): void {
    if (to.storage.isClosed) return;
    try {
      refresh(to);
      if (to.storage.definitions.length > 1) to.storage.begin();
    } catch (error) {
      report(error);
    }
    if (to.storage.isClosed) return;
    const { words, version } = to.storage;
    const wait = Atomics.waitAsync(words as Int32Array<SharedArrayBuffer>, WORD.version, version);
    if (wait.async) wait.value.then(turn);
    else queueMicrotask(turn);
  }
}

/** Waits until a word is at least `target`. It keeps no program alive. */
export async function reaches(
  words: Int32Array<ArrayBufferLike>,
  index: number,
  target: number,
): Promise<void> {
  for (;;) {
    const value = Atomics.load(words, index);
    if (value >= target) return;
    await Atomics.waitAsync(words as Int32Array<SharedArrayBuffer>, index, value).value;
  }
}

/** The main thread has shut everything down: this thread's part goes too. */
function endByShutdown(storage: Storage): void {
  const errors: unknown[] = [];
  closeAllFrames(errors);
  storage.clear(errors);
  storage.close();
  markDown();
  for (const error of errors) report(error);
}
