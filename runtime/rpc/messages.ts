/**
 * What the entry and a worker tell each other about one call.
 *
 * The entry looks for parameters and at nothing in them: JSON is read and made in the worker, so that it is the
 * worker's time that a large one takes. The wire format is read and made in the entry.
 *
 * @module
 */

import { type ErrorRecord, parseErrorRecord } from "../errors.ts";
import { findForbidden, isRecord } from "../thread/values.ts";

/** In which form a value is wanted: JSON, printed output, both as JSON, or the wire format. */
export type Output = 0 | 1 | 2 | 3;

/** The arguments of a call, in the form in which they came. */
export type Arguments =
  /** As they are. */
  | { list: unknown[] }
  /** The parameter `params`: JSON of all of them. */
  | { params: string }
  /** The parameters `p`: JSON of one each. */
  | { each: string[] };

/** A call on its way to a worker. */
export interface RpcCall {
  /** Name of the function. */
  name: string;
  /** Its arguments. */
  args: Arguments;
  /** What is wanted of its value. */
  output: Output;
  /** Whether the worker is to be replaced before its next call. */
  reset: boolean;
  /** Largest answer in bytes. */
  maxBytes: number;
}

/** What came of it. */
export type RpcReply =
  /** An answer as text, JSON or what was printed. */
  | { status: number; text: string }
  /** A value for the wire format. */
  | { status: number; value: unknown }
  /** The function was not run: there is none, or its arguments cannot be read. */
  | { refused: "missing" | "unreadable"; why: string }
  /** The value has no form that was asked for. */
  | { unserialisable: string }
  /** What the function threw. */
  | { thrown: ErrorRecord };

/** Statuses that a function may set. */
export const STATUSES = Object.freeze({ lowest: 200, highest: 599 });

const LONGEST_WHY = 1024;

/** Whether a function may set this status. */
export function isStatus(code: unknown): code is number {
  return Number.isInteger(code) && (code as number) >= STATUSES.lowest &&
    (code as number) <= STATUSES.highest;
}

/**
 * Checks what a worker has answered, which is untrusted, and makes it anew.
 *
 * @throws {TypeError} If it is no reply to a call with this output.
 */
export function parseReply(value: unknown, { output, maxBytes }: RpcCall): RpcReply {
  const found = findForbidden(value);
  if (found !== undefined) throw new TypeError(found);
  if (!isRecord(value)) throw new TypeError("what is no reply");
  const { status, text, refused, why, unserialisable } = value;
  if (isStatus(status)) {
    if (output === 3) return { status, value: value.value };
    if (typeof text === "string") {
      // Nothing is longer in UTF-16 than in UTF-8.
      if (text.length > maxBytes) throw new TypeError("a text that is too long");
      return { status, text };
    }
  } else if ((refused === "missing" || refused === "unreadable") && typeof why === "string") {
    return { refused, why: why.slice(0, LONGEST_WHY) };
  } else if (typeof unserialisable === "string") {
    return { unserialisable: unserialisable.slice(0, LONGEST_WHY) };
  } else {
    const thrown = parseErrorRecord(value.thrown);
    if (thrown !== undefined) return { thrown };
  }
  throw new TypeError("what is no reply");
}
