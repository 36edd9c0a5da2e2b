/**
 * Values as bytes: a message is encoded once, at its origin, and only decoded where it is delivered.
 *
 * Bytes have a known size, cannot change on the way, and are all that a node which forwards has to look at.
 *
 * @module
 */

import { deserialize, serialize } from "node:v8";

/** The largest message, in bytes once encoded: 16 MiB. */
export const LARGEST_PAYLOAD: number = 16 * 2 ** 20;

/** Encodes a value, or copies bytes that are to be sent as they are. */
export function encodePayload(value: unknown, raw: boolean): Uint8Array<ArrayBuffer> {
  if (raw && !(value instanceof Uint8Array)) {
    throw new TypeError("Cannot send raw: the data is not a Uint8Array");
  }
  const bytes = raw ? new Uint8Array(value as Uint8Array) : encode(value);
  if (bytes.length > LARGEST_PAYLOAD) {
    throw new RangeError(
      `Cannot send: the message takes ${bytes.length} bytes of at most ${LARGEST_PAYLOAD}`,
    );
  }
  return bytes;
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  // The serializer takes a port for an empty object; the clone refuses it.
  const copy = structuredClone(value);
  try {
    return new Uint8Array(serialize(copy));
  } catch (error) {
    throw new DOMException(error instanceof Error ? error.message : "", "DataCloneError");
  }
}

/** Decodes what arrived; throws whatever the decoder throws on bytes that are no value. */
export function decodePayload(bytes: Uint8Array<ArrayBuffer>, raw: boolean): unknown {
  return raw ? bytes.slice() : deserialize(bytes);
}
