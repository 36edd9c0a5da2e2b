/**
 * The form in which messages travel together, and their answers.
 *
 * Each message is bytes of its own, so that nothing of one can be part of another.
 *
 * @module
 */

import { LONGEST_TIMER_MS } from "../../checks.ts";
import type { Answer } from "../blame.ts";

/** Messages that travel together at most. */
export const MOST_TOGETHER = 64;
/** Bytes that they have at most, so that none waits for long until the others are there. */
export const BYTES_TOGETHER: number = 2 ** 20;
/** What a message takes beside its own bytes, at most, and what the batch does. */
export const OVERHEAD_BYTES = 64;

const HEAD_BYTES = 8;

/** A message of a batch. */
export interface Packed {
  /** The message, encoded. */
  bytes: Uint8Array;
  /** Time that its sender waits, in milliseconds. */
  timeoutMs: number;
}

/** An answer and the place of its message in the batch. */
export type Reply = [index: number, answer: Answer];

/** Puts messages together: for each its time in milliseconds and its length, in four bytes each, and then its bytes. */
export function writeBatch(messages: readonly Packed[]): Uint8Array {
  const batch = new Uint8Array(
    messages.reduce((sum, { bytes }) => sum + HEAD_BYTES + bytes.length, 0),
  );
  const view = new DataView(batch.buffer);
  let at = 0;
  for (const { bytes, timeoutMs } of messages) {
    view.setUint32(at, Math.ceil(timeoutMs));
    view.setUint32(at + 4, bytes.length);
    batch.set(bytes, at + HEAD_BYTES);
    at += HEAD_BYTES + bytes.length;
  }
  return batch;
}

/** Takes a batch apart; nothing if it is none. */
export function readBatch(batch: Uint8Array): Packed[] | undefined {
  const { buffer, byteOffset, length } = batch;
  const view = new DataView(buffer, byteOffset, length);
  const messages: Packed[] = [];
  let at = 0;
  while (at < length) {
    const start = at + HEAD_BYTES;
    if (start > length || messages.length === MOST_TOGETHER) return undefined;
    const timeoutMs = view.getUint32(at);
    at = start + view.getUint32(at + 4);
    if (at > length || timeoutMs === 0 || timeoutMs > LONGEST_TIMER_MS) return undefined;
    messages.push({ bytes: batch.subarray(start, at), timeoutMs });
  }
  return messages.length === 0 ? undefined : messages;
}

/** Says to which message an answer belongs. */
export function writeReply(index: number, answer: Answer): Reply {
  return [index, answer];
}

/** Reads what {@linkcode writeReply} made; nothing if it is no reply. */
export function readReply(value: unknown): [index: number, answer: unknown] | undefined {
  if (!Array.isArray(value) || value.length !== 2 || !Number.isInteger(value[0])) return undefined;
  return value as [number, unknown];
}
