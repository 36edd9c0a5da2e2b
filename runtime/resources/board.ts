/**
 * The board: a block of memory from which threads read which resources exist.
 *
 * Trusted threads share one and write it under a lock. An untrusted worker has one of its own, its desk,
 * which the entry writes and never believes; both are read by the same code. Without threads the board is
 * ordinary memory.
 *
 * A board has a head of words, a pair of words for each thread, and behind them the rows, one for each
 * id in ascending order. A row is complete before the count covers it and only its flags change later, so a
 * writer that dies halfway leaves nothing behind.
 *
 * Workers load this file, so it imports nothing.
 *
 * @module
 */

/** When an instance is made and goes: with its thread, or with a request. */
export type ResourceScope = "thread" | "request";

/** What a board says of one id. */
export interface Row {
  /** The name that all threads know it by. */
  name: string;
  /** When instances are made. */
  scope: ResourceScope;
  /** Whether instances are made by a constructor. */
  hasCtor: boolean;
  /** The module that holds the constructor. */
  module?: string;
  /** Whether an untrusted worker asked for it. */
  isForeign: boolean;
}

/** Words of the head. */
export const WORD = Object.freeze({
  /** Number of the thread that holds the lock, or 0. */
  lock: 0,
  /** Rises with every change; threads wait for it. */
  version: 1,
  /** Highest id. */
  count: 2,
  /** How many ids have been freed. */
  frees: 3,
  /** How many reserved ids are taken. */
  fast: 4,
  /** The version that all desks have seen. */
  desksSeen: 5,
  /** On a desk: the question that is open, negative once the entry has taken it, 0 when answered. */
  ticket: 6,
  /** On a desk: the id that answers the question. */
  answer: 7,
  /** 1 once everything was shut down. */
  shutdown: 8,
  /** Threads that live. */
  live: 9,
  /** Threads that ever began. */
  started: 10,
  /** Threads that ended in order. */
  ended: 11,
  /** Threads that ended without running their destructors. */
  abandoned: 12,
  /** How many pairs of words for threads follow the head. */
  slots: 13,
});

/** What a thread's state word says. */
export const STATE = Object.freeze({ none: 0, invited: 1, live: 2, ended: 3 });

/** What the seen word of a thread says that nobody has to wait for. */
export const SEEN_ALL: number = 2 ** 31 - 1;

/** Most ids of a process, those that were freed included. */
export const MAX_IDS = 4096;
/** Longest name, in UTF-16 units. */
export const MAX_NAME = 128;
/** Longest URL of a module, in UTF-16 units. */
export const MAX_MODULE = 2048;
/** Most bytes of a board; rows of usual size leave it far from full. */
const MAX_BYTES = 4 * 1024 * 1024;

const HEAD = 16;
const FLAG = Object.freeze({ request: 1, freed: 2, ctor: 4, foreign: 8 });

/** How a board is made. */
export interface BoardOptions {
  /** Whether other threads will read it. */
  shared: boolean;
  /** How many threads can write what they have seen. */
  slots: number;
  /** How many ids are expected. */
  expected?: number;
}

/** One isolate's view of a board. */
export class Board {
  /** The head and the words of the threads. */
  readonly words: Int32Array<ArrayBufferLike>;
  /** What other threads get. */
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  readonly #rows: Int32Array<ArrayBufferLike>;
  readonly #text: Uint16Array<ArrayBufferLike>;
  readonly #offsets = [0];
  #end: number;

  /** Opens the board in `buffer`, which {@linkcode createBoard} made, perhaps in another isolate. */
  constructor(buffer: ArrayBuffer | SharedArrayBuffer) {
    const slots = new Int32Array(buffer, 0, HEAD)[WORD.slots]!;
    this.buffer = buffer;
    this.#end = HEAD + 2 * slots;
    // Of a fixed length, which is faster to read than a view that grows with its buffer.
    this.words = new Int32Array(buffer, 0, this.#end);
    this.#rows = new Int32Array(buffer);
    this.#text = new Uint16Array(buffer);
  }

  /** Number of the last change. */
  get version(): number {
    return Atomics.load(this.words, WORD.version);
  }

  /** Highest id. */
  get count(): number {
    return Atomics.load(this.words, WORD.count);
  }

  /** Reads the row of `id`; the rows before it must have been read or written here. */
  read(id: number): Row {
    const at = this.#offsets[id] ?? this.#end;
    const flags = Atomics.load(this.#rows, at);
    const nameLength = this.#rows[at + 1]! & 0xffff;
    const moduleLength = this.#rows[at + 1]! >>> 16;
    const text = 2 * (at + 2);
    const row: Row = {
      name: String.fromCharCode(...this.#text.subarray(text, text + nameLength)),
      scope: (flags & FLAG.request) === 0 ? "thread" : "request",
      hasCtor: (flags & FLAG.ctor) !== 0,
      isForeign: (flags & FLAG.foreign) !== 0,
    };
    if (moduleLength > 0) {
      const start = text + nameLength;
      row.module = String.fromCharCode(...this.#text.subarray(start, start + moduleLength));
    }
    if (id === this.#offsets.length) this.#advance(at, nameLength + moduleLength);
    return row;
  }

  /** Whether `id`, which was read or written here, has been freed. */
  isFreed(id: number): boolean {
    return (Atomics.load(this.#rows, this.#offsets[id]!) & FLAG.freed) !== 0;
  }

  /**
   * Adds a row as the next id. The writer holds the lock or is alone, and has read all rows.
   *
   * @returns The id, or 0 when the board is full.
   */
  append({ name, scope, hasCtor, module = "", isForeign }: Row): number {
    const id = this.#offsets.length;
    const at = this.#end;
    const length = name.length + module.length;
    if (id > MAX_IDS || !this.#reserve(4 * (at + 2) + 2 * length + 4)) return 0;
    const flags = (scope === "request" ? FLAG.request : 0) | (hasCtor ? FLAG.ctor : 0) |
      (isForeign ? FLAG.foreign : 0);
    Atomics.store(this.#rows, at, flags);
    this.#rows[at + 1] = name.length | module.length << 16;
    const text = name + module;
    for (let i = 0; i < length; i++) this.#text[2 * (at + 2) + i] = text.charCodeAt(i);
    this.#advance(at, length);
    Atomics.store(this.words, WORD.count, id);
    return id;
  }

  /** Marks an id as done; false when it was already. */
  free(id: number): boolean {
    if ((Atomics.or(this.#rows, this.#offsets[id]!, FLAG.freed) & FLAG.freed) !== 0) return false;
    Atomics.add(this.words, WORD.frees, 1);
    return true;
  }

  /** Tells all readers that something has changed; a desk is given the number of the change. */
  publish(version?: number): void {
    if (version === undefined) Atomics.add(this.words, WORD.version, 1);
    else Atomics.store(this.words, WORD.version, version);
    Atomics.notify(this.words, WORD.version);
  }

  #advance(at: number, length: number): void {
    this.#offsets.push(at);
    this.#end = at + 2 + Math.ceil(length / 2);
  }

  /** Makes room; a worker may have grown its desk itself, even between two lines here. */
  #reserve(bytes: number): boolean {
    const { buffer } = this;
    if (bytes > MAX_BYTES) return false;
    if (bytes <= buffer.byteLength) return true;
    try {
      const size = Math.min(MAX_BYTES, Math.max(bytes, 2 * buffer.byteLength));
      if (buffer instanceof ArrayBuffer) buffer.resize(size);
      else buffer.grow(size);
    } catch {
      return bytes <= buffer.byteLength;
    }
    return true;
  }
}

/** Makes an empty board. */
export function createBoard({ shared, slots, expected = 16 }: BoardOptions): Board {
  const bytes = 4 * (HEAD + 2 * slots) + 64 * Math.min(expected, MAX_IDS);
  const size = Math.ceil(bytes / 8) * 8;
  const options = { maxByteLength: MAX_BYTES };
  const buffer = shared ? new SharedArrayBuffer(size, options) : new ArrayBuffer(size, options);
  new Int32Array(buffer, 0, HEAD)[WORD.slots] = slots;
  const board = new Board(buffer);
  Atomics.store(board.words, WORD.desksSeen, SEEN_ALL);
  return board;
}

/** Where the state of a thread stands; its seen word is the next one. */
export function slotOf(slot: number): number {
  return HEAD + 2 * slot;
}
