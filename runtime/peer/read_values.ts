/**
 * Reads an answer that comes value by value.
 *
 * @module
 */

import type { PeerAddress } from "./address.ts";
import { streamText } from "./credential.ts";
import { badAnswer, lost } from "./failures.ts";
import { type FrameLimits, FrameReader } from "./frames.ts";
import type { Signed } from "./keyring.ts";
import { drop } from "./read_body.ts";
import { decode } from "./wire.ts";

/** What {@linkcode readValues} goes by. */
export interface Reading {
  /** The request. */
  signed: Signed;
  /** The signature in the head of the answer. */
  signature: string;
  /** How much may come. */
  limits: FrameLimits;
  /** Takes the values. */
  onValue: (value: unknown) => void;
}

/**
 * Hands on each value when it has come and was found to be signed. Whatever goes wrong, the rest is not read.
 *
 * @throws {PeerError} `PEER_LOST` if it is cut, `PEER_BAD_ANSWER` if it is wrong.
 * @throws What `onValue` throws.
 */
export async function readValues(
  address: PeerAddress,
  { status, body }: Response,
  { signed, signature, limits, onValue }: Reading,
): Promise<void> {
  if (body === null || !signed.key.accepts(streamText(signed.signature, status), signature)) {
    await drop(body);
    throw badAnswer(
      address,
      "its head is not signed with the secret of the call, or not for several values",
    );
  }
  const frames = new FrameReader(address, signed, limits);
  const reader = body.getReader();
  try {
    while (true) {
      const { done, value } = await next(address, reader);
      if (done) break;
      for (const bytes of frames.read(value)) onValue(decode(bytes, address.name));
    }
  } catch (error) {
    await reader.cancel().catch(hasFailed);
    throw error;
  }
  if (!frames.hasEnded) throw lost(address, new Error("its end is missing"));
}

async function next(address: PeerAddress, reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await reader.read();
  } catch (error) {
    throw lost(address, error);
  }
}

/** Then there is nothing left to let go. */
function hasFailed(): void {}
