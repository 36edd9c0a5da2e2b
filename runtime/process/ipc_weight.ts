/**
 * What bytes will weigh once they are a value.
 *
 * A few bytes may stand for hundreds of megabytes: an array whose only place is far out, or empty objects by the
 * million. A child must not be able to fill its owner's heap with them, so its bytes are walked through before the
 * engine reads them. Nothing is made of them here.
 *
 * @module
 */

import { encodeValue } from "./ipc_codec.ts";

/** Bytes of memory that one message of a child may take once it is read; a guess that is rather too high. */
export const MAX_WEIGHT = 1 << 29;

/** What the engine writes before each part of a value. */
const TAG = tags({
  hole: "-",
  undefined: "_",
  null: "0",
  true: "T",
  false: "F",
  trueObject: "y",
  falseObject: "x",
  int: "I",
  uint: "U",
  reference: "^",
  double: "N",
  numberObject: "n",
  date: "D",
  bigint: "Z",
  bigintObject: "z",
  latin: '"',
  wide: "c",
  utf8: "S",
  stringObject: "s",
  regexp: "R",
  object: "o",
  objectEnd: "{",
  dense: "A",
  denseEnd: "$",
  sparse: "a",
  sparseEnd: "@",
  map: ";",
  mapEnd: ":",
  set: "'",
  setEnd: ",",
  buffer: "B",
  resizable: "~",
  view: "V",
  error: "r",
});
/** Parts of an error: of these two a value follows, of the others nothing. */
const ERROR = tags({ message: "m", stack: "s", cause: "c", end: "." });
const ERROR_KINDS: ReadonlySet<number> = new Set(Array.from("ERFSTU", codeOf));

/** What every value begins with. */
const HEADER = encodeValue(null).subarray(0, 2);
/** Bytes of one part, beside what follows it. */
const PLACE = 8;
const LEAF = 16;
const OBJECT = 56;
const COLLECTION = 256;
const LARGEST = 512;
/** Of the last group of a number. */
const LONGEST_UNIT = 2 ** 42;
/** Of memory that may grow, which is mapped by itself. */
const MAPPED = 1 << 14;

/**
 * Guesses the memory that a value takes which these bytes become.
 *
 * @returns Bytes; when it is more than {@linkcode MAX_WEIGHT}, not all was looked at.
 * @throws {Error} If the bytes are no value, or one that no child has a reason to send.
 */
export function weigh(bytes: Uint8Array): number {
  const scale = new Scale(bytes);
  try {
    scale.header();
    scale.value();
  } catch (error) {
    if (!(error instanceof TooHeavy)) throw error;
  }
  return scale.weight;
}

/** Ends the walk. */
class TooHeavy extends Error {}

class Scale {
  readonly #bytes: Uint8Array;
  #at = 0;
  weight = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  header(): void {
    // Older forms of the engine are read in other ways.
    for (const byte of HEADER) {
      if (this.#byte() !== byte) throw new Error("Cannot read a value: its header is another");
    }
  }

  value(): void {
    this.#whole(this.#tag());
  }

  /** A part, and behind a buffer what shows some of it. */
  #whole(tag: number): void {
    this.#part(tag);
    if (tag !== TAG.buffer && tag !== TAG.resizable && tag !== TAG.reference) return;
    while (this.#bytes[this.#at] === 0) this.#at++;
    if (this.#bytes[this.#at] !== TAG.view) return;
    this.#at++;
    this.#add(OBJECT);
    for (let field = 0; field < 4; field++) this.#number();
  }

  #part(tag: number): void {
    switch (tag) {
      case TAG.hole:
      case TAG.undefined:
      case TAG.null:
      case TAG.true:
      case TAG.false:
        return;
      case TAG.trueObject:
      case TAG.falseObject:
        return this.#add(OBJECT);
      case TAG.int:
      case TAG.uint:
      case TAG.reference:
        return void this.#number();
      case TAG.double:
      case TAG.numberObject:
      case TAG.date:
        this.#skip(8);
        return this.#add(tag === TAG.double ? LEAF : OBJECT);
      case TAG.bigint:
      case TAG.bigintObject: {
        // Its lowest bit is the sign.
        const length = Math.floor(this.#number() / 2);
        this.#skip(length);
        return this.#add(OBJECT + length);
      }
      case TAG.latin:
      case TAG.wide:
      case TAG.utf8:
        return this.#block();
      case TAG.buffer:
        this.#add(LARGEST);
        return this.#block();
      case TAG.stringObject:
        this.#add(OBJECT);
        return this.value();
      case TAG.regexp:
        this.#add(LARGEST);
        this.value();
        return void this.#number();
      case TAG.object:
        this.#add(OBJECT);
        this.#until(TAG.objectEnd);
        return void this.#number();
      case TAG.sparse:
      case TAG.dense: {
        const length = this.#number();
        this.#add(OBJECT + PLACE * length);
        if (tag === TAG.dense) { for (let left = length; left > 0; left--) this.value(); }
        this.#until(tag === TAG.dense ? TAG.denseEnd : TAG.sparseEnd);
        this.#number();
        return void this.#number();
      }
      case TAG.map:
      case TAG.set:
        this.#add(COLLECTION);
        this.#until(tag === TAG.map ? TAG.mapEnd : TAG.setEnd);
        return void this.#number();
      case TAG.resizable: {
        const length = this.#number();
        this.#add(MAPPED + this.#number());
        return this.#skip(length);
      }
      case TAG.error:
        this.#add(LARGEST);
        return this.#error();
      default:
        throw new Error(`Cannot read a value: it holds a part of kind ${tag}`);
    }
  }

  #until(end: number): void {
    for (let tag = this.#tag(); tag !== end; tag = this.#tag()) {
      this.#add(PLACE);
      this.#whole(tag);
    }
  }

  #error(): void {
    for (let tag = this.#tag(); tag !== ERROR.end; tag = this.#tag()) {
      if (tag === ERROR.message || tag === ERROR.stack || tag === ERROR.cause) this.value();
      else if (!ERROR_KINDS.has(tag)) throw new Error("Cannot read a value: an error is malformed");
    }
  }

  #block(): void {
    const length = this.#number();
    this.#skip(length);
    this.#add(LEAF + length);
  }

  #add(weight: number): void {
    this.weight += weight;
    if (this.weight > MAX_WEIGHT) throw new TooHeavy();
  }

  #skip(length: number): void {
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new Error("Cannot read a value: it breaks off");
  }

  /** The next byte that is not there only to fill up. */
  #tag(): number {
    let tag = this.#byte();
    while (tag === 0) tag = this.#byte();
    return tag;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new Error("Cannot read a value: it breaks off");
    return byte;
  }

  /** A number in groups of seven bits, the lowest first. */
  #number(): number {
    let number = 0;
    let unit = 1;
    while (true) {
      const byte = this.#byte();
      number += (byte & 0x7f) * unit;
      if (byte < 0x80) return number;
      unit *= 0x80;
      if (unit > LONGEST_UNIT) throw new Error("Cannot read a value: a number is too long");
    }
  }
}

function tags<N extends string>(letters: Record<N, string>): Record<N, number> {
  const codes = Object.entries<string>(letters).map(([name, letter]) => [name, codeOf(letter)]);
  return Object.freeze(Object.fromEntries(codes)) as Record<N, number>;
}

function codeOf(letter: string): number {
  return letter.charCodeAt(0);
}
