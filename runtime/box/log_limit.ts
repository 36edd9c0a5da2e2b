/**
 * Keeps one worker from flooding the log of its box.
 *
 * What a worker may write is a bucket of lines and a bucket of text, both refilled as time goes by. A
 * line that finds too little in one of them is dropped and counted. It does not matter how much a line
 * matters, since its writer says that. No timer runs: the count is told before the next line that
 * passes, and by whoever asks for it when the worker is gone.
 *
 * @module
 */

import type { Log, LogLevel } from "../types/log.ts";

/** How much a {@linkcode LimitedLog} lets through. Text is counted in characters. */
export interface LogLimitOptions {
  /** Lines that may come at once. @default {200} */
  burstLines?: number;
  /** Lines a second after that. @default {100} */
  linesPerSecond?: number;
  /** Characters that may come at once; a longer line passes when it comes after a pause. @default {1048576} */
  burstText?: number;
  /** Characters a second after that. @default {1048576} */
  textPerSecond?: number;
  /** Milliseconds on a clock that does not go back. @default {performance.now} */
  now?: () => number;
}

/** What a field counts that is no text. */
const PLAIN_LENGTH = 24;

/** A log that passes on to another one what its limits allow. */
export class LimitedLog implements Log {
  readonly #log: Log;
  readonly #limits: Required<LogLimitOptions>;
  #lines: number;
  #text: number;
  #refilledAt: number;
  /** Lines that were dropped and not told of; as long as there are any, the log may be shut. */
  #dropped = 0;

  /** @throws {RangeError} When a limit lets nothing through. */
  constructor(log: Log, {
    burstLines = 200,
    linesPerSecond = 100,
    burstText = 2 ** 20,
    textPerSecond = 2 ** 20,
    now = () => performance.now(),
  }: LogLimitOptions = {}) {
    const limits = { burstLines, linesPerSecond, burstText, textPerSecond, now };
    if (!(burstLines >= 1 && linesPerSecond > 0 && burstText > 0 && textPerSecond > 0)) {
      throw new RangeError(
        `Cannot limit a log: one of its limits lets nothing through, in ${JSON.stringify(limits)}`,
      );
    }
    this.#log = log;
    this.#limits = limits;
    this.#lines = burstLines;
    this.#text = burstText;
    this.#refilledAt = now();
  }

  /** Lines that were dropped since the log last told of them. */
  get dropped(): number {
    return this.#dropped;
  }

  debug(message: string, fields?: Record<string, unknown>): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields?: Record<string, unknown>): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields?: Record<string, unknown>): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields?: Record<string, unknown>): void {
    this.#write("error", message, fields);
  }

  /** Writes how many lines were dropped, if any were; for when no line will come any more. */
  tellDropped(): void {
    if (this.#dropped === 0) return;
    const { linesPerSecond, textPerSecond } = this.#limits;
    this.#log.warn(
      `Lines were dropped: ${linesPerSecond} lines and ${textPerSecond} characters a second may come`,
      { dropped: this.#dropped },
    );
    this.#dropped = 0;
  }

  #write(level: LogLevel, message: string, fields?: Record<string, unknown>): void {
    if (!this.#take(lengthOf(message, fields))) {
      this.#dropped++;
      return;
    }
    this.tellDropped();
    this.#log[level](message, fields);
  }

  #take(length: number): boolean {
    const { burstLines, linesPerSecond, burstText, textPerSecond, now } = this.#limits;
    const time = now();
    const seconds = Math.max(0, time - this.#refilledAt) / 1000;
    this.#refilledAt = time;
    this.#lines = Math.min(burstLines, this.#lines + seconds * linesPerSecond);
    this.#text = Math.min(burstText, this.#text + seconds * textPerSecond);
    const text = Math.min(length, burstText);
    // Once shut it opens for a second's worth, or a flood would have a warning before each line.
    const shut = this.#dropped > 0;
    const linesNeeded = shut ? Math.max(1, Math.min(burstLines, linesPerSecond)) : 1;
    const textNeeded = shut ? Math.max(text, Math.min(burstText, textPerSecond)) : text;
    if (this.#lines < linesNeeded || this.#text < textNeeded) return false;
    this.#lines -= 1;
    this.#text -= text;
    return true;
  }
}

function lengthOf(message: string, fields: Record<string, unknown> = {}): number {
  let length = message.length;
  for (const [name, value] of Object.entries(fields)) {
    length += name.length + (typeof value === "string" ? value.length : PLAIN_LENGTH);
  }
  return length;
}
