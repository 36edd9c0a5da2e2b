/**
 * Values as they cross links: a message is encoded once, at its origin, and only decoded where it is delivered.
 *
 * Small plain values are JSON, since channels copy text faster than anything else; all others are bytes. Either has a known size,
 * cannot change on the way, and is all that a node which forwards has to look at.
 *
 * @module
 */

import { deserialize, serialize } from "node:v8";

/** A value in encoded form: JSON, or the bytes of V8's own format, or bytes that are to stay what they are. */
export type Payload = Uint8Array<ArrayBuffer> | string;

/** The largest message, in bytes once encoded: 16 MiB. */
export const LARGEST_PAYLOAD: number = 16 * 2 ** 20;

/** The longest text that goes as JSON, in UTF-16 code units. */
export const LONGEST_TEXT = 65_536;

/** How deep and how wide a value is looked at to find out whether it is plain. */
const DEPTH = 4;
const WIDTH = 64;

/** Encodes a value, or copies bytes that are to be sent as they are. */
export function encodePayload(value: unknown, raw: boolean): Payload {
  if (raw && !(value instanceof Uint8Array)) {
    throw new TypeError("Cannot send raw: the data is not a Uint8Array");
  }
  const payload = raw ? new Uint8Array(value as Uint8Array) : encode(value);
  if (payload.length > LARGEST_PAYLOAD) {
    throw new RangeError(
      `Cannot send: the message takes ${payload.length} bytes of at most ${LARGEST_PAYLOAD}`,
    );
  }
  return payload;
}

function encode(value: unknown): Payload {
  if (isPlain(value, DEPTH)) {
    const text = JSON.stringify(value);
    if (text.length <= LONGEST_TEXT) return text;
  }
  // The serializer takes a port for an empty object; the clone refuses it.
  const copy = structuredClone(value);
  try {
    return new Uint8Array(serialize(copy));
  } catch (error) {
    throw new DOMException(error instanceof Error ? error.message : "", "DataCloneError");
  }
}

/** Decodes what arrived; throws whatever the decoder throws on what is no value. */
export function decodePayload(payload: Payload, raw: boolean): unknown {
  if (typeof payload === "string") return JSON.parse(payload);
  return raw ? payload.slice() : deserialize(payload);
}

/** Whether JSON keeps a value as it is, and the value is small. */
function isPlain(value: unknown, depth: number): boolean {
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
  if (depth === 0) return false;
  if (Array.isArray(value)) {
    const keys = Object.keys(value);
    // Names come after numbers: if the last is a number, so are all, and with as many there is no hole.
    const isDense = keys.length === value.length &&
      (keys.length === 0 || keys.at(-1) === String(keys.length - 1));
    if (value.length > WIDTH || !isDense) return false;
    return value.every((item) => isPlain(item, depth - 1));
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  const entries = Object.entries(value);
  return entries.length <= WIDTH && entries.every(([, item]) => isPlain(item, depth - 1));
}
