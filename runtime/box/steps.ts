/**
 * What the steps of a boot have in common: a culprit to name, and a signal that gives them up.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";

/** Names the document in the error that ended what was done with it. */
export async function named(
  what: string,
  document: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const reason = messageOf(cause);
    if (reason.includes(document) && cause instanceof RuntimeError) throw cause;
    throw new RuntimeError("BOOT_FAILED", `${what} ${document}: ${reason}`, { cause });
  }
}

/** Waits for a step, but no longer than until the signal aborts. */
export async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
