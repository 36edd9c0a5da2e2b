/**
 * Values as they go from box to box of one machine: encoded once where they start, decoded once where they are used.
 *
 * What is small and plain is JSON, which stands among the words of its frame; all else is bytes behind them, in the form
 * of structured clone.
 *
 * @module
 */

import { Deserializer, Serializer } from "node:v8";
import { messageOf } from "../../errors.ts";
import { findForbidden } from "../../thread/values.ts";

/** The largest value, in bytes once encoded: 16 MiB. */
export const LARGEST_VALUE: number = 16 * 2 ** 20;

/** How deep and how wide a value is looked at to find out whether it is plain, and how long JSON may be. */
const DEPTH = 4;
const WIDTH = 64;
const LONGEST_TEXT = 65_536;

/** A value in encoded form: JSON, or bytes. What is `undefined` is not encoded. */
export type Encoded = string | Uint8Array;

/** What a message takes beside its value, in bytes, about. */
const OVERHEAD = 64;

/**
 * Encodes a value.
 *
 * @param doing What cannot be done if it cannot be encoded, such as `send a message to "box-2"`.
 * @throws {DOMException} `DataCloneError` if it holds what does not leave a process; the message names it.
 * @throws {RangeError} If it is larger than {@linkcode LARGEST_VALUE}.
 */
export function encodeValue(value: unknown, doing: string): Encoded | undefined {
  if (value === undefined) return undefined;
  if (isPlain(value, DEPTH, [])) {
    const text = JSON.stringify(value);
    if (text.length <= LONGEST_TEXT) return text;
  }
  // V8 alone would write a port or a Blob as an empty object.
  const found = findForbidden(value);
  if (found !== undefined) throw refused(doing, `it holds ${found}`);
  const bytes = serialize(value, doing);
  if (bytes.length <= LARGEST_VALUE) return bytes;
  throw new RangeError(
    `Cannot ${doing}: it takes ${bytes.length} bytes, and at most ${LARGEST_VALUE} are allowed`,
  );
}

/** Decodes what {@linkcode encodeValue} made; throws whatever the decoder throws on what is no value. */
export function decodeBytes(bytes: Uint8Array): unknown {
  const deserializer = new Deserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue();
}

/** The bytes of a value that comes as such. */
export function bodyOf(value: Encoded | undefined): Uint8Array | undefined {
  return typeof value === "string" ? undefined : value;
}

/** What a value takes in a queue, in bytes, about. */
export function sizeOf(value: Encoded | undefined): number {
  return (value?.length ?? 0) + OVERHEAD;
}

/** Whether JSON keeps a value as it is, and the value is small; `seen` holds the objects that were met, none of which may come twice. */
function isPlain(value: unknown, depth: number, seen: object[]): boolean {
  switch (typeof value) {
    case "string":
      return value.length <= LONGEST_TEXT;
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "object":
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth === 0 || seen.length >= WIDTH || seen.includes(value)) return false;
  seen.push(value);
  if (Array.isArray(value)) {
    // Names come after numbers: if the last is a number, so are all, and with as many there is no hole.
    const keys = Object.keys(value);
    const isDense = keys.length === value.length &&
      (keys.length === 0 || keys.at(-1) === String(keys.length - 1));
    return value.length <= WIDTH && isDense &&
      value.every((item) => isPlain(item, depth - 1, seen));
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  const entries = Object.entries(value);
  return entries.length <= WIDTH && entries.every(([, item]) => isPlain(item, depth - 1, seen));
}

function serialize(value: unknown, doing: string): Uint8Array {
  const serializer = new Serializer();
  try {
    serializer.writeHeader();
    serializer.writeValue(value);
    return serializer.releaseBuffer();
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw refused(doing, messageOf(error).replace(/\.$/, ""));
  }
}

function refused(doing: string, why: string): DOMException {
  return new DOMException(`Cannot ${doing}: ${why}`, "DataCloneError");
}
