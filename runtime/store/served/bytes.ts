/**
 * Numbers, text, bytes and keys as they travel in a frame, written and read one after the other.
 *
 * The form is our own and holds nothing else, so that whatever comes can be checked to the last byte.
 *
 * @module
 */

import { RuntimeError } from "../../errors.ts";
import type { KvKey } from "../keys.ts";
import type { StoreKeyPart } from "../../types/store.ts";

const FIRST_BYTES = 256;
const BYTES = 0, TEXT = 1, BIGINT = 2, NUMBER = 3, FALSE = 4, TRUE = 5;
const HEX = /^-?[0-9a-f]{1,510}$/;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Says that what came is no frame of ours; the connection that it came by is ended for it. */
export function badFrame(found: string): RuntimeError {
  return new RuntimeError("BAD_MESSAGE", `Cannot read a frame of the store's link: ${found}`);
}

/** Writes one frame. */
export class ByteWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;

  /** Writes a number from 0 to 255. */
  u8(value: number): void {
    this.#grow(1);
    this.#bytes[this.#end++] = value;
  }

  /** Writes a number from 0 to 2 ** 32 - 1. */
  u32(value: number): void {
    this.#grow(4);
    this.#view.setUint32(this.#end, value);
    this.#end += 4;
  }

  /** Writes any number. */
  f64(value: number): void {
    this.#grow(8);
    this.#view.setFloat64(this.#end, value);
    this.#end += 8;
  }

  /** Writes bytes, and how many. */
  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.#grow(value.length);
    this.#bytes.set(value, this.#end);
    this.#end += value.length;
  }

  /** Writes text that is well-formed. */
  text(value: string): void {
    this.#grow(4 + 3 * value.length);
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(this.#end + 4));
    this.#view.setUint32(this.#end, written);
    this.#end += 4 + written;
  }

  /** Writes what may be `null`. */
  maybe<T>(value: T | null, write: (value: T) => void): void {
    this.u8(value === null ? 0 : 1);
    if (value !== null) write(value);
  }

  /** Writes a list, and how long it is. */
  list<T>(values: readonly T[], write: (value: T) => void): void {
    this.u32(values.length);
    for (const value of values) write(value);
  }

  /** Writes a key. */
  key(key: KvKey): void {
    this.u8(key.length > 254 ? 255 : key.length);
    if (key.length > 254) this.u32(key.length);
    for (const part of key) this.#part(part);
  }

  /** Writes into four bytes at `at` what was not known before. */
  patch(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }

  /** How much there is so far. */
  get length(): number {
    return this.#end;
  }

  /** What was written; the writer is used up. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#end);
  }

  #part(part: StoreKeyPart): void {
    if (typeof part === "string") {
      this.u8(TEXT);
      this.text(part);
    } else if (typeof part === "number") {
      this.u8(NUMBER);
      this.f64(part);
    } else if (typeof part === "bigint") {
      this.u8(BIGINT);
      this.text(part.toString(16));
    } else if (typeof part === "boolean") {
      this.u8(part ? TRUE : FALSE);
    } else {
      this.u8(BYTES);
      this.bytes(part);
    }
  }

  #grow(more: number): void {
    const needed = this.#end + more;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    bytes.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Reads one frame. Every call throws `BAD_MESSAGE` when that is not what stands there. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  /** Reads `bytes`; nothing that it returns shares memory with them. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Reads what {@linkcode ByteWriter.u8} wrote. */
  u8(): number {
    return this.#bytes[this.#skip(1)]!;
  }

  /** Reads what {@linkcode ByteWriter.u32} wrote. */
  u32(): number {
    return this.#view.getUint32(this.#skip(4));
  }

  /** Reads what {@linkcode ByteWriter.f64} wrote. */
  f64(): number {
    return this.#view.getFloat64(this.#skip(8));
  }

  /** Reads bytes. */
  bytes(): Uint8Array {
    const length = this.u32();
    const start = this.#skip(length);
    return this.#bytes.slice(start, start + length);
  }

  /** Reads text. */
  text(): string {
    const length = this.u32();
    const start = this.#skip(length);
    try {
      return decoder.decode(this.#bytes.subarray(start, start + length));
    } catch {
      throw badFrame("text is not in UTF-8");
    }
  }

  /** Reads what may be `null`. */
  maybe<T>(read: () => T): T | null {
    const mark = this.u8();
    if (mark > 1) throw badFrame(`mark ${mark} where 0 or 1 is due`);
    return mark === 0 ? null : read();
  }

  /** Reads a list. */
  list<T>(read: () => T): T[] {
    const length = this.u32();
    // Every item takes a byte at least: a length that cannot be is not allocated.
    if (length > this.#bytes.length - this.#at) throw badFrame(`a list of ${length} is cut off`);
    const values: T[] = [];
    for (let index = 0; index < length; index++) values.push(read());
    return values;
  }

  /** Reads a key. */
  key(): KvKey {
    const short = this.u8();
    const length = short === 255 ? this.u32() : short;
    const parts: StoreKeyPart[] = [];
    for (let index = 0; index < length; index++) parts.push(this.#part());
    return parts;
  }

  /** Makes sure that nothing is left. */
  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw badFrame(`${left} bytes are left over`);
  }

  #part(): StoreKeyPart {
    const kind = this.u8();
    if (kind === TEXT) return this.text();
    if (kind === NUMBER) return this.f64();
    if (kind === BIGINT) return this.#bigint();
    if (kind === FALSE || kind === TRUE) return kind === TRUE;
    if (kind === BYTES) return this.bytes();
    throw badFrame(`a key's part is of kind ${kind}`);
  }

  #bigint(): bigint {
    const text = this.text();
    if (!HEX.test(text)) throw badFrame("a bigint is not in hexadecimal digits");
    return text.startsWith("-") ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
  }

  #skip(length: number): number {
    const start = this.#at;
    if (length > this.#bytes.length - start) throw badFrame("it is cut off");
    this.#at += length;
    return start;
  }
}
