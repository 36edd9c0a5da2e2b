/**
 * What crosses one link: messages with the link's own numbers, and what the two ends say to each other.
 *
 * @module
 */

import type { NodeIdentity } from "./address.ts";
import { type Envelope, isCount, parseEnvelope } from "./envelope.ts";

/** How many messages, and how many bytes of them, may be on a link before its other end has acknowledged them. */
export const WINDOW = Object.freeze({ frames: 1024, bytes: 8 * 2 ** 20 });

/**
 * One thing on a link; `ack` is the number of the last message that this side has finished with.
 *
 * `ping` asks whether somebody is there and `pong` says so. `leave` asks a child to end in order, and with `bye` a node says
 * that it ends now.
 */
export type Frame =
  | { type: "message"; ack: number; seq: number; envelope: Envelope }
  | { type: "ack" | "leave" | "ping" | "pong"; ack: number }
  | { type: "bye"; ack: number; code: number };

/** Rebuilds what the neighbour `from` sent; `undefined` when it is no frame. */
export function parseFrame(value: unknown, from: NodeIdentity): Frame | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { type, ack, seq, code, envelope } = value as Record<string, unknown>;
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
    case "bye":
      return isCount(code, 0) && code <= 255 ? { type, ack, code } : undefined;
  }
  return undefined;
}
