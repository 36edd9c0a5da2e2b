/**
 * What boxes of one machine say to each other: many messages, answers and notes in one frame, since the way through the
 * supervisor costs by the frame.
 *
 * A frame is a byte for its version, the length of its words in four, the words as JSON, and then bytes: those of the values that
 * are not JSON, in the order of the words. What comes from a sibling is checked here; a value in bytes is decoded by whoever uses it.
 *
 * @module
 */

import { type ErrorRecord, parseErrorRecord } from "../../errors.ts";
import { PRIORITIES, type Priority, priorityAt } from "../../pool/priority.ts";
import type { Blame } from "../blame.ts";
import { type Encoded, LARGEST_VALUE } from "./values.ts";

/** The version of the frames. */
export const FRAME_VERSION = 1;
/** Bytes at which a frame is full. */
export const FRAME_BYTES: number = 256 * 1024;
/** Things in one frame. */
export const FRAME_RECORDS = 256;
/** Characters of a topic, a key or a reason. */
export const LONGEST_NAME = 512;

/** What comes before the words. */
const HEAD_BYTES = 5;
/** Bytes of a whole frame: one that was nearly full may take one more thing with the longest words there are. */
const LARGEST_FRAME = 2 * 2 ** 20;

const SIDES: readonly Blame["side"][] = ["sender", "network", "receiver"];
const KINDS = { request: 0, answer: 1, failure: 2, accepted: 3, cancel: 4, part: 5, note: 6 };

/** A value of a frame: what JSON held, or bytes that are still to be decoded. */
export type Carriage = { value: unknown } | { bytes: Uint8Array };

/** A message for the receiver's pool. */
export interface Request {
  kind: "request";
  /** Names it among those of its sender. */
  id: number;
  carriage: Carriage;
  /** Time that is left, in milliseconds. */
  timeoutMs: number | undefined;
  priority: Priority | undefined;
  posted: boolean;
  attempt: number;
  key: string | undefined;
}

/** One thing in a frame. */
export type FrameRecord =
  | Request
  | { kind: "answer"; id: number; carriage: Carriage }
  | { kind: "failure"; id: number; error: ErrorRecord; blame: Blame }
  | { kind: "accepted"; ids: number[] }
  | { kind: "cancel"; id: number; reason: string }
  | { kind: "part"; bytes: Uint8Array }
  | { kind: "note"; topic: string; carriage: Carriage };

/** A frame, taken apart. */
export interface Frame {
  /** How many bytes of frames the sender has read, all told. */
  read: number;
  records: FrameRecord[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The words of a value: how it comes, and its JSON or the number of its last bytes. */
function wordsOf(value: Encoded | undefined, rest: number): string {
  return value === undefined ? "2" : typeof value === "string" ? `0,${value}` : `1,${rest}`;
}

/** The words of a message; `rest` is how many bytes of its value follow in this frame. */
export function writeRequest(
  { id, timeoutMs, priority, posted, attempt, key }: Omit<Request, "carriage" | "kind">,
  value: Encoded | undefined,
  rest: number,
): string {
  const urgency = priority === undefined ? -1 : PRIORITIES.indexOf(priority);
  const name = key === undefined ? "null" : JSON.stringify(key);
  return `[0,${id},${timeoutMs ?? 0},${urgency},${posted ? 1 : 0},${attempt},${name},` +
    `${wordsOf(value, rest)}]`;
}

/** The words of an answer. */
export function writeAnswer(id: number, value: Encoded | undefined, rest: number): string {
  return `[1,${id},${wordsOf(value, rest)}]`;
}

/** The words of a failure. */
export function writeFailure(id: number, error: ErrorRecord, { side, mayHaveRun }: Blame): string {
  return `[2,${id},${JSON.stringify(error)},${SIDES.indexOf(side)},${mayHaveRun ? 1 : 0}]`;
}

/** The words that say which messages stand in the queue. */
export function writeAccepted(ids: readonly number[]): string {
  return `[3,[${ids.join()}]]`;
}

/** The words that give a message up. */
export function writeCancel(id: number, reason: string): string {
  return `[4,${id},${JSON.stringify(reason.slice(0, LONGEST_NAME))}]`;
}

/** The words of bytes that belong to the value of what comes next. */
export function writePart(length: number): string {
  return `[5,${length}]`;
}

/** The words of a note. */
export function writeNote(topic: string, value: Encoded | undefined, rest: number): string {
  return `[6,${JSON.stringify(topic)},${wordsOf(value, rest)}]`;
}

/** Puts a frame together. */
export function packFrame(
  read: number,
  words: readonly string[],
  bodies: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const text = words.length === 0 ? `[${read}]` : `[${read},${words.join()}]`;
  const head = encoder.encode(text);
  const size = bodies.reduce((sum, { length }) => sum + length, HEAD_BYTES + head.length);
  const frame = new Uint8Array(size);
  frame[0] = FRAME_VERSION;
  new DataView(frame.buffer).setUint32(1, head.length);
  frame.set(head, HEAD_BYTES);
  let at = HEAD_BYTES + head.length;
  for (const body of bodies) {
    frame.set(body, at);
    at += body.length;
  }
  return frame;
}

/** Takes a frame apart; nothing if it is none, or not all of it is as it must be. */
export function unpackFrame(frame: Uint8Array): Frame | undefined {
  const { length, buffer, byteOffset } = frame;
  if (length < HEAD_BYTES || length > LARGEST_FRAME || frame[0] !== FRAME_VERSION) return undefined;
  const end = HEAD_BYTES + new DataView(buffer, byteOffset).getUint32(1);
  if (end > length) return undefined;
  const all = readWords(frame.subarray(HEAD_BYTES, end));
  if (!Array.isArray(all) || all.length > FRAME_RECORDS + 1 || !isCount(all[0])) return undefined;
  const bodies = new Bodies(frame, end);
  const records: FrameRecord[] = [];
  for (let index = 1; index < all.length; index++) {
    const record = Array.isArray(all[index]) ? readRecord(all[index], bodies) : undefined;
    if (record === undefined) return undefined;
    records.push(record);
  }
  return bodies.left === 0 ? { read: all[0], records } : undefined;
}

function readWords(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined; // it is no frame of ours
  }
}

/** The bytes behind the words, from the first to the last. */
class Bodies {
  readonly #frame: Uint8Array;
  #at: number;

  constructor(frame: Uint8Array, at: number) {
    this.#frame = frame;
    this.#at = at;
  }

  get left(): number {
    return this.#frame.length - this.#at;
  }

  take(length: unknown): Uint8Array | undefined {
    if (!isCount(length) || length > this.left) return undefined;
    return this.#frame.subarray(this.#at, this.#at += length);
  }
}

function readRecord(words: unknown[], bodies: Bodies): FrameRecord | undefined {
  switch (words[0]) {
    case KINDS.request:
      return readRequest(words, bodies);
    case KINDS.answer: {
      const [, id, how, what] = words;
      const carriage = readCarriage(how, what, bodies);
      return isCount(id) && carriage !== undefined ? { kind: "answer", id, carriage } : undefined;
    }
    case KINDS.failure: {
      const [, id, record, side, ran] = words;
      const error = parseErrorRecord(record);
      const from = typeof side === "number" ? SIDES[side] : undefined;
      if (!isCount(id) || error === undefined || from === undefined) return undefined;
      return { kind: "failure", id, error, blame: { side: from, mayHaveRun: ran === 1 } };
    }
    case KINDS.accepted: {
      const [, ids] = words;
      const fits = Array.isArray(ids) && ids.every(isCount);
      return fits ? { kind: "accepted", ids: ids as number[] } : undefined;
    }
    case KINDS.cancel: {
      const [, id, reason] = words;
      return isCount(id) && isName(reason) ? { kind: "cancel", id, reason } : undefined;
    }
    case KINDS.part: {
      const bytes = bodies.take(words[1]);
      return bytes === undefined ? undefined : { kind: "part", bytes };
    }
    case KINDS.note: {
      const [, topic, how, what] = words;
      const carriage = readCarriage(how, what, bodies);
      return isName(topic) && carriage !== undefined
        ? { kind: "note", topic, carriage }
        : undefined;
    }
  }
  return undefined;
}

function readRequest(words: unknown[], bodies: Bodies): Request | undefined {
  const [, id, timeoutMs, urgency, posted, attempt, key, how, what] = words;
  const carriage = readCarriage(how, what, bodies);
  const priority = priorityAt(urgency);
  const fits = isCount(id) && isCount(attempt) && attempt > 0 && (key === null || isName(key)) &&
    typeof timeoutMs === "number" && timeoutMs >= 0 && (urgency === -1 || priority !== undefined);
  if (!fits || carriage === undefined) return undefined;
  return {
    kind: "request",
    id,
    carriage,
    timeoutMs: timeoutMs === 0 ? undefined : timeoutMs,
    priority,
    posted: posted === 1,
    attempt,
    key: key ?? undefined,
  };
}

function readCarriage(how: unknown, what: unknown, bodies: Bodies): Carriage | undefined {
  if (how === 0) return { value: what };
  if (how === 2) return { value: undefined };
  const bytes = how === 1 ? bodies.take(what) : undefined;
  return bytes === undefined || bytes.length > LARGEST_VALUE ? undefined : { bytes };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= LONGEST_NAME;
}
