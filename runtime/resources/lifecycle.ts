/**
 * The life of the manager: it starts in one isolate, takes in workers, and shuts down.
 *
 * @module
 */

import { WORD } from "./board.ts";
import { Desks, type Enrolment, readStatistics } from "./desks.ts";
import { throwAll } from "./errors.ts";
import { closeAllFrames } from "./frames.ts";
import {
  createMain,
  type Invitation,
  reserve,
  SharedWorld,
  type ThreadStatistics,
  withoutThreads,
} from "./threads.ts";
import type { TrueGlobals } from "./true_globals.ts";
import { handlers, isDown, listen, markDown, refresh, setWorld, theWorld, world } from "./world.ts";

/** How the manager starts. */
export interface StartupOptions {
  /**
   * How many threads there will be, about; tables grow when there are more.
   *
   * @default 1
   */
  expectedThreads?: number;
  /**
   * How many resources there will be, about.
   *
   * @default 16
   */
  expectedResources?: number;
  /**
   * Whether there can be other threads. Without them nothing is shared and nothing locked, and all rules stay.
   *
   * @default true
   */
  threads?: boolean;
  /** True globals to seal when the first thread is invited or enrolled. */
  globals?: TrueGlobals;
}

interface Main {
  desks: Desks;
  globals: TrueGlobals | undefined;
}

let main: Main | undefined;

/**
 * Starts the manager; this isolate becomes its main thread.
 *
 * @returns False, with nothing changed, if this isolate has started or joined already.
 *
 * @throws {RangeError} If an expected number is no whole number of at least 0.
 */
export function startup(options: StartupOptions = {}): boolean {
  const { expectedThreads = 1, expectedResources = 16, threads = true, globals } = options;
  for (const [name, value] of Object.entries({ expectedThreads, expectedResources })) {
    if (Number.isSafeInteger(value) && value >= 0) continue;
    throw new RangeError(
      `Cannot start: ${name} must be a whole number of at least 0, and ${value} was given`,
    );
  }
  if (world !== undefined && !world.storage.isClosed) return false;
  const started = createMain({
    shared: threads,
    threads: expectedThreads,
    ids: expectedResources,
  });
  const desks = new Desks(started);
  main = { desks, globals };
  started.mirror = () => desks.mirror();
  setWorld(started);
  refresh(started);
  if (threads) listen(started);
  return true;
}

/**
 * Makes an invitation for a trusted worker, to be sent to it by message; there it is given to `join`. The
 * true globals are sealed.
 *
 * @throws {TypeError} If this is not the main thread.
 * @throws {RuntimeError} `NOT_STARTED` before startup, `DISABLED` if the manager was started without threads.
 * @throws {RangeError} If no more threads can be.
 */
export function invite(): Invitation {
  const { shared, globals } = mainOnly("invite a thread");
  const invitation = reserve(shared);
  globals?.seal();
  return invitation;
}

/**
 * Takes in an untrusted worker: it gets a desk of its own, and calls the services through a guarded bridge. The
 * true globals are sealed. A worker of the same number that never left is counted as abandoned.
 *
 * @throws {TypeError} If this is not the main thread, or the number is none.
 * @throws {RuntimeError} `NOT_STARTED` before startup, `DISABLED` if the manager was started without threads.
 */
export function enroll(threadNumber: number): Enrolment {
  const { shared, desks, globals } = mainOnly("enroll a worker");
  if (!shared.isShared) throw withoutThreads("enroll a worker");
  if (!Number.isSafeInteger(threadNumber)) {
    throw new TypeError("Cannot enroll a worker: its thread number must be a whole number");
  }
  refresh(shared);
  const enrolment = desks.enroll(threadNumber);
  globals?.seal();
  return enrolment;
}

/**
 * Ends this thread's part: destroys its instances, the highest id first, and drops its table. The main thread
 * has none to end, and there it does nothing.
 *
 * @throws {AggregateError} If destructors threw; all were called all the same.
 */
export function freeThread(): void {
  const current = world;
  if (current === undefined || current.isMain || current.storage.isClosed) return;
  const errors: unknown[] = [];
  current.storage.clear(errors);
  current.storage.close();
  current.leave();
  throwAll(errors, "Cannot end the thread without errors");
}

/**
 * Shuts the manager down. In the main thread: destroys its instances, the highest id first, has all other threads destroy
 * theirs at their next turn or access, calls the shutdown handler and drops all handlers. In another thread
 * it only marks that thread. A second call does nothing.
 *
 * @throws {AggregateError} If destructors threw; all were called all the same.
 */
export function shutdown(): void {
  const current = world;
  if (current === undefined || isDown) return;
  markDown();
  if (!(current instanceof SharedWorld) || !current.isMain) return;
  const { storage } = current;
  const errors: unknown[] = [];
  refresh(current);
  Atomics.store(storage.words, WORD.shutdown, 1);
  storage.board.publish();
  storage.read();
  main?.desks.shutdown();
  closeAllFrames(errors);
  storage.clear(errors);
  storage.close();
  main = undefined;
  setWorld(undefined);
  const { shutdown } = handlers;
  for (const name of Object.keys(handlers) as (keyof typeof handlers)[]) delete handlers[name];
  try {
    shutdown?.();
  } catch (error) {
    errors.push(error);
  }
  throwAll(errors, "Cannot shut down without errors");
}

/** Sets what runs before the first constructor of a new thread, and returns what ran before. */
export function setNewThreadBeginHandler(
  handler: ((thread: number) => void) | undefined,
): ((thread: number) => void) | undefined {
  const before = handlers.begin;
  handlers.begin = handler;
  return before;
}

/** Sets what runs after the last constructor of a new thread, and returns what ran before. */
export function setNewThreadEndHandler(
  handler: ((thread: number) => void) | undefined,
): ((thread: number) => void) | undefined {
  const before = handlers.end;
  handlers.end = handler;
  return before;
}

/** Sets what runs at the end of a shutdown, and returns what ran before. */
export function setShutdownHandler(handler: (() => void) | undefined): (() => void) | undefined {
  const before = handlers.shutdown;
  handlers.shutdown = handler;
  return before;
}

/**
 * Sets what hears errors that nobody waits for, such as those of destructors that run because another thread freed a
 * resource, and returns what heard them before. Without one they are uncaught, which ends the isolate.
 */
export function setErrorHandler(
  handler: ((error: unknown) => void) | undefined,
): ((error: unknown) => void) | undefined {
  const before = handlers.error;
  handlers.error = handler;
  return before;
}

/** Whether this isolate has started the manager that it uses. */
export function isMainThread(): boolean {
  return world !== undefined && world.isMain;
}

/** Whether the manager was shut down, as far as this thread knows. */
export function isShutdown(): boolean {
  if (world !== undefined) refresh(world);
  return isDown;
}

/** How many threads live, this one included; an untrusted worker knows what the entry told it last. */
export function threadCount(): number {
  return threadStatistics().live;
}

/** Counts threads by how they fare, those included that were abandoned without running their destructors. */
export function threadStatistics(): ThreadStatistics {
  if (world === undefined) return { live: 0, started: 0, ended: 0, abandoned: 0 };
  return readStatistics(world.storage.words);
}

function mainOnly(what: string): Main & { shared: SharedWorld } {
  const shared = theWorld();
  if (main !== undefined && shared instanceof SharedWorld && shared.isMain) {
    return { ...main, shared };
  }
  throw new TypeError(`Cannot ${what}: this is not the main thread`);
}
