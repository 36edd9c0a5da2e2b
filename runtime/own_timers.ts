/**
 * The timers of the runtime itself, which no sweep between requests stops.
 *
 * @module
 */

/** The timer functions that nothing watches, where something watches the global ones. */
export const ownTimers: Partial<Pick<typeof globalThis, "setTimeout">> = {};

/** Starts a timer that outlives the request in which it was started. */
export function startTimer(run: () => void, ms: number): ReturnType<typeof setTimeout> {
  // Not a copy of the global: to read that loads Deno's timers, which takes milliseconds.
  return ownTimers.setTimeout === undefined ? setTimeout(run, ms) : ownTimers.setTimeout(run, ms);
}
