/**
 * The bytes of a value, in the form of structured clone.
 *
 * `v8.serialize()` is not used: all views that it decodes share one buffer, so that a small array
 * would keep, and show, everything that was stored beside it.
 *
 * @module
 */

import { isProxy } from "node:util/types";
import { Serializer } from "node:v8";
import { messageOf } from "../errors.ts";
import { decodeValue } from "./decode.ts";
import { describeKey, type KvKey } from "./keys.ts";
import { findHost } from "./hosts.ts";
import { isPlain } from "./plain.ts";
import { encodePlain } from "./wire.ts";

const SHOWN_CHARACTERS = 200;

const VIEWS = {
  BigInt64Array,
  BigUint64Array,
  Float16Array,
  Float32Array,
  Float64Array,
  Int8Array,
  Int16Array,
  Int32Array,
  Uint8Array,
  Uint8ClampedArray,
  Uint16Array,
  Uint32Array,
};

/**
 * Encodes a value. A typed array that shows a part of a larger buffer is stored without the rest of
 * it; inside an object it keeps its whole buffer, as structured clone does.
 *
 * @param key Named in the message when the value cannot be encoded.
 * @throws {DOMException} `DataCloneError`, if structured clone cannot carry the value.
 */
export function encodeValue(value: unknown, key: KvKey): Uint8Array {
  return encodeNamed(value, () => `Cannot store a value under ${describeKey(key)}`);
}

/**
 * Encodes a value that is for something else than the store.
 *
 * @param what Begins the message of an error, as in `Cannot send a value`.
 * @throws {DOMException} `DataCloneError`, if structured clone cannot carry the value.
 */
export function encodeNamed(value: unknown, what: () => string): Uint8Array {
  const plain = isPlain(value, isProxy) ? encodePlain(value) : undefined;
  if (plain !== undefined) return plain;
  const copy = cloneable(value, what);
  try {
    const serializer = new Serializer();
    serializer.writeHeader();
    serializer.writeValue(copy);
    return serializer.releaseBuffer();
  } catch (error) {
    throw refusal(error, what);
  }
}

/** Encodes a key for its record. */
export function encodeKey(key: KvKey): Uint8Array {
  return encodeValue([...key], key);
}

/** Decodes what {@linkcode encodeKey} made. */
export function decodeKey(bytes: Uint8Array): KvKey {
  return decodeValue(bytes) as KvKey;
}

/** V8 alone would write a URL or a Headers as `{}`; Deno's own clone refuses what it cannot carry. */
function cloneable(value: unknown, what: () => string): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (ArrayBuffer.isView(value)) return trimmed(value);
  if (value instanceof SharedArrayBuffer) return value;
  const host = findHost(value);
  if (host !== undefined) throw refusal(new Error(`${host} cannot be cloned`), what);
  try {
    return structuredClone(value);
  } catch (error) {
    if (error instanceof DOMException && error.name === "DataCloneError") {
      throw refusal(error, what);
    }
    throw error;
  }
}

function trimmed(view: ArrayBufferView): ArrayBufferView {
  const { buffer, byteOffset, byteLength } = view;
  if (byteLength === buffer.byteLength || !(buffer instanceof ArrayBuffer)) return view;
  const own = buffer.slice(byteOffset, byteOffset + byteLength);
  if (view instanceof DataView) return new DataView(own);
  // The tag comes from the engine and is right for subclasses too, such as Node's Buffer.
  const kind = (view as Uint8Array)[Symbol.toStringTag] as keyof typeof VIEWS;
  return new VIEWS[kind](own);
}

function refusal(error: unknown, what: () => string): Error {
  if (error instanceof RangeError) return error;
  const text = messageOf(error).replace(/\.$/, "");
  const found = text.length > SHOWN_CHARACTERS ? `…${text.slice(-SHOWN_CHARACTERS)}` : text;
  return new DOMException(`${what()}: ${found}`, "DataCloneError");
}
