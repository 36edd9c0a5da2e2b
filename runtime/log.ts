/**
 * The box's log: one line a message, on standard error, so that standard output stays the program's.
 *
 * @module
 */

import type { Log, LogLevel } from "./types/log.ts";

/** Where lines go and which of them. */
export interface LogOptions {
  /** Levels below it are dropped. */
  level: LogLevel;
  /** Takes one line without its end. */
  write(line: string): void;
  /** Fields on every line. */
  fields?: Record<string, unknown>;
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];
const LONGEST_LINE = 16_384;

/** Makes a log. */
export function createLog({ level, write, fields = {} }: LogOptions): Log {
  const lowest = LEVELS.indexOf(level);
  const at = (name: LogLevel) => (message: string, own?: Record<string, unknown>) => {
    if (LEVELS.indexOf(name) >= lowest) write(formatLine(name, message, { ...fields, ...own }));
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A log that adds fields to every line of another. */
export function withFields(log: Log, fields: Record<string, unknown>): Log {
  const at = (name: LogLevel) => (message: string, own?: Record<string, unknown>) => {
    log[name](message, { ...fields, ...own });
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Whether `value` names a level. */
export function isLogLevel(value: unknown): value is LogLevel {
  return LEVELS.includes(value as LogLevel);
}

function formatLine(level: LogLevel, message: string, fields: Record<string, unknown>): string {
  let line = `${new Date().toISOString()} ${level.toUpperCase()} ${oneLine(message)}`;
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${oneLine(name)}=${formatValue(value)}`;
  }
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line;
}

function formatValue(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  // Quoted text may still hold characters that end a line for some reader.
  return oneLine(JSON.stringify(typeof value === "string" ? value : Deno.inspect(value)));
}

/** Text from a worker must not forge a line. */
function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
}
