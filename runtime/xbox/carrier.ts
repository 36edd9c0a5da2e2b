/**
 * What lies between the sender of a message and the pool that handles it: the same for this box, a box of this
 * machine and a box elsewhere.
 *
 * @module
 */

import type { Priority } from "../pool/priority.ts";
import type { XboxSource } from "./task.ts";

/** A message that is to be brought to another box. */
export interface Outgoing {
  /** The message, a private copy. */
  message: unknown;
  /** Time until its end in milliseconds; absent: the carrier's own limit. */
  timeoutMs?: number;
  /** In place of the receiver's own. */
  priority?: Priority;
  /** Whether nobody waits for its value: it is answered when it stands in the receiver's queue. */
  posted?: boolean;
  /** 1 for the first delivery. */
  attempt?: number;
  /** The name of a durable message. */
  key?: string;
  /** Handles it in this box, in the name of the task that sends it: for a receiver that turns out to be this box. */
  keep?(): Carried;
}

/** A message on its way. */
export interface Carried extends XboxSource {
  /** Resolves when the message stands in the receiver's queue; rejects when it does not come to that. */
  accepted: Promise<unknown>;
}

/** A message from another box. */
export interface Arrived {
  /** The message. */
  message: unknown;
  /** What the sender calls itself. */
  from: string;
  /** Time that is left of what the sender gave, in milliseconds. */
  timeoutMs?: number;
  /** In place of the pool's own. */
  priority?: Priority;
  /** 1 for the first delivery. */
  attempt?: number;
  /** The name of a durable message. */
  key?: string;
}

/**
 * Hands a message from another box to the pool of this one.
 *
 * @throws {RuntimeError} When it is refused.
 */
export type Receive = (arrived: Arrived) => Carried;

/** A message on its way to a worker. It has no names, which would be written with each message. */
export type Delivery = [message: unknown, from: string, attempt: number, key: string | undefined];
