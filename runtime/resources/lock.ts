/**
 * The lock of the board that trusted threads share.
 *
 * It is held for the few lines that add a row, never while code of a site runs. Who waits does so for a bounded
 * time; a thread that died while it held the lock is known by its number in the lock word.
 *
 * Workers load this file.
 *
 * @module
 */

import { slotOf, STATE, WORD } from "./board.ts";

/** How long a holder that is gone keeps the lock, in milliseconds. */
const TAKE_OVER_AFTER_MS = 1000;
/** How long anyone waits. */
const GIVE_UP_AFTER_MS = 2500;

/** Takes the lock for the thread of this number; false when that took too long. */
export function takeLock(words: Int32Array<ArrayBufferLike>, me: number): boolean {
  if (Atomics.compareExchange(words, WORD.lock, 0, me) === 0) return true;
  const since = performance.now();
  let holder = Atomics.load(words, WORD.lock);
  let heldSince = since;
  for (;;) {
    const now = performance.now();
    const found = Atomics.compareExchange(words, WORD.lock, 0, me);
    if (found === 0) return true;
    if (found !== holder) [holder, heldSince] = [found, now];
    if (now - heldSince >= TAKE_OVER_AFTER_MS && isGone(words, holder)) {
      if (Atomics.compareExchange(words, WORD.lock, holder, me) === holder) return true;
    }
    if (now - since >= GIVE_UP_AFTER_MS) return false;
    Atomics.wait(words as Int32Array<SharedArrayBuffer>, WORD.lock, holder, TAKE_OVER_AFTER_MS / 4);
  }
}

/** Gives the lock back, unless it was taken over meanwhile. */
export function giveLock(words: Int32Array<ArrayBufferLike>, me: number): void {
  Atomics.compareExchange(words, WORD.lock, me, 0);
  Atomics.notify(words, WORD.lock, 1);
}

function isGone(words: Int32Array<ArrayBufferLike>, thread: number): boolean {
  const at = slotOf(thread);
  return at >= words.length || Atomics.load(words, at) !== STATE.live;
}
