/**
 * Knows the timers that a worker's documents start, so that they can be stopped between requests.
 *
 * It takes effect when it is loaded. Deno loads its timers, which takes 3 to 9 ms, when somebody first
 * reads one of the globals; so the globals stay lazy, and are wrapped when a document first reads them.
 * What a document imports from `node:timers` is not known here, nor are the waits of other APIs.
 *
 * @module
 */

import { ownTimers } from "../../own_timers.ts";
import { attempt } from "./attempt.ts";
import { disguise } from "./disguise.ts";

/** The timer functions that nothing watches. */
export type UnwatchedTimers =
  & Pick<typeof globalThis, Starter | "clearTimeout" | "clearInterval">
  & {
    /** Stops an immediate. */
    clearImmediate(handle: unknown): void;
  };

type Starter = "setTimeout" | "setInterval" | "setImmediate";

/** Deno's timers are objects, and say whether they have ended. */
interface Handle {
  _destroyed?: boolean;
}

type Start = (callback: unknown, ...rest: unknown[]) => Handle;

/** Handles that are held before the first look for those that have ended. */
const FIRST_SWEEP = 64;

/** What has been started; sweeping at twice the size keeps the price of an entry constant. */
class Started {
  #handles: Handle[] = [];
  #sweepAt = FIRST_SWEEP;

  add(handle: Handle): void {
    if (this.#handles.push(handle) < this.#sweepAt) return;
    this.#handles = this.#handles.filter(({ _destroyed }) => _destroyed !== true);
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#handles.length);
  }

  /** Empties it. */
  take(): Handle[] {
    const handles = this.#handles;
    if (handles.length > 0) {
      this.#handles = [];
      this.#sweepAt = FIRST_SWEEP;
    }
    return handles;
  }
}

const timeouts = new Started();
const immediates = new Started();
let watchesRefresh = false;

/** What the runtime uses for itself: the timer functions that nothing watches. Reading one loads Deno's timers. */
export const unwatchedTimers = ownTimers as UnwatchedTimers;

keepOriginal("clearTimeout");
keepOriginal("clearInterval");
keepOriginal("clearImmediate");
watch("setTimeout", timeouts);
watch("setInterval", timeouts);
watch("setImmediate", immediates);

/** Lets every timer that runs now go on: it is no longer among those that {@linkcode stopTimers} stops. */
export function keepTimers(): void {
  timeouts.take();
  immediates.take();
}

/** Stops the timers that were started since {@linkcode keepTimers}; names in `stuck` what goes on. */
export function stopTimers(stuck: string[]): void {
  for (const handle of timeouts.take()) {
    attempt(stuck, "timer", () => unwatchedTimers.clearTimeout(handle as unknown as number));
  }
  for (const handle of immediates.take()) {
    attempt(stuck, "immediate", () => unwatchedTimers.clearImmediate(handle));
  }
}

/** A descriptor is copied, not read. */
function keepOriginal(name: keyof UnwatchedTimers): PropertyDescriptor | undefined {
  const descriptor = Reflect.getOwnPropertyDescriptor(globalThis, name);
  if (descriptor !== undefined) Reflect.defineProperty(unwatchedTimers, name, descriptor);
  return descriptor;
}

function watch(name: Starter, started: Started): void {
  const descriptor = keepOriginal(name);
  if (descriptor === undefined) return;
  if ("value" in descriptor) {
    Reflect.defineProperty(globalThis, name, { ...descriptor, value: wrap(name, started) });
    return;
  }
  let watched: Start | undefined;
  const get = () => watched ??= wrap(name, started);
  Reflect.defineProperty(globalThis, name, { ...descriptor, get: disguise(get, descriptor.get!) });
}

function wrap(name: Starter, started: Started): Start {
  const start = unwatchedTimers[name] as unknown as Start;
  if (started === timeouts) watchRefresh();
  return disguise(
    function (callback: unknown, ...rest: unknown[]): Handle {
      const handle = start(callback, ...rest);
      started.add(handle);
      return handle;
    },
    start,
  );
}

/** A timer that has ended starts again when it is refreshed. */
function watchRefresh(): void {
  if (watchesRefresh) return;
  watchesRefresh = true;
  const handle: unknown = unwatchedTimers.setTimeout(() => {}, 0);
  unwatchedTimers.clearTimeout(handle as number);
  if (typeof handle !== "object") return;
  const prototype = Object.getPrototypeOf(handle) as { refresh(): unknown };
  const { refresh } = prototype;
  prototype.refresh = disguise(
    function (this: Handle): unknown {
      if (this._destroyed === true) timeouts.add(this);
      return Reflect.apply(refresh, this, []);
    },
    refresh,
  );
}
