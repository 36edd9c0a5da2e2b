/**
 * What a site is made of: the options as they are given, as they are once filled in, and the checks
 * between the two.
 *
 * @module
 */

import { checkFields, checkNumber, fail, given, readDocument } from "./checks.ts";
import type { StoreKey } from "./types/store.ts";

/** A document: a `URL`, or a text that holds an absolute `file:`, `https:` or `http:` URL. */
export type DocumentLocation = URL | string;

/** Which keys of the store a kind of worker may use, as key prefixes; absent: all, empty: none. */
export interface StoreScope {
  /** Prefixes of keys that may be read. */
  read?: readonly StoreKey[];
  /** Prefixes of keys that may be written. */
  write?: readonly StoreKey[];
}

/** What every kind of worker has in common. */
export interface WorkerOptions {
  /** The document. */
  document: DocumentLocation;
  /** Deno's permission descriptor. It can only narrow what the box has. @default "none" */
  permissions?: Deno.PermissionOptions;
  /** Which keys of the store the worker may use. */
  store?: StoreScope;
}

/** How a pool of workers behaves. Durations are milliseconds. */
export interface PoolOptions extends WorkerOptions {
  /** Most workers at once, at least 1. @default the number of cores, at least 2 */
  workers?: number;
  /** Workers that are kept ready. @default 1 */
  spares?: number;
  /** Most tasks that may wait. @default 128 */
  queueLimit?: number;
  /** Longest wait in the queue, 0 for no limit. @default 0 */
  maxQueueMs?: number;
  /** Longest time from submission to the end, 0 for no limit. @default 30000 */
  deadlineMs?: number;
  /** How long a worker above `spares` stays without work. @default 30000 */
  idleMs?: number;
  /** How long a cancelled handler may take before its worker is replaced. @default 250 */
  graceMs?: number;
  /** Requests that one worker serves before it is replaced, 0 for no limit. @default 0 */
  maxRequests?: number;
  /** Age at which a worker is replaced before its next request, 0 for no limit. @default 0 */
  maxAgeMs?: number;
  /** Largest request body in bytes. @default 16 MiB */
  maxBodyBytes?: number;
  /** Largest response body in bytes. @default 64 MiB */
  maxResultBytes?: number;
}

/** How pages run. */
export interface PagesOptions extends PoolOptions {
  /** In the box's own isolate, or in a pool of workers like pagelets. @default "entry" */
  isolation?: "entry" | "worker";
}

/** A document that runs again and again. */
export interface ThreadLoopOptions extends WorkerOptions {
  /** Milliseconds between two iterations. @default 100 */
  pauseMs?: number;
  /** Iterations that one worker runs before a fresh one takes over. @default 1 */
  reuse?: number;
}

/** The document that opens sessions. */
export interface RequestInitOptions {
  /** Evaluated once in each worker. */
  document: DocumentLocation;
  /** Name of its export that is called when a session begins. */
  function?: string;
}

/** Where the shared data is kept. */
export interface SiteStoreOptions {
  /** A file, `:memory:`, or the URL of a KV Connect server; absent: the project's default database. */
  url?: string;
  /** Modules that bring entries, loaded before anything else runs. */
  prime?: readonly DocumentLocation[];
  /** Largest value in bytes. @default 16 MiB */
  maxValueBytes?: number;
}

/** What {@linkcode createSite} takes. Everything but what the site needs may be left out. */
export interface SiteOptions {
  /** Name for logs and the status page. @default "site" */
  name?: string;
  /** Where the shared data is kept. */
  store?: SiteStoreOptions;
  /** Runs once per box, after priming and before any thread (`StartupDocument`). */
  startup?: DocumentLocation | { document: DocumentLocation };
  /** Service threads, one worker each, which must report started (`ThreadDocuments`). */
  threads?: readonly (DocumentLocation | WorkerOptions)[];
  /** Documents that run again and again, one worker each (`ThreadLoopDocuments`). */
  threadLoops?: readonly (DocumentLocation | ThreadLoopOptions)[];
  /** Opens sessions (`RequestInitDocument`, `RequestInitFunction`). */
  requestInit?: DocumentLocation | RequestInitOptions;
  /** A Hono app whose routes are the site's pages. */
  pages?: DocumentLocation | PagesOptions;
  /** A Hono app whose routes are the site's pagelets (`PageletServer`). */
  pagelets?: DocumentLocation | PoolOptions;
  /** A function that turns messages into values (`Xbox.ProcessMessageFunc`). */
  xbox?: DocumentLocation | PoolOptions;
  /** Paths that are requested before the box listens; failures are logged (`WarmupRequests`). */
  warmup?: readonly string[];
}

/** A kind of worker, filled in. */
export interface ResolvedWorker {
  /** The document, as an absolute URL. */
  document: string;
  /** Deno's permission descriptor. */
  permissions: Deno.PermissionOptions;
  /** Which keys of the store the worker may use. */
  store: StoreScope;
}

/** A pool, filled in. */
export type ResolvedPool = ResolvedWorker & PoolNumbers;

/** A thread loop, filled in. */
export type ResolvedThreadLoop = ResolvedWorker & { pauseMs: number; reuse: number };

/** A site's options, checked and filled in. */
export interface ResolvedOptions {
  /** Name for logs and the status page. */
  name: string;
  /** Where the shared data is kept; `prime` holds absolute URLs. */
  store: { url: string | undefined; prime: string[]; maxValueBytes: number };
  /** The startup document, as an absolute URL. */
  startup: string | undefined;
  /** Service threads. */
  threads: ResolvedWorker[];
  /** Documents that run again and again. */
  threadLoops: ResolvedThreadLoop[];
  /** The document that opens sessions, as an absolute URL, and its function. */
  requestInit: { document: string; function: string | undefined } | undefined;
  /** The document of pages. */
  pages: (ResolvedPool & { isolation: "entry" | "worker" }) | undefined;
  /** The document of pagelets. */
  pagelets: ResolvedPool | undefined;
  /** The document of messages. */
  xbox: ResolvedPool | undefined;
  /** Paths that are requested before the box listens. */
  warmup: string[];
}

/** The numbers of a pool, filled in. */
type PoolNumbers = Required<Omit<PoolOptions, keyof WorkerOptions>>;

/** What a pool does unless it is told otherwise. */
export const POOL_DEFAULTS: Readonly<PoolNumbers> = Object.freeze({
  workers: Math.max(2, navigator.hardwareConcurrency),
  spares: 1,
  queueLimit: 128,
  maxQueueMs: 0,
  deadlineMs: 30_000,
  idleMs: 30_000,
  graceMs: 250,
  maxRequests: 0,
  maxAgeMs: 0,
  maxBodyBytes: 16 << 20,
  maxResultBytes: 64 << 20,
});

const MAX_VALUE_BYTES = 16 << 20;
const LOWEST: Partial<PoolNumbers> = { workers: 1, graceMs: 1 };
const WORKER_FIELDS = ["document", "permissions", "store"];
const POOL_FIELDS = [...WORKER_FIELDS, ...Object.keys(POOL_DEFAULTS)];
const SITE_FIELDS = [
  "name",
  "store",
  "startup",
  "threads",
  "threadLoops",
  "requestInit",
  "pages",
  "pagelets",
  "xbox",
  "warmup",
];

/**
 * Checks a site's options and fills them in.
 *
 * @throws {TypeError} If a field is unknown or of the wrong type; the message names it.
 * @throws {RangeError} If a number is out of range.
 */
export function resolveOptions(options: SiteOptions = {}): ResolvedOptions {
  checkFields("options", options, SITE_FIELDS);
  const { name = "site", warmup = [] } = options;
  if (typeof name !== "string" || name === "") fail("name", "a text", name);
  if (!Array.isArray(warmup) || !warmup.every(isPath)) {
    fail("warmup", 'a list of paths such as "/"', warmup);
  }
  return {
    name,
    store: resolveStore(options.store),
    startup: options.startup === undefined
      ? undefined
      : readEntry("startup", options.startup, ["document"]).document,
    threads: list("threads", options.threads).map((entry, index) =>
      resolveWorker(`threads[${index}]`, entry, WORKER_FIELDS)
    ),
    threadLoops: list("threadLoops", options.threadLoops).map(resolveLoop),
    requestInit: resolveInit(options.requestInit),
    pages: resolvePages(options.pages),
    pagelets: resolvePool("pagelets", options.pagelets, POOL_FIELDS),
    xbox: resolvePool("xbox", options.xbox, POOL_FIELDS),
    warmup: [...warmup],
  };
}

function resolveStore(store: SiteStoreOptions = {}): ResolvedOptions["store"] {
  checkFields("store", store, ["url", "prime", "maxValueBytes"]);
  const { url, maxValueBytes = MAX_VALUE_BYTES } = store;
  if (url !== undefined && (typeof url !== "string" || url === "")) {
    fail("store.url", 'a path, ":memory:" or the URL of a KV Connect server', url);
  }
  checkNumber("store.maxValueBytes", maxValueBytes, 1);
  const prime = list("store.prime", store.prime);
  return {
    url,
    maxValueBytes,
    prime: prime.map((entry, index) => readDocument(`store.prime[${index}]`, entry)),
  };
}

function resolveInit(init: SiteOptions["requestInit"]): ResolvedOptions["requestInit"] {
  if (init === undefined) return undefined;
  const entry = readEntry("requestInit", init, ["document", "function"]);
  if (entry.function !== undefined && typeof entry.function !== "string") {
    fail("requestInit.function", "the name of an export", entry.function);
  }
  return { document: entry.document, function: entry.function as string | undefined };
}

function resolvePages(pages: SiteOptions["pages"]): ResolvedOptions["pages"] {
  if (pages === undefined) return undefined;
  const pool = resolvePool("pages", pages, [...POOL_FIELDS, "isolation"])!;
  const isolation = (pages as PagesOptions).isolation ?? "entry";
  if (isolation !== "entry" && isolation !== "worker") {
    fail("pages.isolation", '"entry" or "worker"', isolation);
  }
  return { ...pool, isolation };
}

function resolvePool(
  field: string,
  pool: DocumentLocation | PoolOptions | undefined,
  fields: readonly string[],
): ResolvedPool | undefined {
  if (pool === undefined) return undefined;
  const worker = resolveWorker(field, pool, fields);
  const numbers: PoolNumbers = { ...POOL_DEFAULTS };
  for (const key of Object.keys(POOL_DEFAULTS) as (keyof PoolNumbers)[]) {
    const value = (pool as PoolOptions)[key];
    if (value === undefined) continue;
    checkNumber(`${field}.${key}`, value, LOWEST[key] ?? 0);
    numbers[key] = value;
  }
  if (numbers.spares > numbers.workers) {
    if ((pool as PoolOptions).spares === undefined) numbers.spares = numbers.workers;
    else fail(`${field}.spares`, `at most ${field}.workers (${numbers.workers})`, numbers.spares);
  }
  return { ...numbers, ...worker };
}

function resolveLoop(
  loop: DocumentLocation | ThreadLoopOptions,
  index: number,
): ResolvedThreadLoop {
  const field = `threadLoops[${index}]`;
  const worker = resolveWorker(field, loop, [...WORKER_FIELDS, "pauseMs", "reuse"]);
  const { pauseMs = 100, reuse = 1 } = loop as ThreadLoopOptions;
  checkNumber(`${field}.pauseMs`, pauseMs, 0);
  checkNumber(`${field}.reuse`, reuse, 1);
  return { ...worker, pauseMs, reuse };
}

function resolveWorker(field: string, value: unknown, fields: readonly string[]): ResolvedWorker {
  const entry = readEntry(field, value, fields);
  const { permissions = "none", store = {} } = entry as Partial<WorkerOptions>;
  const named = permissions === "none" || permissions === "inherit";
  if (!named && (typeof permissions !== "object" || permissions === null)) {
    fail(`${field}.permissions`, '"none", "inherit" or a permission descriptor', permissions);
  }
  checkFields(`${field}.store`, store, ["read", "write"]);
  for (const access of ["read", "write"] as const) {
    if (store[access] !== undefined && !Array.isArray(store[access])) {
      fail(`${field}.store.${access}`, "a list of key prefixes", store[access]);
    }
  }
  return { document: entry.document, permissions, store };
}

/** Reads a document that may stand alone or with options of its own. */
function readEntry(
  field: string,
  value: unknown,
  fields: readonly string[],
): Record<string, unknown> & { document: string } {
  if (typeof value === "string" || value instanceof URL) {
    return { document: readDocument(field, value) };
  }
  checkFields(field, value, fields);
  const entry = value as Record<string, unknown>;
  return { ...entry, document: readDocument(`${field}.document`, entry.document) };
}

function list<T>(field: string, value: readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : fail(field, "a list", given(value));
}

function isPath(value: unknown): boolean {
  return typeof value === "string" && value.startsWith("/");
}
