/**
 * Near copies: what an isolate has read from the store, kept while it is current.
 *
 * A table of words is shared with the entry, which raises a key's word when a write is committed and
 * before the writer is told. A copy holds while its word is the one that stood there before it was
 * read; to see that costs no message. Keys that share a word only lose each other's copies.
 *
 * Workers load this file, so it imports little.
 *
 * @module
 */

import { startTimer } from "../own_timers.ts";
import type { EncodedValue } from "./backend.ts";
import { decodeValue } from "./decode.ts";
import { copyPlain, freezePlain, isPlain } from "./plain.ts";
import type { StoreKey } from "../types/store.ts";

/** Words of a table. */
export const TABLE_WORDS = 8192;

const KINDS = new Set(["string", "number", "bigint", "boolean", "bytes"]);
const listBytes = Uint8Array.prototype.join;
const MAX_TIMER_MS = 2 ** 31 - 1;
/** What a copy takes beside its value. */
const COPY_BYTES = 200;

/** How much an isolate keeps, and how long. */
export interface NearOptions {
  /** Bytes of encoded values, about; 0: nothing is kept. */
  maxBytes: number;
  /** Age in milliseconds at which a copy is no longer used, whatever its word says. */
  maxAgeMs: number;
}

interface Copy {
  /** The frozen value, once `isSettled`. */
  value: unknown;
  /** Whether the value was found to be plain data. */
  isSettled: boolean;
  /** Whether it was found to be none, so that each reader gets it decoded anew. */
  isComplex: boolean;
  /** The encoded value, until it is settled; absent as well when there is no entry. */
  payload: Uint8Array | undefined;
  slot: number;
  word: number;
  /** By the clock of `Date.now()`. */
  expiresAt: number;
  /** By the clock of `performance.now()`. */
  readAt: number;
  bytes: number;
  wasUsed: boolean;
}

/** Where a copy will stand, and its word as it was before the value is read. */
export interface Place {
  map: Map<string, Copy>;
  id: string;
  slot: number;
  word: number;
  readAt: number;
}

/** A value that was found near. */
export interface Found {
  /** A private copy; `undefined` also when there is no entry. */
  value: unknown;
}

/** The near copies of one isolate. */
export class Near {
  readonly #table: Int32Array;
  readonly #options: NearOptions;
  readonly #now: () => number;
  readonly #texts = new Map<string, Copy>(); // by keys of one text, which need no other id
  readonly #others = new Map<string, Copy>();
  #bytes = 0;
  #sweeper: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  /** Keeps copies by the words of `table`; `now` is the clock of lives. */
  constructor(table: Int32Array, options: NearOptions, now: () => number = Date.now) {
    this.#table = table;
    this.#options = options;
    this.#now = now;
  }

  /** The frozen value of a current copy of plain data, else `undefined`. */
  peek(key: StoreKey): unknown {
    const copy = typeof key === "string" ? this.#texts.get(key) : this.#find(key);
    // Read without Atomics, which would take three times as long: whoever knows that a write has
    // resolved was told by a message or by Atomics, and what was written before that is seen here.
    if (copy === undefined || this.#table[copy.slot] !== copy.word) return undefined;
    if (!copy.isSettled && !settle(copy)) return undefined;
    if (copy.expiresAt !== Infinity && copy.expiresAt <= this.#now()) return undefined;
    if (!copy.wasUsed) copy.wasUsed = true;
    return copy.value;
  }

  /** A current copy, or `undefined` when there is none and the store has to be asked. */
  get(key: StoreKey): Found | undefined {
    const copy = this.#current(key);
    if (copy === undefined) return undefined;
    copy.wasUsed = true;
    if (isMissing(copy) || copy.expiresAt <= this.#now()) return { value: undefined };
    const isPlainData = copy.isSettled || settle(copy);
    return { value: isPlainData ? copyPlain(copy.value) : decodeValue(copy.payload!) };
  }

  /** Whether a current copy says that there is an entry; `undefined` when there is no such copy. */
  has(key: StoreKey): boolean | undefined {
    const copy = this.#current(key);
    return copy && !isMissing(copy) && copy.expiresAt > this.#now();
  }

  /** Notes the state of a key's word, before the value is read. `undefined` for what is no key. */
  place(key: StoreKey): Place | undefined {
    const text = textOf(key);
    const id = text ?? idOf(key);
    if (id === undefined) return undefined;
    const slot = text === undefined ? slotOf(`\0${id}`) : slotOf(id);
    const map = text === undefined ? this.#others : this.#texts;
    return { map, id, slot, word: Atomics.load(this.#table, slot), readAt: performance.now() };
  }

  /** Keeps what was read, unless its word has moved since. */
  keep({ map, id, slot, word, readAt }: Place, encoded: EncodedValue | null): void {
    if (this.#isClosed || Atomics.load(this.#table, slot) !== word) return;
    const [payload, expiresAt] = encoded ?? [undefined, Infinity];
    const bytes = COPY_BYTES + 2 * id.length + (payload?.length ?? 0);
    if (bytes > this.#options.maxBytes / 4) return;
    this.#drop(map, id);
    map.set(id, {
      value: undefined,
      isSettled: false,
      isComplex: false,
      payload: payload?.slice(),
      slot,
      word,
      expiresAt,
      readAt,
      bytes,
      wasUsed: false,
    });
    this.#bytes += bytes;
    if (this.#bytes > this.#options.maxBytes) this.#shrink();
    this.#sweepLater();
  }

  /** Forgets everything, and keeps nothing from now on. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#sweeper);
    this.#sweeper = undefined;
    this.#texts.clear();
    this.#others.clear();
    this.#bytes = 0;
  }

  #find(key: StoreKey): Copy | undefined {
    const text = textOf(key);
    return text === undefined ? this.#others.get(idOf(key)!) : this.#texts.get(text);
  }

  #current(key: StoreKey): Copy | undefined {
    const copy = typeof key === "string" ? this.#texts.get(key) : this.#find(key);
    if (copy === undefined || Atomics.load(this.#table, copy.slot) !== copy.word) return undefined;
    return performance.now() - copy.readAt < this.#options.maxAgeMs ? copy : undefined;
  }

  #drop(map: Map<string, Copy>, id: string): void {
    const copy = map.get(id);
    if (copy === undefined) return;
    map.delete(id);
    this.#bytes -= copy.bytes;
  }

  /** Goes through the copies, the oldest first; one that was used since gets a second chance. */
  #shrink(): void {
    const goal = 0.9 * this.#options.maxBytes;
    for (let turn = 0; turn < 2 && this.#bytes > goal; turn++) {
      for (const map of [this.#texts, this.#others]) {
        for (const [id, copy] of [...map]) {
          if (this.#bytes <= goal) return;
          if (copy.wasUsed && turn === 0) {
            copy.wasUsed = false;
          } else {
            this.#drop(map, id);
          }
        }
      }
    }
  }

  /** `peek` reads no clock: copies are gone before they are too old. */
  #sweepLater(): void {
    const { maxAgeMs } = this.#options;
    if (maxAgeMs === Infinity || this.#sweeper !== undefined) return;
    this.#sweeper = startTimer(() => {
      this.#sweeper = undefined;
      const oldest = performance.now() - 0.75 * maxAgeMs;
      for (const map of [this.#texts, this.#others]) {
        for (const [id, copy] of map) if (copy.readAt <= oldest) this.#drop(map, id);
      }
      if (this.#texts.size + this.#others.size > 0) this.#sweepLater();
    }, Math.min(maxAgeMs / 4, MAX_TIMER_MS));
    Deno.unrefTimer(this.#sweeper);
  }
}

/** The tables of all isolates that keep copies; the entry alone writes them. */
export class NearTables {
  readonly #tables = new Set<Int32Array>();

  /** Makes a table. */
  open(): Int32Array {
    const table = new Int32Array(
      new SharedArrayBuffer(TABLE_WORDS * Int32Array.BYTES_PER_ELEMENT),
    );
    this.#tables.add(table);
    return table;
  }

  /** Writes a table no longer. */
  close(table: Int32Array): void {
    this.#tables.delete(table);
  }

  /** Says that these keys have changed. */
  raise(keys: readonly StoreKey[]): void {
    for (const key of keys) {
      const text = textOf(key);
      const slot = slotOf(text ?? `\0${idOf(key)}`);
      for (const table of this.#tables) Atomics.add(table, slot, 1);
    }
  }

  /** Says that everything may have changed. */
  raiseAll(): void {
    for (const table of this.#tables) {
      for (let slot = 0; slot < table.length; slot++) Atomics.add(table, slot, 1);
    }
  }
}

/** Finds out whether a value is plain data, and if so decodes it for good. */
function settle(copy: Copy): boolean {
  if (copy.isComplex || copy.payload === undefined) return false;
  const value = decodeValue(copy.payload);
  copy.isComplex = !isPlain(value);
  if (copy.isComplex) return false;
  copy.value = freezePlain(value);
  copy.payload = undefined;
  return copy.isSettled = true;
}

function isMissing({ isSettled, payload }: Copy): boolean {
  return !isSettled && payload === undefined;
}

/** Text that no other key has, of the keys that {@linkcode textOf} has none for; of what is no key, none. */
function idOf(key: unknown): string | undefined {
  if (!Array.isArray(key)) return undefined;
  let id = "";
  for (const part of key) {
    const kind = part instanceof Uint8Array ? "bytes" : typeof part;
    if (!KINDS.has(kind)) return undefined;
    // As the entry has it: text of a subclass, such as Node's Buffer, says something else.
    const text = part instanceof Uint8Array ? listBytes.call(part) : String(part);
    id += `${kind.slice(0, 2)}${text.length}:${text}`;
  }
  return id;
}

function textOf(key: unknown): string | undefined {
  if (typeof key === "string") return key;
  return Array.isArray(key) && key.length === 1 && typeof key[0] === "string" ? key[0] : undefined;
}

function slotOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index++) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  }
  return (hash ^ hash >>> 15) & (TABLE_WORDS - 1);
}
