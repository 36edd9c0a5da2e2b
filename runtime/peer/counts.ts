/**
 * Which numbers of one sender were seen: the latest ones one by one, all before them as if they had been.
 *
 * @module
 */

const WORD = 32;

/** A set of whole numbers that remembers the largest ones. */
export class Counts {
  readonly #bits: number;
  readonly #words: Uint32Array;
  /** One above the largest number that was seen. */
  #end = 0;

  /** Takes how many numbers are told apart, a multiple of 32. */
  constructor(bits: number) {
    this.#bits = bits;
    this.#words = new Uint32Array(bits / WORD);
  }

  /**
   * Notes a number.
   *
   * @returns Whether it is new; false as well when it is too far behind the largest one to tell.
   */
  add(count: number): boolean {
    if (count >= this.#end) this.#moveTo(count + 1);
    else if (count < this.#end - this.#bits) return false;
    const bit = count % this.#bits;
    const word = bit >>> 5;
    const mask = 1 << bit % WORD;
    const isNew = (this.#words[word]! & mask) === 0;
    this.#words[word]! |= mask;
    return isNew;
  }

  #moveTo(end: number): void {
    if (end - this.#end >= this.#bits) this.#words.fill(0);
    else {
      for (let count = this.#end; count < end; count++) {
        const bit = count % this.#bits;
        this.#words[bit >>> 5]! &= ~(1 << bit % WORD);
      }
    }
    this.#end = end;
  }
}
