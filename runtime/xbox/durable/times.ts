/**
 * When a message is tried next.
 *
 * @module
 */

import type { ResolvedPosts } from "../../options/peers.ts";

/** The part of a pause that chance may leave out. */
const JITTER = 0.5;

/** The pause after the attempt of that number, in milliseconds; `random` is from 0 to below 1. */
export function backOff(
  { backOffMs, maxBackOffMs }: Pick<ResolvedPosts, "backOffMs" | "maxBackOffMs">,
  tries: number,
  random: number,
): number {
  const whole = Math.min(maxBackOffMs, backOffMs * 2 ** Math.min(50, Math.max(0, tries - 1)));
  return Math.ceil(whole * (1 - JITTER * random));
}

/**
 * The next time of a repeated message: the first of its grid that was not over when it was handled for `planned`. It may
 * be in the past if handling took that long, and is made up for then.
 */
export function nextTime(planned: number, everyMs: number, startedAt: number): number {
  const passed = Math.max(0, Math.floor((startedAt - planned) / everyMs));
  return planned + (passed + 1) * everyMs;
}
