/**
 * What crosses one link: messages with the link's own numbers, and what the two ends say to each other.
 *
 * @module
 */

import type { NodeIdentity } from "./address.ts";
import { type Envelope, isCount, isCounts, parseEnvelope } from "./envelope.ts";
import { packMessage, unpackMessage } from "./packing.ts";
import { MOST_ANNOUNCED } from "./routes.ts";

/** How many messages, and how many bytes of them, may be on a link before its other end has acknowledged them. */
export const WINDOW = Object.freeze({ frames: 1024, bytes: 8 * 2 ** 20 });

/**
 * One thing on a link; `ack` is the number of the last message that this side has finished with.
 *
 * `ping` asks whether somebody is there and `pong` says so. `leave` asks a child to end in order, and with `bye` a node says
 * that it ends now. With `announce` a child tells the pids of nodes below it, with `withdraw` those that are gone.
 */
export type Frame =
  | { type: "message"; ack: number; seq: number; envelope: Envelope }
  | { type: "ack" | "leave" | "ping" | "pong"; ack: number }
  | { type: "announce" | "withdraw"; ack: number; pids: number[] }
  | { type: "bye"; ack: number; code: number };

/** The form in which a frame crosses a link. */
export type WireFrame = Frame | Uint8Array<ArrayBuffer> | string;

/** Brings a frame into that form. */
export function toWire(frame: Frame): WireFrame {
  if (frame.type !== "message") return frame;
  return packMessage(frame.ack, frame.seq, frame.envelope);
}

/** Rebuilds what the neighbour `from` sent; `undefined` when it is no frame. */
export function parseFrame(received: unknown, from: NodeIdentity): Frame | undefined {
  const value = typeof received === "string" || received instanceof Uint8Array
    ? unpackMessage(received)
    : received;
  if (typeof value !== "object" || value === null) return undefined;
  const { type, ack, seq, code, envelope, pids } = value as Record<string, unknown>;
  if (!isCount(ack, 0)) return undefined;
  switch (type) {
    case "message": {
      const message = parseEnvelope(envelope, from);
      if (message === undefined || !isCount(seq, 1)) return undefined;
      return { type, ack, seq, envelope: message };
    }
    case "ack":
    case "leave":
    case "ping":
    case "pong":
      return { type, ack };
    case "announce":
    case "withdraw":
      return isCounts(pids, MOST_ANNOUNCED) ? { type, ack, pids: [...pids] } : undefined;
    case "bye":
      return isCount(code, 0) && code <= 255 ? { type, ack, code } : undefined;
  }
  return undefined;
}
