/**
 * Numbers on the command line.
 *
 * @module
 */

import { UsageError } from "./usage.ts";

/**
 * Reads what was given to a flag; nothing if nothing was.
 *
 * @throws {UsageError} If it is no whole number within the range.
 */
export function wholeNumber(
  flag: string,
  text: string | undefined,
  most: number,
  least = 0,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(
    `${flag} must be a whole number from ${least} to ${most}, and "${text}" was given`,
  );
}
