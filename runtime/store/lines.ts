/**
 * The lines of a stream of bytes, as they come: however it is cut into chunks, no more of it is held
 * than a chunk and a line.
 *
 * @module
 */

import { describeKey } from "./keys.ts";

/** Lines that stand one behind the other. */
export interface Lines {
  /** The number of the first, counted from 1. */
  first: number;
  /** Their text, without the line feeds. */
  texts: string[];
}

/** A line that is none. */
export class BadLine extends Error {
  /** The number of the line, counted from 1. */
  readonly line: number;

  /** Says what is wrong with a line. */
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const LINE_FEED = 10;
const BYTE_ORDER_MARK = "\uFEFF";

/**
 * Reads lines of UTF-8 and leaves the stream in the end, be it read or not. A byte order mark at the
 * beginning is left out, carriage returns are not.
 *
 * @param maxBytes The most bytes of a line.
 * @throws {BadLine} If a line is longer, or no UTF-8.
 * @throws The reason of `signal`, if that ends it.
 */
export async function* readLines(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Lines, undefined> {
  const reader = stream.getReader();
  let next = 1;
  let kept: Uint8Array[] = []; // of a line that has not ended
  let keptBytes = 0;
  try {
    while (true) {
      const { done, value: chunk } = await orAborted(reader.read(), signal);
      if (!done && !(chunk instanceof Uint8Array)) {
        throw new BadLine(next, `the stream gives ${describeKey(chunk)}, needed are Uint8Arrays`);
      }
      if (done) {
        if (keptBytes > 0) yield { first: next, texts: toTexts(kept, next, maxBytes) };
        return;
      }
      const end = chunk.lastIndexOf(LINE_FEED);
      if (end >= 0) {
        const texts = toTexts([...kept, chunk.subarray(0, end)], next, maxBytes);
        yield { first: next, texts };
        next += texts.length;
        kept = [];
        keptBytes = 0;
      }
      // Copied: who gave the chunk may use its memory again.
      kept.push(chunk.slice(end + 1));
      keptBytes += chunk.length - end - 1;
      if (keptBytes > maxBytes) throw tooLong(next, maxBytes);
    }
  } finally {
    reader.cancel().catch(() => {}); // not waited for: it may be what has come to a stop
  }
}

/** Awaits `work`, which may never end, until `signal` aborts. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted(); // the race below goes to work that is done already
  const aborted = Promise.withResolvers<never>();
  function abort(): void {
    aborted.reject(signal.reason);
  }
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function toTexts(pieces: Uint8Array[], first: number, maxBytes: number): string[] {
  const bytes = pieces.length === 1 ? pieces[0]! : join(pieces);
  const texts = (decode(bytes) ?? refuse(bytes, first)).split("\n");
  if (first === 1 && texts[0]!.startsWith(BYTE_ORDER_MARK)) texts[0] = texts[0]!.slice(1);
  if (bytes.length <= maxBytes) return texts;
  const encoder = new TextEncoder();
  const long = texts.findIndex((text) => encoder.encode(text).length > maxBytes);
  if (long >= 0) throw tooLong(first + long, maxBytes);
  return texts;
}

function join(pieces: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Finds the line that is to blame. */
function refuse(bytes: Uint8Array, first: number): never {
  let line = first;
  for (let at = 0; at < bytes.length; line++) {
    const end = bytes.indexOf(LINE_FEED, at);
    if (end < 0 || decode(bytes.subarray(at, end)) === undefined) break;
    at = end + 1;
  }
  throw new BadLine(line, "it is no UTF-8");
}

function tooLong(line: number, maxBytes: number): BadLine {
  return new BadLine(line, `it is longer than ${maxBytes} bytes`);
}
