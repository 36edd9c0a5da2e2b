/**
 * Remembers what a costly function made of a text, for texts that come again and again.
 *
 * @module
 */

/**
 * Wraps `fn`, whose answer must hang on its argument alone, so that what it made lately is kept.
 *
 * What was asked for least recently is dropped first. A text longer than an eighth of what may be kept
 * is never kept: one page must not push all others out.
 *
 * @param fn Makes a text from a text.
 * @param maxCharacters How much is kept at most, arguments and answers together, in UTF-16 units.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { remember } from "./remember.ts";
 *
 * let calls = 0;
 * const shout = remember((text) => (calls++, text.toUpperCase()), 1000);
 * assert.equal(shout("hear"), "HEAR");
 * assert.equal(shout("hear"), "HEAR");
 * assert.equal(calls, 1);
 * ```
 */
export function remember(
  fn: (text: string) => string,
  maxCharacters: number,
): (text: string) => string {
  const kept = new Map<string, string>(); // the least recently used first
  let size = 0;
  return (text) => {
    const known = kept.get(text);
    if (known !== undefined) {
      kept.delete(text);
      kept.set(text, known);
      return known;
    }
    const made = fn(text);
    const added = text.length + made.length;
    if (added > maxCharacters / 8) return made;
    kept.set(text, made);
    size += added;
    for (const [oldest, answer] of kept) {
      if (size <= maxCharacters) break;
      kept.delete(oldest);
      size -= oldest.length + answer.length;
    }
    return made;
  };
}
