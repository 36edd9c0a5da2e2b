/**
 * Waiting that ends.
 *
 * @module
 */

import { LONGEST_TIMER_MS } from "../checks.ts";

/** Waits for a promise, but no longer than so many milliseconds; `false` if it had not settled by then. */
export async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.min(ms, LONGEST_TIMER_MS));
  });
  try {
    return await Promise.race([promise.then(() => true, () => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
