/**
 * Keys as bytes whose order is that of the keys, for engines that know bytes only.
 *
 * A part begins with a byte that says its kind, and says itself where it ends: no part is the beginning
 * of another. So the bytes of a key begin with those of its first parts, and with those of no other
 * parts. No byte string of a key holds 0xFF where a part begins.
 *
 * @module
 */

import type { StoreKeyPart } from "../types/store.ts";
import type { KvKey } from "./keys.ts";

// The kinds, in the order of Deno KV.
const BYTES = 1;
const TEXT = 2;
const NEGATIVE_BIGINT = 3;
const BIGINT = 4;
const NUMBER = 5;
const FALSE = 6;
const TRUE = 7;

// Within text and bytes: END ends, 0 and 1 become two bytes each, all others stay.
const END = 0;
const ESCAPE = 1;
const MAX_BIGINT_BYTES = 255;

/**
 * Turns a key into bytes.
 *
 * @throws {RangeError} If a bigint in it takes more than 255 bytes.
 */
export function keyToBytes(key: KvKey): Uint8Array {
  const parts = key.map(partToBytes);
  if (parts.length === 1) return parts[0]!;
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * Turns the bytes of a key back into the key.
 *
 * @throws {TypeError} If they are none.
 */
export function keyFromBytes(input: Uint8Array): KvKey {
  const bytes = new Uint8Array(input); // a copy, and no Buffer, whose slice() is none
  const key: StoreKeyPart[] = [];
  for (let at = 0; at < bytes.length;) {
    const [part, end] = readPart(bytes, at);
    key.push(part);
    at = end;
  }
  return key;
}

function partToBytes(part: StoreKeyPart): Uint8Array {
  switch (typeof part) {
    case "string":
      return escaped(TEXT, new TextEncoder().encode(part));
    case "bigint":
      return bigintToBytes(part);
    case "number":
      return numberToBytes(part);
    case "boolean":
      return new Uint8Array([part ? TRUE : FALSE]);
    default:
      return escaped(BYTES, part);
  }
}

function readPart(bytes: Uint8Array, at: number): [part: StoreKeyPart, end: number] {
  switch (bytes[at]) {
    case BYTES:
      return readEscaped(bytes, at + 1);
    case TEXT: {
      const [text, end] = readEscaped(bytes, at + 1);
      return [new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text), end];
    }
    case NEGATIVE_BIGINT:
    case BIGINT:
      return readBigint(bytes, at);
    case NUMBER:
      return readNumber(bytes, at + 1);
    case FALSE:
      return [false, at + 1];
    case TRUE:
      return [true, at + 1];
    default:
      refuse();
  }
}

function escaped(kind: number, content: Uint8Array): Uint8Array {
  let escapes = 0;
  for (const byte of content) if (byte <= ESCAPE) escapes++;
  const bytes = new Uint8Array(2 + content.length + escapes);
  bytes[0] = kind;
  if (escapes === 0) {
    bytes.set(content, 1);
  } else {
    let at = 1;
    for (const byte of content) {
      if (byte <= ESCAPE) {
        bytes[at++] = ESCAPE;
        bytes[at++] = byte + 1; // never END
      } else {
        bytes[at++] = byte;
      }
    }
  }
  bytes[bytes.length - 1] = END;
  return bytes;
}

function readEscaped(bytes: Uint8Array, start: number): [content: Uint8Array, end: number] {
  const end = bytes.indexOf(END, start);
  if (end < 0) refuse();
  const content = bytes.slice(start, end);
  let length = 0;
  for (let at = 0; at < content.length; at++) {
    content[length++] = content[at] === ESCAPE ? content[++at]! - 1 : content[at]!;
  }
  return [new Uint8Array(content.subarray(0, length)), end + 1];
}

/** The kind, how many bytes follow, and these; of a negative one all complemented. */
function bigintToBytes(part: bigint): Uint8Array {
  let digits = part === 0n ? "" : (part < 0n ? -part : part).toString(16);
  if (digits.length % 2 === 1) digits = `0${digits}`;
  const length = digits.length / 2;
  if (length > MAX_BIGINT_BYTES) {
    throw new RangeError(
      `Cannot use a bigint of ${length} bytes in a store key: at most ${MAX_BIGINT_BYTES} are allowed`,
    );
  }
  const flip = part < 0n ? 0xff : 0;
  const bytes = new Uint8Array(2 + length);
  bytes[0] = part < 0n ? NEGATIVE_BIGINT : BIGINT;
  bytes[1] = length ^ flip;
  for (let index = 0; index < length; index++) {
    bytes[2 + index] = Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16) ^ flip;
  }
  return bytes;
}

function readBigint(bytes: Uint8Array, at: number): [part: bigint, end: number] {
  const flip = bytes[at] === NEGATIVE_BIGINT ? 0xff : 0;
  const start = at + 2;
  if (start > bytes.length) refuse();
  const end = start + (bytes[at + 1]! ^ flip);
  if (end > bytes.length) refuse();
  let digits = "0x0";
  for (let index = start; index < end; index++) {
    digits += (bytes[index]! ^ flip).toString(16).padStart(2, "0");
  }
  const size = BigInt(digits);
  return [flip === 0 ? size : -size, end];
}

/** A double whose bits are turned so that they sort: the sign, and all of a negative one. */
function numberToBytes(part: number): Uint8Array {
  const bytes = new Uint8Array(9);
  bytes[0] = NUMBER;
  const view = new DataView(bytes.buffer);
  view.setFloat64(1, part === 0 ? 0 : part); // -0 is the same number
  const isNegative = bytes[1]! >= 0x80;
  view.setUint32(1, (view.getUint32(1) ^ (isNegative ? 0xffffffff : 0x80000000)) >>> 0);
  if (isNegative) view.setUint32(5, ~view.getUint32(5) >>> 0);
  return bytes;
}

function readNumber(bytes: Uint8Array, start: number): [part: number, end: number] {
  const end = start + 8;
  if (end > bytes.length) refuse();
  const view = new DataView(bytes.slice(start, end).buffer);
  const isNegative = view.getUint8(0) < 0x80;
  view.setUint32(0, (view.getUint32(0) ^ (isNegative ? 0xffffffff : 0x80000000)) >>> 0);
  if (isNegative) view.setUint32(4, ~view.getUint32(4) >>> 0);
  return [view.getFloat64(0), end];
}

function refuse(): never {
  throw new TypeError("Cannot read the bytes of a store key: they are no key");
}
