/**
 * Values as bytes, for the channel between a process and its child.
 *
 * What the channel itself makes of values cannot be used: where it cannot carry one it sends half of it, and
 * the other side ends with an uncaught error. So it is given bytes only, which either side reads by itself and may
 * find wrong.
 *
 * Workers in processes load this file.
 *
 * @module
 */

import v8 from "node:v8";
import { messageOf } from "../errors.ts";
import { findHost } from "../store/hosts.ts";

/** The engine's own form of structured clone, as it stands below `serialize()` of `node:v8`. */
interface Writer {
  writeHeader(): void;
  writeValue(value: unknown): void;
  releaseBuffer(): Uint8Array;
}

interface Reader {
  readHeader(): void;
  readValue(): unknown;
}

/** Bytes that one message may have. */
export const MAX_MESSAGE = 1 << 27;

const { Serializer, Deserializer } = v8 as unknown as {
  Serializer: new () => Writer;
  Deserializer: new (bytes: Uint8Array) => Reader;
};

/**
 * Writes a value: what structured clone takes, without what cannot leave a process, such as shared memory,
 * a `Blob`, a port or a stream.
 *
 * @throws {DOMException} `DataCloneError`, naming what cannot be carried, or that it is more than
 * {@linkcode MAX_MESSAGE}.
 */
export function encodeValue(value: unknown): Uint8Array {
  const host = findHost(value);
  if (host !== undefined) {
    throw dataCloneError(`Cannot send a message to another process: it cannot carry a ${host}`);
  }
  const bytes = write(value);
  if (bytes.length <= MAX_MESSAGE) return bytes;
  throw dataCloneError(
    `Cannot send a message to another process: it has ${bytes.length} bytes, and at most ${MAX_MESSAGE} are allowed`,
  );
}

function write(value: unknown): Uint8Array {
  const writer = new Serializer();
  try {
    writer.writeHeader();
    writer.writeValue(value);
    return writer.releaseBuffer();
  } catch (error) {
    throw dataCloneError(`Cannot send a message to another process: ${messageOf(error)}`);
  }
}

/**
 * Reads a value.
 *
 * @throws {Error} If the bytes are none.
 */
export function decodeValue(bytes: Uint8Array): unknown {
  const reader = new Deserializer(bytes);
  reader.readHeader();
  return reader.readValue();
}

/** The error of what cannot be sent. */
export function dataCloneError(message: string): DOMException {
  return new DOMException(message, "DataCloneError");
}
