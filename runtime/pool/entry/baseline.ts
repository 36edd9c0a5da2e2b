/**
 * The state to which a worker's isolate goes back between requests, as far as an isolate can.
 *
 * What comes back: the own properties of `globalThis`, the listeners of global events, properties such
 * as `onerror`; timers started since are stopped. What stays: variables of modules, what global objects
 * hold (`Deno`, `console`, the prototypes of built-ins), listeners of other targets, timers imported
 * from `node:timers`, everything else that waits. Only a fresh worker is free of those.
 *
 * @module
 */

import "./watch.ts";
import { attempt } from "./attempt.ts";
import { GlobalState } from "./globals.ts";
import { type HandlerState, readHandlers, restoreHandlers } from "./handlers.ts";
import { type ListenerState, readListeners, restoreListeners } from "./listeners.ts";
import { keepTimers, stopTimers } from "./timers.ts";

/** What a restore has to say. */
export interface RestoreReport {
  /** Names of what could not be put back; empty unless a document wanted it so. The worker needs a reset. */
  stuck: string[];
}

/** The events by which documents hear of errors that nobody caught. */
const ERROR_EVENTS = ["error", "unhandledrejection"] as const;

/** What the worker was at one moment. */
interface State {
  globals: GlobalState;
  listeners: ListenerState;
  handlers: HandlerState;
}

/** What the worker was when {@linkcode Baseline.take} was last called; before that, there is nothing to restore. */
export class Baseline {
  #state: State | undefined;

  /** Remembers the worker as it is; timers that run now go on for good. */
  take(): void {
    this.#state = {
      globals: new GlobalState(),
      listeners: readListeners(),
      handlers: readHandlers(),
    };
    keepTimers();
  }

  /**
   * Puts everything back. It never throws: what fails is in the report, and the rest is done.
   *
   * @param keepsTimers Whether timers that were started since go on, for code that still has to end.
   */
  restore(keepsTimers = false): RestoreReport {
    const state = this.#state;
    const stuck: string[] = [];
    if (state === undefined) return { stuck };
    if (keepsTimers) keepTimers();
    else attempt(stuck, "timers", () => stopTimers(stuck));
    attempt(stuck, "globals", () => stuck.push(...state.globals.restore()));
    restoreEvents(state, stuck);
    return { stuck };
  }

  /** Puts back only who hears of errors that nobody caught; never throws either. */
  restoreHandlers(): RestoreReport {
    const stuck: string[] = [];
    if (this.#state !== undefined) restoreEvents(this.#state, stuck, ERROR_EVENTS);
    return { stuck };
  }
}

function restoreEvents(
  { listeners, handlers }: State,
  stuck: string[],
  only?: readonly string[],
): void {
  attempt(stuck, "listeners", () => restoreListeners(listeners, stuck, only));
  attempt(stuck, "handlers", () => restoreHandlers(handlers, only));
}
