/**
 * Plain data in the form that `node:v8` writes and reads, without it: a `Serializer` a value costs
 * 13 µs and 2 KiB that are long in coming back, more than everything else that a small write does.
 *
 * Workers load this file, so it imports nothing.
 *
 * @module
 */

const VERSION = 15;
const LEAST_VERSION = 13; // what these tags mean has been the same since
const SCRATCH_BYTES = 64 * 1024;
const SHORT_TEXT = 32;
const TEXT_PIECE = 4096;
const MAX_DEPTH = 64;

/** One character each, as V8 has them. */
const TAG = {
  version: 0xff,
  padding: 0,
  undefined: 0x5f,
  null: 0x30,
  true: 0x54,
  false: 0x46,
  integer: 0x49,
  double: 0x4e,
  oneByteText: 0x22,
  twoByteText: 0x63,
  object: 0x6f,
  objectEnd: 0x7b,
  array: 0x41,
  arrayEnd: 0x24,
} as const;

/** Something that only V8 itself writes or reads. */
const NOT_PLAIN = Symbol();

const encoder = new TextEncoder();
const decoder = new TextDecoder();
let scratch = new Uint8Array(SCRATCH_BYTES);
let view = new DataView(scratch.buffer);
let at = 0;
let isBusy = false;

/**
 * Encodes plain data as `isPlain()` knows it; `undefined` if there is a bigint in it, if it is called by
 * a getter of what is being encoded, or if a getter has made something else of it.
 */
export function encodePlain(value: unknown): Uint8Array | undefined {
  if (isBusy) return undefined;
  isBusy = true;
  at = 2;
  scratch[0] = TAG.version;
  scratch[1] = VERSION;
  try {
    return write(value, MAX_DEPTH) ? scratch.slice(0, at) : undefined;
  } finally {
    isBusy = false;
    if (scratch.length > SCRATCH_BYTES) use(new Uint8Array(SCRATCH_BYTES));
  }
}

/** Decodes plain data into `{ value }`; `undefined` for everything that V8 itself has to read. */
export function decodePlain(bytes: Uint8Array): { value: unknown } | undefined {
  const source = { bytes, at: 2 };
  if (bytes[0] !== TAG.version || bytes[1]! < LEAST_VERSION || bytes[1]! > VERSION) {
    return undefined;
  }
  const value = read(source, MAX_DEPTH);
  return value === NOT_PLAIN || source.at > bytes.length ? undefined : { value };
}

function write(value: unknown, depth: number): boolean {
  reserve(16);
  switch (typeof value) {
    case "string":
      writeText(value);
      return true;
    case "number":
      if ((value | 0) === value && !Object.is(value, -0)) {
        scratch[at++] = TAG.integer;
        writeVarint(((value << 1) ^ (value >> 31)) >>> 0);
      } else {
        scratch[at++] = TAG.double;
        view.setFloat64(at, value, true);
        at += 8;
      }
      return true;
    case "boolean":
      scratch[at++] = value ? TAG.true : TAG.false;
      return true;
    case "undefined":
      scratch[at++] = TAG.undefined;
      return true;
    case "object":
      if (value === null) scratch[at++] = TAG.null;
      else if (depth === 0) return false;
      else {return Array.isArray(value)
          ? writeArray(value, depth - 1)
          : writeObject(value, depth - 1);}
      return true;
    default:
      return false;
  }
}

function writeArray(array: unknown[], depth: number): boolean {
  const { length } = array;
  scratch[at++] = TAG.array;
  writeVarint(length);
  for (let index = 0; index < length; index++) if (!write(array[index], depth)) return false;
  if (array.length !== length) return false;
  reserve(16);
  scratch[at++] = TAG.arrayEnd;
  writeVarint(0);
  writeVarint(length);
  return true;
}

function writeObject(object: object, depth: number): boolean {
  if (Object.getPrototypeOf(object) !== Object.prototype) return false;
  scratch[at++] = TAG.object;
  const names = Object.keys(object);
  for (const name of names) {
    reserve(16);
    writeText(name);
    if (!write((object as Record<string, unknown>)[name], depth)) return false;
  }
  reserve(16);
  scratch[at++] = TAG.objectEnd;
  writeVarint(names.length);
  return true;
}

function writeText(text: string): void {
  const { length } = text;
  reserve(2 * length + 16);
  const start = at;
  scratch[at++] = TAG.oneByteText;
  writeVarint(length);
  if (length > SHORT_TEXT) {
    const { read, written } = encoder.encodeInto(text, scratch.subarray(at, at + length));
    if (read === length && written === length) { // every character is ASCII
      at += length;
      return;
    }
  }
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0xff) return writeTwoByteText(text, start);
    scratch[at++] = code;
  }
}

function writeTwoByteText(text: string, start: number): void {
  const bytes = 2 * text.length;
  at = start;
  // The characters begin at an even place.
  if ((at + 1 + varintBytes(bytes)) % 2 === 1) scratch[at++] = TAG.padding;
  scratch[at++] = TAG.twoByteText;
  writeVarint(bytes);
  for (let index = 0; index < text.length; index++, at += 2) {
    view.setUint16(at, text.charCodeAt(index), true);
  }
}

function writeVarint(number: number): void {
  for (; number >= 0x80; number >>>= 7) scratch[at++] = number & 0x7f | 0x80;
  scratch[at++] = number;
}

function varintBytes(number: number): number {
  let bytes = 1;
  for (; number >= 0x80; number >>>= 7) bytes++;
  return bytes;
}

function reserve(bytes: number): void {
  if (at + bytes <= scratch.length) return;
  const larger = new Uint8Array(2 * (at + bytes));
  larger.set(scratch.subarray(0, at));
  use(larger);
}

function use(bytes: Uint8Array<ArrayBuffer>): void {
  scratch = bytes;
  view = new DataView(bytes.buffer);
}

interface Source {
  bytes: Uint8Array;
  at: number;
}

function read(source: Source, depth: number): unknown {
  const { bytes } = source;
  while (bytes[source.at] === TAG.padding) source.at++;
  switch (bytes[source.at++]) {
    case TAG.undefined:
      return undefined;
    case TAG.null:
      return null;
    case TAG.true:
      return true;
    case TAG.false:
      return false;
    case TAG.integer: {
      const number = readVarint(source);
      return (number >>> 1) ^ -(number & 1);
    }
    case TAG.double: {
      const place = source.at;
      source.at += 8;
      if (source.at > bytes.length) return NOT_PLAIN;
      return new DataView(bytes.buffer, bytes.byteOffset + place, 8).getFloat64(0, true);
    }
    case TAG.oneByteText:
      return readText(source, readVarint(source), 1);
    case TAG.twoByteText:
      return readText(source, readVarint(source), 2);
    case TAG.object:
      return depth === 0 ? NOT_PLAIN : readObject(source, depth);
    case TAG.array:
      return depth === 0 ? NOT_PLAIN : readArray(source, depth);
    default:
      return NOT_PLAIN;
  }
}

function readObject(source: Source, depth: number): unknown {
  const object: Record<string, unknown> = {};
  let count = 0;
  for (; source.bytes[source.at] !== TAG.objectEnd; count++) {
    const name = read(source, 0);
    if (typeof name !== "string" && typeof name !== "number" || name === "__proto__") {
      return NOT_PLAIN;
    }
    const part = read(source, depth - 1);
    if (part === NOT_PLAIN) return NOT_PLAIN;
    object[name] = part;
  }
  source.at++;
  return readVarint(source) === count ? object : NOT_PLAIN;
}

function readArray(source: Source, depth: number): unknown {
  const length = readVarint(source);
  if (length > source.bytes.length - source.at) return NOT_PLAIN;
  const array: unknown[] = [];
  for (let index = 0; index < length; index++) {
    const part = read(source, depth - 1);
    if (part === NOT_PLAIN) return NOT_PLAIN;
    array.push(part);
  }
  const isWhole = source.bytes[source.at++] === TAG.arrayEnd && readVarint(source) === 0 &&
    readVarint(source) === length;
  return isWhole ? array : NOT_PLAIN;
}

function readText(source: Source, byteLength: number, width: 1 | 2): unknown {
  const start = source.at;
  const end = source.at += byteLength;
  const { bytes } = source;
  if (end > bytes.length || byteLength % width !== 0) return NOT_PLAIN;
  if (width === 1 && byteLength > SHORT_TEXT) {
    const piece = bytes.subarray(start, end);
    if (piece.every((byte) => byte < 0x80)) return decoder.decode(piece);
  }
  let text = "";
  const codes: number[] = [];
  for (let place = start; place < end; place += width) {
    codes.push(width === 1 ? bytes[place]! : bytes[place]! | bytes[place + 1]! << 8);
    if (codes.length < TEXT_PIECE) continue;
    text += String.fromCharCode(...codes);
    codes.length = 0;
  }
  return text + String.fromCharCode(...codes);
}

function readVarint(source: Source): number {
  let number = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = source.bytes[source.at++] ?? 0;
    number |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return number >>> 0;
}
