/**
 * Where durable messages stand in the store's engine, beside the rows of users' keys and out of their reach.
 *
 * A message is one row, written when it is accepted. What changes as it is tried stands in its row of the due
 * index: when somebody has to look at it next, how often it was tried, who handles it. That row is the lease: who
 * moves it has the message, and who finds it moved has lost it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { KvKey } from "../../store/keys.ts";

const ROOT = ["tandem", "post"] as const;

/** Written when something waits that other boxes should look for. */
export const BELL: KvKey = [...ROOT, "bell"];
/** Below this stands one row for each message that waits or is handled, in the order of time. */
export const DUE: KvKey = [...ROOT, "due"];
/** Below this stand messages behind another one of their line. */
export const HELD: KvKey = [...ROOT, "held"];
/** Below this stands one row for each message that was given up. */
export const DEAD: KvKey = [...ROOT, "dead"];

/** The row of a message in the due index. */
export function dueRow(at: number, id: string): KvKey {
  return [...DUE, at, id];
}

/** The row of a message itself. */
export function messageRow(id: string): KvKey {
  return [...ROOT, "message", id];
}

/** The row that says which message has a key. */
export function keyRow(name: string): KvKey {
  return [...ROOT, "key", name];
}

/** The row of a line: all messages of one ordering key. It is there while the line has a first one. */
export function lineRow(name: string): KvKey {
  return [...ROOT, "line", name];
}

/** The row of a message that is not the first of its line. */
export function heldRow(name: string, seq: number): KvKey {
  return [...HELD, name, seq];
}

/** The row of a message that was given up. */
export function deadRow(id: string): KvKey {
  return [...DEAD, id];
}

/** The row that says why a message was given up. */
export function whyRow(id: string): KvKey {
  return [...ROOT, "why", id];
}

/** Which line a message stands in, and where. */
export interface Place {
  /** What {@linkcode nameOf} makes of the ordering key. */
  name: string;
  /** Its number in the line. */
  seq: number;
}

/** A row of the due index. */
export interface Due {
  /** Who handles it, until the time of the row; absent: nobody. */
  owner?: string;
  /** Since when it could have been handled, in milliseconds since the epoch. */
  since: number;
  /** How often it was tried, an attempt that goes on included. */
  tries: number;
  /** How many of the last attempts ended with their box, or with its lease; absent: the last one did not. */
  crashes?: number;
  /** Absent: it stands in no line. */
  place?: Place;
}

/** A row of a line. */
export interface Line {
  /** The number that was given last. */
  tail: number;
}

/** A row of a message that is not the first of its line. */
export interface Held {
  /** The message. */
  id: string;
  /** When it may be handled, in milliseconds since the epoch. */
  at: number;
}

/** A row of a key. */
export interface KeyHolder {
  /** The message that has the key. */
  id: string;
  /** It was handled, and the key is known until this time. */
  until?: number;
}

/** A row that says why a message was given up. */
export interface Why {
  /** When, in milliseconds since the epoch. */
  at: number;
  /** How often it was tried. */
  tries: number;
  /** A record of the last error. */
  error: unknown;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The bytes of one of the records above. */
export function packRow(record: Due | Line | Held | KeyHolder | Why): Uint8Array {
  return encoder.encode(JSON.stringify(record));
}

/** Reads what {@linkcode packRow} made. */
export function readRow<T extends Due | Line | Held | KeyHolder | Why>(bytes: Uint8Array): T {
  return JSON.parse(decoder.decode(bytes)) as T;
}

/** A short name for a key of any length, which no other key has. */
export function nameOf(key: string): string {
  return createHash("sha256").update(key).digest("base64url");
}
