/**
 * Which side of a message failed, and whether its handler may have run: kept beside the error, and told wherever the
 * error travels.
 *
 * @module
 */

import { fromErrorRecord, parseErrorRecord, toErrorRecord } from "../errors.ts";
import { isRecord } from "../thread/values.ts";

/** What is known of a failure. */
export interface Blame {
  /** Who failed: whoever sends, the way between, or whoever was to handle the message. */
  side: "sender" | "network" | "receiver";
  /** Whether the handler may have run, or be running. */
  mayHaveRun: boolean;
}

/** What nobody has said anything of was thrown by the handler. */
const HANDLER: Blame = Object.freeze({ side: "receiver", mayHaveRun: true });
const SIDES: ReadonlySet<unknown> = new Set(["sender", "network", "receiver"]);
const blames = new WeakMap<Error, Blame>();

/** Notes what is known of a failure, and returns its error. What was noted first stays. */
export function blame<E extends Error>(error: E, known: Blame): E {
  if (!blames.has(error)) blames.set(error, known);
  return error;
}

/** What is known of a failure. */
export function blameOf(error: Error): Blame {
  return blames.get(error) ?? HANDLER;
}

/** What a box answers to a message that came from elsewhere, in the form in which it travels. */
export type Answer = { value: unknown } | { failure: unknown; blame: Blame };

/** Makes the answer of a failure. */
export function failureAnswer(error: unknown): Answer {
  return { failure: toErrorRecord(error), blame: { ...blameOf(error as Error) } };
}

/**
 * Reads an answer: its value, or throws its error with what is known of it.
 *
 * @returns What `otherwise` returns or throws, if it is no answer.
 */
export function readAnswer(answer: unknown, otherwise: () => unknown): unknown {
  if (!isRecord(answer)) return otherwise();
  if (Object.hasOwn(answer, "value")) return answer.value;
  const record = parseErrorRecord(answer.failure);
  const known = answer.blame;
  if (record === undefined || !isRecord(known) || !SIDES.has(known.side)) return otherwise();
  throw blame(fromErrorRecord(record), {
    side: known.side as Blame["side"],
    mayHaveRun: known.mayHaveRun === true,
  });
}
