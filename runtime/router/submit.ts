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

/** Checks the options of a message and fills in what was left out. */
export function resolveSubmit(options: SubmitOptions = {}): SubmitPlan {
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
