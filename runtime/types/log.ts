/**
 * What a log looks like to the code that writes to it.
 *
 * @module
 */

/** How much a line matters; a log that is set to one level drops the levels below it. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/**
 * Writes one line a call: a message for people and fields for machines. Every document and handler
 * gets one; what a worker logs is written by the entry, under the worker's name.
 */
export interface Log {
  /** Details that help to find a fault. */
  debug(message: string, fields?: Record<string, unknown>): void;
  /** What happens in normal operation. */
  info(message: string, fields?: Record<string, unknown>): void;
  /** What somebody should look at, although nothing was lost. */
  warn(message: string, fields?: Record<string, unknown>): void;
  /** What failed. */
  error(message: string, fields?: Record<string, unknown>): void;
}
