/**
 * Watches what documents do to their worker, so that `Baseline` can undo it.
 *
 * It takes effect when it is loaded, which must be before the site's documents are. It protects
 * nothing: a document can leave what nobody looks for, which lasts until the worker is replaced.
 *
 * @module
 */

import "./definitions.ts";
import { unwatchedListeners } from "./listeners.ts";
import { type UnwatchedTimers, unwatchedTimers } from "./timers.ts";

/**
 * What the runtime calls for itself, so that no restore undoes it.
 *
 * Call the timers as its methods, when they are needed: reading one loads Deno's timers.
 */
export const unwatched = Object.defineProperties(
  {} as typeof unwatchedListeners & UnwatchedTimers,
  {
    ...Object.getOwnPropertyDescriptors(unwatchedTimers),
    ...Object.getOwnPropertyDescriptors(unwatchedListeners),
  },
);
