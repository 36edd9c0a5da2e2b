/**
 * Opening a store, and the handle by which the process that opened it uses and closes it.
 *
 * @module
 */

import type { StoreScope } from "../types/site.ts";
import { checkSocket, checkStoreNumber } from "./checks.ts";
import type { Engine } from "./engine.ts";
import { StoreHandle } from "./handle.ts";
import { Near, type NearOptions } from "./near.ts";
import type { NearConfig } from "./client.ts";
import { type KvOpener, openEngine, openSharedEngine } from "./open.ts";
import { StoreRoom } from "./room.ts";
import { ScopedBackend } from "./scope.ts";
import { type StoreService, storeServices } from "./services.ts";

/** Where a store is and what it takes. */
export interface StoreOptions {
  /**
   * Path of a file, `:memory:`, the URL of a KV Connect server, or a `redis:` or `rediss:` URL of a Redis that
   * evicts nothing; absent: the host's default KV.
   */
  url?: string;
  /**
   * The most bytes that a value may take once encoded.
   *
   * @default {16777216}
   */
  maxValueBytes?: number;
  /**
   * The most bytes that all values may take together; when they take more, those least recently used
   * are removed. 0: no limit.
   *
   * @default {0}
   */
  maxBytes?: number;
  /** The longest life of an entry in milliseconds, for those without end as well; 0: no limit. @default {0} */
  ttlLimitMs?: number;
  /** What each isolate keeps of what it has read; `false`: nothing. */
  near?: Partial<NearOptions> | false;
  /**
   * Absolute path of a socket by which processes of one machine share the store: whoever opens it first
   * owns it and serves the others. Those never take its place: when it ends, their calls fail until another
   * process opens the store. Its folder must be reached by nobody else, and is made when it is missing.
   */
  socket?: string;
}

/** What only tests change. */
export interface StoreInternals {
  /** The time in milliseconds since 1970. */
  now?: () => number;
  /** What opens KV. */
  openKv?: KvOpener;
  /** What opens the engine. */
  openEngine?: (url: string | undefined) => Promise<Engine>;
}

/** What is filled in for absent options. */
export const STORE_DEFAULTS = Object.freeze({
  maxValueBytes: 16 * 1024 * 1024,
  maxBytes: 0,
  ttlLimitMs: 0,
  near: Object.freeze({ maxBytes: 8 * 1024 * 1024, maxAgeMs: 1000 }),
});

/** What one worker gets: the calls that it may make, and what it keeps near copies by. */
export interface WorkerStore extends Disposable {
  /** The calls. */
  services: Record<string, StoreService>;
  /** Absent when the worker keeps none. */
  near: NearConfig | undefined;
}

/**
 * Opens a store.
 *
 * The file's folder must exist. Whether the store can be written is found out here, not later.
 *
 * @throws {TypeError} If `url` is none of what is allowed.
 * @throws {RangeError} If a number is out of its range.
 * @throws {RuntimeError} `PERMISSION_MISSING` or `STORE_FAILED`; the message says what to do.
 */
export async function openStore(
  options: StoreOptions = {},
  internals: StoreInternals = {},
): Promise<OpenStore> {
  const { near = {} } = options;
  const number = (name: "maxValueBytes" | "maxBytes" | "ttlLimitMs", least: number) =>
    checkStoreNumber(options[name] ?? STORE_DEFAULTS[name], name, least);
  const limits = {
    maxValueBytes: number("maxValueBytes", 1),
    maxBytes: number("maxBytes", 0),
    ttlLimitMs: number("ttlLimitMs", 0),
    now: internals.now ?? Date.now,
  };
  const { maxBytes, maxAgeMs } = { ...STORE_DEFAULTS.near, ...near };
  const copies = {
    maxBytes: near === false ? 0 : checkStoreNumber(maxBytes, "near.maxBytes", 0),
    maxAgeMs: checkStoreNumber(maxAgeMs, "near.maxAgeMs", 1),
  };
  const { url, socket } = options;
  const open = internals.openEngine ?? ((url) => openEngine(url, internals.openKv));
  const engine = socket === undefined
    ? await open(url)
    : await openSharedEngine(url, checkSocket(socket), internals.openKv);
  const room = new StoreRoom(engine, limits);
  try {
    await room.open();
  } catch (error) {
    await room[Symbol.asyncDispose]();
    throw error;
  }
  // Nobody else writes what is in this process's memory.
  if (room.kind === "memory") copies.maxAgeMs = Infinity;
  const store = new OpenStore(room, copies, limits.now);
  engines.set(store, engine);
  return store;
}

/** Engines of open stores: the runtime's own business, of which a site's code sees nothing. */
const engines = new WeakMap<OpenStore, Engine>();

/** The engine below a store, for what keeps rows of its own beside it; the store closes it. */
export function engineOf(store: OpenStore): Engine {
  return engines.get(store)!;
}

/** An open store; {@linkcode openStore} makes one. */
export class OpenStore extends StoreHandle implements AsyncDisposable {
  readonly #room: StoreRoom;
  readonly #copies: NearOptions;
  readonly #near: Near | undefined;

  /** Takes over `room`. */
  constructor(room: StoreRoom, copies: NearOptions, now: () => number) {
    const near = copies.maxBytes > 0 ? new Near(room.tables.open(), copies, now) : undefined;
    super(new ScopedBackend(room), near);
    this.#room = room;
    this.#copies = copies;
    this.#near = near;
  }

  /** What a worker gets that may use the store within `scope`. */
  forWorker(scope: StoreScope): WorkerStore {
    const { tables } = this.#room;
    const backend = new ScopedBackend(this.#room, scope);
    const table = backend.canRead && this.#near !== undefined ? tables.open() : undefined;
    const gone = new AbortController();
    return {
      services: storeServices(backend, gone.signal),
      near: table && { ...this.#copies, table },
      [Symbol.dispose]: () => {
        gone.abort();
        if (table !== undefined) tables.close(table);
      },
    };
  }

  /** Closes the store; calls that are under way may fail, every later one does. */
  async close(): Promise<void> {
    this.#near?.close();
    await this.#room[Symbol.asyncDispose]();
  }

  /** Closes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
