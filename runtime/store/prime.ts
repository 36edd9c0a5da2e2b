/**
 * Filling the store (`apc.prime`): from modules that export entries, files of lines of JSON, and dumps.
 * A worker loads this file when it first primes.
 *
 * Entries are read as they come and stored in batches, two of them while the next is read.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";
import type { Log } from "../types/log.ts";
import type { PrimeSource, Store, StoreKey, StorePrimeOptions } from "../types/store.ts";
import type { LoadedEntry, StoreBackend } from "./backend.ts";
import { BadLine, orAborted, readLines } from "./lines.ts";
import { LineParser, Unfit } from "./ndjson.ts";
import { shownSource } from "./safe_url.ts";

const MAX_LINE_BYTES = 64 * 1024 * 1024;
const BATCH_ENTRIES = 500;
const BATCH_BYTES = 1024 * 1024;
/** What a value counts for that is neither text nor bytes. */
const GUESSED_BYTES = 4096;
const LINES = /\.(ndjson|jsonl)$/i;

type Entries = Iterator<unknown, unknown> | AsyncIterator<unknown, unknown>;

/** Entries that are stored together, and the place of each in its source. */
interface Batch {
  unit: "entry" | "line";
  entries: LoadedEntry[];
  places: number[];
}

/** What went wrong, and at which entry or line of the source. */
class Fault {
  constructor(readonly place: string | undefined, readonly error: unknown) {}
}

/**
 * Primes the store at boot, from all sources at once, and says so by the completion keys.
 *
 * When a source fails the others stop as well; what is stored by then stays stored, and no completion
 * key is written.
 *
 * @param completionKeys Get the value `true`, as primed entries, when all sources are stored.
 * @returns How many entries the sources brought.
 * @throws {RuntimeError} `DOCUMENT_INVALID` if a source gives what is no entry, `PERMISSION_MISSING` if it
 * may not be read, `BOOT_FAILED` if it fails or an entry cannot be stored; the message names the source
 * and its line or, for a module, its entry, counted from 1.
 * @throws The reason of `signal`, if that ends it.
 */
export async function primeStore(
  store: Pick<Store, "prime">,
  sources: readonly URL[],
  log: Log,
  signal: AbortSignal,
  completionKeys: readonly StoreKey[] = [],
): Promise<number> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const counts = await Promise.allSettled(sources.map(async (source) => {
    try {
      const entries = await store.prime(source, { signal: either });
      log.info("Primed the store", { source: shownSource(source), entries });
      return entries;
    } catch (error) {
      failed.abort(atBoot(error));
      throw error;
    }
  }));
  either.throwIfAborted();
  try {
    await store.prime(completionKeys.map((key) => [key, true]));
  } catch (error) {
    throw atBoot(error);
  }
  return counts.reduce((sum, count) => count.status === "fulfilled" ? sum + count.value : sum, 0);
}

/** Primes from one source; see {@linkcode Store.prime}. */
export async function primeFrom(
  backend: StoreBackend,
  source: PrimeSource,
  options: StorePrimeOptions = {},
): Promise<number> {
  const { signal = new AbortController().signal, maxLineBytes = MAX_LINE_BYTES } = options;
  if (!Number.isSafeInteger(maxLineBytes) || maxLineBytes < 1) {
    throw new RangeError(
      `Cannot prime the store: maxLineBytes is ${maxLineBytes}, allowed are whole numbers from 1`,
    );
  }
  const given = typeof source === "string" ? toUrl(source) : source;
  let count = 0;
  let older = Promise.resolve(0);
  let newer = Promise.resolve(0);
  try {
    signal.throwIfAborted();
    for await (const batch of await open(given, maxLineBytes, signal)) {
      count += await older;
      older = newer;
      signal.throwIfAborted();
      newer = store(backend, batch, signal);
      newer.catch(() => {}); // it is awaited, but perhaps not soon
    }
    return count + await older + await newer;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw explain(error, given);
  } finally {
    await Promise.allSettled([older, newer]);
  }
}

/** Stores a batch; if that fails, one entry after the other, to learn which of them is to blame. */
async function store(backend: StoreBackend, batch: Batch, signal: AbortSignal): Promise<number> {
  const { unit, entries, places } = batch;
  try {
    return await backend.load(entries);
  } catch {
    // As said.
  }
  let count = 0;
  for (const [index, entry] of entries.entries()) {
    signal.throwIfAborted();
    try {
      count += await backend.load([entry]);
    } catch (error) {
      throw new Fault(`${unit} ${places[index]}`, error);
    }
  }
  return count;
}

function newBatch(unit: Batch["unit"]): Batch {
  return { unit, entries: [], places: [] };
}

async function open(
  source: Exclude<PrimeSource, string>,
  maxLineBytes: number,
  signal: AbortSignal,
): Promise<AsyncIterable<Batch>> {
  if (source instanceof ReadableStream) return lineBatches(source, maxLineBytes, signal);
  if (!(source instanceof URL)) return entryBatches(toIterator(source, "the source is"), signal);
  if (LINES.test(source.pathname)) {
    return lineBatches(await openFile(source, signal), maxLineBytes, signal);
  }
  const given = await orAborted(load(source), signal);
  return entryBatches(toIterator(given, "its default export gives"), signal);
}

async function openFile(source: URL, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  if (source.protocol === "file:") {
    const file = await Deno.open(source);
    if (!signal.aborted) return file.readable;
    file.close();
  }
  const response = await fetch(source, { signal });
  if (response.ok) return response.body ?? new ReadableStream({ start: (c) => c.close() });
  await response.body?.cancel();
  throw new Error(`the answer is ${response.status} ${response.statusText}`.trimEnd());
}

async function load(source: URL): Promise<unknown> {
  const { default: given } = await import(source.href) as { default?: unknown };
  return typeof given === "function" ? await given() : given;
}

async function* lineBatches(
  stream: ReadableStream<Uint8Array>,
  maxLineBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Batch, undefined> {
  const parser = new LineParser();
  let line = 0;
  let bytes = 0;
  let batch = newBatch("line");
  try {
    for await (const { first, texts } of readLines(stream, maxLineBytes, signal)) {
      for (const [index, text] of texts.entries()) {
        line = first + index;
        const entry = parser.parse(text);
        if (entry === undefined) continue;
        batch.entries.push(entry);
        batch.places.push(line);
        bytes += text.length;
        if (batch.entries.length < BATCH_ENTRIES && bytes < BATCH_BYTES) continue;
        yield batch;
        batch = newBatch("line");
        bytes = 0;
      }
    }
    line++;
    parser.end();
  } catch (error) {
    if (error instanceof BadLine) throw new Fault(`line ${error.line}`, new Unfit(error.message));
    throw error instanceof Unfit ? new Fault(`line ${line}`, error) : error;
  }
  if (batch.entries.length > 0) yield batch;
}

async function* entryBatches(
  entries: Entries,
  signal: AbortSignal,
): AsyncGenerator<Batch, undefined> {
  let position = 0;
  let bytes = 0;
  let batch = newBatch("entry");
  let isOver = false;
  try {
    while (true) {
      position++;
      const next = entries.next();
      const { done, value } = "then" in next ? await orAborted(next, signal) : next;
      isOver = done === true;
      if (isOver) break;
      const entry = toEntry(value);
      batch.entries.push(entry);
      batch.places.push(position);
      bytes += weigh(entry.value);
      if (batch.entries.length < BATCH_ENTRIES && bytes < BATCH_BYTES) continue;
      yield batch;
      batch = newBatch("entry");
      bytes = 0;
    }
  } catch (error) {
    throw new Fault(`entry ${position}`, error);
  } finally {
    if (!isOver) leave(entries);
  }
  if (batch.entries.length > 0) yield batch;
}

function toIterator(given: unknown, what: string): Entries {
  if (typeof given === "object" && given !== null) {
    const source = given as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
    if (typeof source[Symbol.asyncIterator] === "function") return source[Symbol.asyncIterator]!();
    if (typeof source[Symbol.iterator] === "function") return source[Symbol.iterator]!();
  }
  const found = given === null ? "null" : typeof given;
  throw new Unfit(`${what} ${found}, needed are entries that can be iterated`);
}

function toEntry(entry: unknown): LoadedEntry {
  if (Array.isArray(entry) && entry.length === 2) {
    return { key: entry[0], value: entry[1], isPrimed: true };
  }
  if (typeof entry === "object" && entry !== null && "key" in entry && "value" in entry) {
    const { key, value, ttlMs } = entry as { key: StoreKey; value: unknown; ttlMs?: number };
    return { key, value, ttlMs, isPrimed: true };
  }
  throw new Unfit("it is neither [key, value] nor { key, value, ttlMs? }");
}

/** About how many bytes a value takes. */
function weigh(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return value.byteLength;
  return typeof value === "object" && value !== null ? GUESSED_BYTES : 0;
}

function toUrl(source: string): URL {
  if (URL.canParse(source)) return new URL(source);
  throw new TypeError(
    `Cannot prime the store from ${JSON.stringify(source)}: it is no absolute URL, ` +
      'write new URL("./file", import.meta.url)',
  );
}

function explain(error: unknown, source: Exclude<PrimeSource, string>): RuntimeError {
  const { place, error: cause } = error instanceof Fault ? error : new Fault(undefined, error);
  const name = source instanceof URL
    ? shownSource(source)
    : source instanceof ReadableStream
    ? "a stream"
    : "given entries";
  const message = `Cannot prime the store from ${name}: ${place === undefined ? "" : `${place}: `}`;
  const told = messageOf(cause).replace(/\.$/, "");
  const found = source instanceof URL ? told.replaceAll(source.href, name) : told;
  if (cause instanceof Unfit) return new RuntimeError("DOCUMENT_INVALID", message + found);
  if (cause instanceof Deno.errors.NotCapable && source instanceof URL) {
    const advice = `access is not granted, run with ${flagFor(source)} (${found})`;
    return new RuntimeError("PERMISSION_MISSING", message + advice, { cause });
  }
  const code = cause instanceof RuntimeError ? cause.code : "DOCUMENT_INVALID";
  return new RuntimeError(code, message + found, { cause });
}

function flagFor(source: URL): string {
  if (source.protocol === "file:") return `--allow-read=${decodeURIComponent(source.pathname)}`;
  return `--allow-${LINES.test(source.pathname) ? "net" : "import"}=${source.host}`;
}

/** What has a cause is a failure, not a source that gives something else than entries. */
function atBoot(error: unknown): unknown {
  if (!(error instanceof RuntimeError) || error.cause === undefined) return error;
  if (error.code === "PERMISSION_MISSING") return error;
  return new RuntimeError("BOOT_FAILED", error.message, { cause: error.cause });
}

/** Tells a source that no more is wanted, without waiting for it. */
async function leave(entries: Entries): Promise<void> {
  try {
    await entries.return?.();
  } catch {
    // The failure that ended the loop is the one to report.
  }
}
