/**
 * A message on its way, and the check of one that a neighbour sent.
 *
 * @module
 */

import { type Address, type NodeIdentity, parseAddress, parseIdentity } from "./address.ts";
import { LARGEST_PAYLOAD, LONGEST_TEXT, type Payload } from "./payload.ts";

/** The version of the protocol. */
export const VERSION = 1;

/** How many links a message may cross. */
export const MOST_HOPS = 64;

/** What a message is for: data, its acknowledgement, the report of a loss, a signal, or what nodes keep together. */
export type MessageKind = "ack" | "control" | "data" | "loss" | "signal";

const KINDS: ReadonlySet<unknown> = new Set<MessageKind>([
  "ack",
  "control",
  "data",
  "loss",
  "signal",
]);

/** A message with its address. Only `hops` and `from` change on the way. */
export interface Envelope {
  readonly v: typeof VERSION;
  /** The node that sent it first. */
  readonly src: NodeIdentity;
  /** Counts the messages of `src` from 1; both together name the message. */
  readonly seq: number;
  readonly to: Address;
  /** The node that handed it over last. */
  readonly from: NodeIdentity;
  /** How many links it crossed. */
  readonly hops: number;
  readonly kind: MessageKind;
  readonly ackRequested: boolean;
  /** In an acknowledgement, the `seq` of what is acknowledged. */
  readonly ackOf: number | undefined;
  readonly urgent: boolean;
  /** Whether the payload is given to listeners as bytes. */
  readonly raw: boolean;
  readonly payload: Payload;
}

/** The name of a message in the whole tree: pid and incarnation of its origin, and its number there. */
export type MessageId = string;

/** Names a message. */
export function idOf(src: NodeIdentity, seq: number): MessageId {
  return `${src.pid}:${src.inc}:${seq}`;
}

/** What a message takes in a queue, in bytes: its payload, and something for the rest. */
export function sizeOf(envelope: Envelope): number {
  return envelope.payload.length + 256;
}

/** Rebuilds a message from what `from` sent, field by field; `undefined` when it is none. */
export function parseEnvelope(value: unknown, from: NodeIdentity): Envelope | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const {
    v,
    src: origin,
    seq,
    to: address,
    hops,
    kind,
    ackRequested,
    ackOf,
    urgent,
    raw,
    payload,
  } = value as Record<string, unknown>;
  const src = parseIdentity(origin);
  const to = parseAddress(address);
  if (v !== VERSION || src === undefined || to === undefined) return undefined;
  if (!isCount(seq, 1) || !isCount(hops, 1) || !isPayload(payload)) return undefined;
  if (!KINDS.has(kind)) return undefined;
  if (kind === "ack" ? !isCount(ackOf, 1) : ackOf !== undefined) return undefined;
  if (kind !== "data" && (ackRequested === true || !("pid" in to))) return undefined;
  if (kind === "signal" && !(payload.length === 1 && isSignal(payload[0]))) return undefined;
  return {
    v,
    src,
    seq,
    to,
    from,
    hops,
    kind: kind as MessageKind,
    ackRequested: ackRequested === true,
    ackOf: ackOf as number | undefined,
    urgent: urgent === true,
    raw: raw === true,
    payload,
  };
}

/** Whether it is the number of a signal: 1 to 64. */
export function isSignal(value: unknown): value is number {
  return isCount(value, 1) && value <= 64;
}

/** Whether it is a whole number of at least `lowest`. */
export function isCount(value: unknown, lowest: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= lowest;
}

/** Whether it is a list of at most `most` whole numbers above 0; a hole in a list is none. */
export function isCounts(value: unknown, most: number): value is number[] {
  if (!Array.isArray(value) || value.length > most) return false;
  return Array.from(value).every((one) => isCount(one, 1));
}

function isPayload(value: unknown): value is Payload {
  if (typeof value === "string") return value.length <= LONGEST_TEXT;
  return value instanceof Uint8Array && value.buffer instanceof ArrayBuffer &&
    value.length <= LARGEST_PAYLOAD;
}
