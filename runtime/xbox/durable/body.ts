/**
 * The row of a message: what was posted and how. What is too large for one row stands in parts beside it.
 *
 * @module
 */

import { messageOf } from "../../errors.ts";
import type { Priority } from "../../pool/priority.ts";
import { packMarker, readParts, type StagedParts, writeParts } from "../../store/chunks.ts";
import { encodeValue } from "../../store/codec.ts";
import { decodeValue } from "../../store/decode.ts";
import type { Engine, RowCheck, RowWrite } from "../../store/engine.ts";
import type { PartsRef } from "../../store/record.ts";
import { pendingRow } from "../../store/rows.ts";
import type { Place } from "./rows.ts";

/** How a message was posted. */
export interface Meta {
  /** The receiver. */
  to?: string;
  /** What it was named. */
  key?: string;
  /** It is the dead copy of a repeated message, whose key it does not hold. */
  isCopy?: boolean;
  /** The kind of worker that posted it; absent: the box's own isolate. */
  by?: string;
  /** What it is ordered by. */
  orderingKey?: string;
  /** Where it stands in that order. */
  place?: Place;
  /** Attempts until it is given up. */
  attempts: number;
  /** Time of one attempt in milliseconds. */
  timeoutMs?: number;
  /** In place of the pool's own. */
  priority?: Priority;
  /** When it was accepted, in milliseconds since the epoch. */
  acceptedAt: number;
  /** When it may be handled first; of a repeated one when it is to be handled next. */
  at: number;
  /** From one time to the next, in milliseconds. */
  everyMs?: number;
  /** Changes when a repeated message is posted again. */
  revision?: number;
  /** Where the message is, if it is not in the row. */
  parts?: { id: string; count: number; bytes: number };
}

/** A message's row, read. */
export interface Body {
  /** How it was posted. */
  meta: Meta;
  /** The message, encoded; empty if it stands in parts. */
  payload: Uint8Array;
}

/** A message's row as it was read; no body: the message was taken back. */
export interface Held {
  /** What it says. */
  body: Body | undefined;
  /** Its version. */
  version: string | null;
}

/** Stands for a row that cannot be read: its one attempt fails. */
const UNREADABLE: Body = {
  meta: { attempts: 1, acceptedAt: 0, at: 0 },
  payload: new Uint8Array(),
};

/** A message whose bytes have found their place. */
export interface Placed extends Body {
  /** Parts that no row names yet. */
  staged?: StagedParts;
}

const FORM = 1;
const HEADER_BYTES = 5;
/** What a row holds beside the message, about. */
const META_BYTES = 6 * 1024;
const ENCODE_KEY = ["message"];
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Encodes a message.
 *
 * @throws {DOMException} `DataCloneError` if structured clone cannot carry it.
 * @throws {RangeError} If it takes more than `maxBytes`.
 */
export function encodeMessage(message: unknown, maxBytes: number): Uint8Array {
  let payload: Uint8Array;
  try {
    payload = encodeValue(message, ENCODE_KEY);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    const why = messageOf(error).replace(/^Cannot store a value under "message": /, "");
    throw new DOMException(`Cannot post a durable message: ${why}`, error.name);
  }
  if (payload.length <= maxBytes) return payload;
  throw new RangeError(
    `Cannot post a durable message: it takes ${payload.length} bytes, and at most ${maxBytes} ` +
      "(peers.maxMessageBytes) are allowed",
  );
}

/** Finds room for a message: in its row, or in parts that are written here. */
export async function placeBody(
  engine: Engine,
  meta: Meta,
  payload: Uint8Array,
  now: number,
): Promise<Placed> {
  if (payload.length + META_BYTES <= engine.limits.rowBytes) return { meta, payload };
  const staged = await writeParts(engine, payload, now);
  const { id, count, bytes } = staged.ref;
  const parts = { id: id.toHex(), count, bytes };
  return { meta: { ...meta, parts }, payload: new Uint8Array(), staged };
}

/** What a commit has to do so that staged parts stay. */
export function keepStaged(staged: StagedParts | undefined): {
  checks: RowCheck[];
  writes: RowWrite[];
} {
  if (staged === undefined) return { checks: [], writes: [] };
  const key = pendingRow(staged.ref.id);
  return {
    checks: [{ key, versionstamp: staged.version }],
    writes: [{ key, value: null }],
  };
}

/** What a commit has to do so that the parts of a message are removed, even if this process ends now. */
export function dropParts(meta: Meta, now: number): RowWrite[] {
  const parts = partsOf(meta);
  if (parts === undefined) return [];
  return [{ key: pendingRow(parts.id), value: packMarker(parts.count, now) }];
}

/** Where the parts of a message are. */
export function partsOf({ parts }: Meta): PartsRef | undefined {
  return parts && { ...parts, id: Uint8Array.fromHex(parts.id) };
}

/** The bytes of a message's row. */
export function packBody({ meta, payload }: Body): Uint8Array {
  const head = encoder.encode(JSON.stringify(meta));
  const bytes = new Uint8Array(HEADER_BYTES + head.length + payload.length);
  bytes[0] = FORM;
  new DataView(bytes.buffer).setUint32(1, head.length);
  bytes.set(head, HEADER_BYTES);
  bytes.set(payload, HEADER_BYTES + head.length);
  return bytes;
}

/**
 * Reads what {@linkcode packBody} made.
 *
 * @throws {Error} If something else made it.
 */
export function readBody(bytes: Uint8Array): Body {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes[0] !== FORM) {
    throw new Error("Cannot read a durable message: it is in no form that this version knows");
  }
  const end = HEADER_BYTES + view.getUint32(1);
  const meta = JSON.parse(decoder.decode(bytes.subarray(HEADER_BYTES, end))) as Meta;
  return { meta, payload: bytes.subarray(end) };
}

/**
 * The encoded message, fetched from where it is.
 *
 * @throws {Error} If a part is missing.
 */
export async function loadPayload(engine: Engine, { meta, payload }: Body): Promise<Uint8Array> {
  const parts = partsOf(meta);
  if (parts === undefined) return payload;
  const joined = await readParts(engine, parts);
  if (joined !== undefined) return joined;
  throw new Error("Cannot read a durable message: some of its parts are missing");
}

/** Decodes a message; what comes out is the caller's own. */
export function decodeMessage(payload: Uint8Array): unknown {
  return decodeValue(payload);
}

/** Whether a body is what its row says, and does not stand for one that cannot be read. */
export function isReadable(body: Body): boolean {
  return body !== UNREADABLE;
}

/** What a message's row says. One that cannot be read fails as its handler would, and ends as a dead letter. */
export function toHeld(value: Uint8Array | null, version: string | null): Held {
  if (value === null) return { body: undefined, version };
  try {
    return { body: readBody(value), version };
  } catch {
    return { body: UNREADABLE, version };
  }
}
