/**
 * The words by which callers are known.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { hash, timingSafeEqual } from "node:crypto";

/** Holds passwords, and compares what is given with all of them in the same time whatever it is. */
export class Passwords {
  readonly #digests: Buffer[];

  /** Takes the words. */
  constructor(words: readonly string[]) {
    this.#digests = words.map(digest);
  }

  /** Whether there are any. */
  get some(): boolean {
    return this.#digests.length > 0;
  }

  /** Whether a word is one of them. */
  has(word: string): boolean {
    const given = digest(word);
    let found = false;
    for (const known of this.#digests) {
      const isSame = timingSafeEqual(known, given);
      found ||= isSame;
    }
    return found;
  }
}

/** As long for every word. */
function digest(word: string): Buffer {
  return hash("sha256", Buffer.from(word), "buffer") as unknown as Buffer;
}
