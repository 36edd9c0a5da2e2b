/**
 * Values on their way between boxes: one byte that says which version of this form they have, and then the value as
 * structured clone would carry it.
 *
 * @module
 */

import { messageOf } from "../errors.ts";
import { encodeNamed } from "../store/codec.ts";
import { decodeValue } from "../store/decode.ts";
import { PeerError } from "./failures.ts";

/** The version of the form, which every request and every answer names. */
export const WIRE_VERSION = 1;

/** A value that was turned into bytes before. */
export class Encoded {
  /** What {@linkcode encode} made of it. */
  readonly bytes: Uint8Array<ArrayBuffer>;

  /** Takes the bytes, which must not be changed any more. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
  }
}

/**
 * Turns a value into bytes.
 *
 * @throws {DOMException} `DataCloneError`, naming what cannot leave a process: a function, shared memory, a port, a
 * stream, a `Blob` and the like.
 */
export function encode(value: unknown): Uint8Array<ArrayBuffer> {
  const body = encodeNamed(value, () => "Cannot send a value to another box");
  const bytes = new Uint8Array(body.length + 1);
  bytes[0] = WIRE_VERSION;
  bytes.set(body, 1);
  return bytes;
}

/**
 * Turns bytes into a value. They must come from a box that has the secret: they are read by the engine itself.
 *
 * @param whose The box, for the message of an error.
 * @throws {PeerError} `PEER_VERSION` if they have another version, `PEER_BAD_ANSWER` if they are no value.
 */
export function decode(bytes: Uint8Array, whose: string): unknown {
  if (bytes.length === 0) throw damaged(whose, "there are none");
  if (bytes[0] !== WIRE_VERSION) {
    throw new PeerError(
      "PEER_VERSION",
      `Cannot read the value of ${whose}: it has version ${
        bytes[0]
      } of the wire format, and this box speaks version ${WIRE_VERSION}`,
      { mayHaveRun: true },
    );
  }
  try {
    return decodeValue(bytes.subarray(1));
  } catch (error) {
    throw damaged(whose, messageOf(error), error);
  }
}

function damaged(whose: string, why: string, cause?: unknown): PeerError {
  return new PeerError(
    "PEER_BAD_ANSWER",
    `Cannot read the value of ${whose}: its bytes are damaged (${why})`,
    { mayHaveRun: true, cause },
  );
}
