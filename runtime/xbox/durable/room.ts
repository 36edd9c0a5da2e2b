/**
 * What the parts of one queue share.
 *
 * @module
 */

import type { ResolvedPosts } from "../../options/peers.ts";
import type { Priority } from "../../pool/priority.ts";
import type { Engine } from "../../store/engine.ts";
import type { Log } from "../../types/log.ts";
import type { Census } from "./census.ts";
import type { Commits } from "./commits.ts";

/** A durable message as it is handed to whoever brings it to its receiver. */
export interface Delivery {
  /** The message; it belongs to who gets it. */
  message: unknown;
  /** The receiver, as it was posted. */
  to?: string;
  /** The key that it was posted with. */
  key?: string;
  /** 1 for the first attempt. */
  attempt: number;
  /** Time of this attempt in milliseconds, if it was posted with one. */
  timeoutMs?: number;
  /** In place of the pool's own. */
  priority?: Priority;
}

/**
 * Brings a message to its receiver; resolves once it was handled, rejects with why it was not. `signal` aborts when the
 * box stops, or when another box has taken the message.
 */
export type Deliver = (delivery: Delivery, signal: AbortSignal) => Promise<void>;

/** What the parts of one queue share. */
export interface QueueRoom {
  /** Where the rows are. */
  readonly engine: Engine;
  /** What changes them. */
  readonly commits: Commits;
  /** What counts them. */
  readonly census: Census;
  /** What becomes of messages. */
  readonly options: ResolvedPosts;
  /** Largest message in bytes. */
  readonly maxMessageBytes: number;
  /** Where the box writes. */
  readonly log: Log;
  /** Aborts when nothing must be begun any more. */
  readonly closing: AbortSignal;
  /** The time in milliseconds since the epoch. */
  now(): number;
  /** A number from 0 to below 1. */
  random(): number;
  /** A name that no other message or lease has; later ones of one box sort behind earlier ones. */
  newId(): string;
}

/** Waits so many milliseconds, or until the signal aborts. */
export async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  const stop = () => over.resolve();
  signal.addEventListener("abort", stop, { once: true });
  await over.promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", stop);
}

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 2000;

/** How long to leave a store alone that has failed so many times in a row, in milliseconds. */
export function troublePause(failures: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10));
}
