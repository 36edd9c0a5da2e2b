/**
 * Messages in the form in which they cross links: channels copy one text, or one array of bytes, much faster than an object.
 *
 * A head in JSON and the payload. As text a line feed is between them; as bytes the head's length stands before it. What comes
 * back is not checked beyond its form.
 *
 * @module
 */

import type { Envelope } from "./envelope.ts";
import { LARGEST_PAYLOAD, LONGEST_TEXT } from "./payload.ts";

/** The longest head there is, in bytes: an alias of 255 bytes, all of them escaped, and the numbers. */
const LONGEST_HEAD = 4096;

/** How many things a head holds. */
const FIELDS = 11;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const scratch = new Uint8Array(LONGEST_HEAD);

/** Packs a message with the link's own numbers. */
export function packMessage(
  ack: number,
  seq: number,
  envelope: Envelope,
): Uint8Array<ArrayBuffer> | string {
  const { v, src, to, hops, kind, ackRequested, ackOf, urgent, raw, payload } = envelope;
  const flags = (ackRequested ? 1 : 0) | (urgent ? 2 : 0) | (raw ? 4 : 0);
  const where = "pid" in to ? `{"pid":${to.pid}}` : JSON.stringify(to);
  const head = `[${ack},${seq},${v},${src.pid},"${src.inc}",${envelope.seq},${where},` +
    `${hops},"${kind}",${flags},${ackOf ?? 0}]`;
  if (typeof payload === "string") return `${head}\n${payload}`;
  const { written } = encoder.encodeInto(head, scratch);
  const bytes = new Uint8Array(2 + written + payload.length);
  bytes[0] = written >> 8;
  bytes[1] = written & 0xff;
  bytes.set(scratch.subarray(0, written), 2);
  bytes.set(payload, 2 + written);
  return bytes;
}

/** Takes apart what was packed, as an object that is to be checked; `undefined` if it was not packed so. */
export function unpackMessage(packed: Uint8Array | string): unknown {
  if (packed.length > LARGEST_PAYLOAD + LONGEST_HEAD) return undefined;
  return typeof packed === "string" ? unpackText(packed) : unpackBytes(packed);
}

function unpackText(text: string): unknown {
  const end = text.indexOf("\n");
  if (end < 0 || end > LONGEST_HEAD || text.length - end - 1 > LONGEST_TEXT) return undefined;
  return describe(text.slice(0, end), text.slice(end + 1));
}

function unpackBytes(bytes: Uint8Array): unknown {
  if (bytes.length < 2) return undefined;
  const end = 2 + (bytes[0]! << 8 | bytes[1]!);
  if (end > bytes.length || end > 2 + LONGEST_HEAD) return undefined;
  return describe(decoder.decode(bytes.subarray(2, end)), bytes.subarray(end));
}

function describe(text: string, payload: Uint8Array | string): unknown {
  let head: unknown;
  try {
    head = JSON.parse(text);
  } catch {
    return undefined; // it was not packed here
  }
  if (!Array.isArray(head) || head.length !== FIELDS) return undefined;
  const [ack, seq, v, pid, inc, number, to, hops, kind, flags, ackOf] = head;
  const envelope = {
    v,
    src: { pid, inc },
    seq: number,
    to,
    hops,
    kind,
    ackRequested: (flags & 1) !== 0,
    urgent: (flags & 2) !== 0,
    raw: (flags & 4) !== 0,
    ackOf: ackOf === 0 ? undefined : ackOf,
    payload,
  };
  return { type: "message", ack, seq, envelope };
}
