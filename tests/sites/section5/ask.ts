/**
 * Tries what only an xbox worker may ask of itself.
 *
 * @module
 */

import type { Xbox } from "../../../mod.ts";

/** What each of the functions throws. */
export function tryAll(xbox: Xbox): string[] {
  const calls = [
    () => xbox.scheduleReset(),
    () => xbox.threadTime(),
    () => xbox.threadTimeout(),
    () => xbox.setThreadTimeout(1000),
  ];
  return calls.map((call) => {
    try {
      return `returned ${call()}`;
    } catch (error) {
      return String(error);
    }
  });
}
