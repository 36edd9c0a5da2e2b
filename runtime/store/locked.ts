/**
 * Waiting for a file that another process, or another handle, is writing.
 *
 * Deno KV does not wait: it fails with SQLite's words. Nothing was done by then, so that the same
 * work can be tried again.
 *
 * @module
 */

const PATIENCE_MS = 5_000;
const MAX_PAUSE_MS = 20;

/** Runs `work` again while it fails because the file is locked, for up to five seconds. */
export async function whileLocked<T>(work: () => Promise<T>): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  for (let attempt = 1;; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isLocked(error) || performance.now() > end) throw error;
    }
    await pause(attempt);
  }
}

/** Waits for a random time that may be longer from attempt to attempt, so that rivals part. */
export function pause(attempt: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, Math.random() * Math.min(attempt, MAX_PAUSE_MS));
  return promise;
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && /database (table )?is (locked|busy)/.test(error.message);
}
