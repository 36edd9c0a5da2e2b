/**
 * Priorities of groups and users.
 *
 * @module
 */

import type { PcntlErrorCode } from "../failure.ts";
import type { Libc } from "./libc.ts";

/** The lowest priority in the kernel's own counting, which knows no negative numbers: 20 less ours. */
const ZERO = 20;

/** The best priority that a process of the group or user has. */
export function getPriority(libc: Libc, mode: number, who: number): number | PcntlErrorCode {
  const result = Number(libc.call.getpriority(libc.numbers.getpriority, mode, who));
  return result < 0 ? libc.failure("getpriority") : ZERO - result;
}

/** Changes that of all of them, their running threads included. */
export function setPriority(
  libc: Libc,
  mode: number,
  who: number,
  priority: number,
): PcntlErrorCode | undefined {
  const result = libc.call.setpriority(mode, who, priority);
  return result === 0 ? undefined : libc.failure("setpriority");
}
