/**
 * How a supervisor runs its boxes.
 *
 * @module
 */

import type { Log, LogLevel } from "../types/log.ts";

/** How boxes are run. Durations are milliseconds. */
export interface SupervisorOptions {
  /** The site's module, as an absolute URL. */
  site: string;
  /** How many boxes serve it. */
  boxes: number;
  /** Address to listen on. */
  hostname: string;
  /** The port that the boxes share, 0 for a free one. */
  port: number;
  /** Flags of Deno that each box is started with, its permissions among them. */
  flags: readonly string[];
  /** In place of the site's own store. */
  store?: string;
  /** Longest time for the drain of a box. */
  graceMs: number;
  /** Longest time until a box serves. @default 60000 */
  bootMs?: number;
  /** A box that has said nothing for so long is replaced. @default 3000 */
  heartbeatMs?: number;
  /** A box whose process takes more resident memory is replaced, in bytes; 0: no limit. @default 0 */
  maxMemoryBytes?: number;
  /** A box is replaced when it has served so long; 0: never. @default 0 */
  maxAgeMs?: number;
  /** Least level of what boxes log. @default "info" */
  level?: LogLevel;
  /** Where the supervisor writes. */
  log: Log;
  /** Gives the start up when it aborts. */
  signal?: AbortSignal;
}

/** Options with nothing left out that has a default. */
export type ResolvedSupervisorOptions =
  & Required<Omit<SupervisorOptions, "signal" | "store">>
  & Pick<SupervisorOptions, "signal" | "store">;

/** Fills in what was left out. */
export function resolveSupervisorOptions(options: SupervisorOptions): ResolvedSupervisorOptions {
  return {
    bootMs: 60_000,
    heartbeatMs: 3000,
    maxMemoryBytes: 0,
    maxAgeMs: 0,
    level: "info",
    ...options,
  };
}
