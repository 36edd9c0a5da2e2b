/**
 * Waiting for a condition.
 *
 * @module
 */

const PATIENCE_MS = 20_000;

/** Asks again and again until it holds, with a turn of the event loop between two times. */
export async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!await check()) {
    if (performance.now() > end) throw new Error(`It did not come to hold: ${check}`);
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
  }
}
