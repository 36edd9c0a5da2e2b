/**
 * The options of one message.
 *
 * @module
 */

import { checkFields, checkNumber, fail } from "../checks.ts";
import type { SubmitOptions } from "./types.ts";

/** Options with nothing left out but the time limit. */
export interface SubmitPlan {
  ack: boolean;
  urgent: boolean;
  raw: boolean;
  timeoutMs: number | undefined;
}

const PLAIN: SubmitPlan = Object.freeze({
  ack: false,
  urgent: false,
  raw: false,
  timeoutMs: undefined,
});

/** Checks the options of a message and fills in what was left out. */
export function resolveSubmit(options?: SubmitOptions): SubmitPlan {
  if (options === undefined) return PLAIN;
  checkFields("options", options, ["ack", "urgent", "raw", "timeoutMs"]);
  const { ack = false, urgent = false, raw = false, timeoutMs } = options;
  for (const [name, value] of Object.entries({ ack, urgent, raw })) {
    if (typeof value !== "boolean") fail(name, "true or false", value);
  }
  if (timeoutMs !== undefined) {
    checkNumber("timeoutMs", timeoutMs, 1);
    if (!ack) throw new TypeError('Cannot use option "timeoutMs": it needs "ack"');
  }
  return { ack, urgent, raw, timeoutMs };
}

/** Reads what follows the data in a call, in either form, as a destination and options. */
export function readSubmit(
  to: unknown,
  options: SubmitOptions | boolean | undefined,
  positional: readonly boolean[],
): [to: unknown, options: SubmitOptions | undefined] {
  if (typeof options !== "boolean") {
    if (positional.length === 0) return [to, options];
    throw new TypeError("Cannot send: after an object of options nothing else is taken");
  }
  const [ack = false, broadcast = false, urgent = false] = positional;
  if (typeof broadcast !== "boolean") fail("broadcast", "true or false", broadcast);
  return [broadcast ? { all: true } : to, { ack, urgent, raw: !options }];
}
