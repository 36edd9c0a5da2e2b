/**
 * The priorities of tasks. Workers load this file, so it imports little.
 *
 * @module
 */

import { given } from "../checks.ts";

/** Which tasks are taken first: those of a higher priority always before the others. */
export type Priority = "low" | "normal" | "high";

/** The priorities, from the lowest. */
export const PRIORITIES: readonly Priority[] = ["low", "normal", "high"];

/** The priority of such a number; nothing where there is none. What stands here may come from anybody. */
export function priorityAt(index: unknown): Priority | undefined {
  return typeof index === "number" ? PRIORITIES[index] : undefined;
}

/** Refuses what is no priority; `doing` says what cannot be done with it. */
export function checkPriority(doing: string, priority: unknown): void {
  if (priority === undefined || PRIORITIES.includes(priority as Priority)) return;
  throw new TypeError(
    `Cannot ${doing}: priority must be "low", "normal" or "high", and ${given(priority)} was given`,
  );
}
