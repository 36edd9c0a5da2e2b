/**
 * The options of a site, checked and filled in.
 *
 * @module
 */

import { checkFields, checkNumber, fail, given, readDocument } from "./checks.ts";
import {
  type ResolvedPeers,
  type ResolvedPosts,
  resolvePeers,
  resolvePosts,
  resolveScope,
} from "./options/peers.ts";
import { readPasswords } from "./options/rpc.ts";
import type {
  DocumentLocation,
  PagesOptions,
  PoolOptions,
  RpcOptions,
  SessionPolicy,
  SiteOptions,
  SiteStoreOptions,
  StoreScope,
  ThreadLoopOptions,
  ThreadOptions,
  WorkerOptions,
  XboxScope,
} from "./types/site.ts";
import type { StoreKey } from "./types/store.ts";

export type { ResolvedPeers, ResolvedPosts } from "./options/peers.ts";

/** A kind of worker, filled in. */
export interface ResolvedWorker {
  /** The document, as an absolute URL. */
  document: string;
  /** Deno's permission descriptor. */
  permissions: Deno.PermissionOptions;
  /** Which keys of the store the worker may use. */
  store: StoreScope;
  /** Which boxes its messages may name beside its own. */
  xbox: XboxScope;
}

/** What the workers of a pool run in. */
export type Isolation = "thread" | "process";

/** A pool, filled in. */
export type ResolvedPool = ResolvedWorker & PoolNumbers & {
  session: SessionPolicy;
  priority: NonNullable<PoolOptions["priority"]>;
  /** What its workers run in. */
  isolation: Isolation;
  /** Megabytes of one worker's heap; only in processes. */
  maxHeapMb: number | undefined;
};

/** The pages, filled in. */
export type ResolvedPages = Omit<ResolvedPool, "isolation"> & {
  isolation: NonNullable<PagesOptions["isolation"]>;
};

/** The functions that can be called from outside, filled in. */
export type ResolvedRpc = ResolvedPool & { passwords: string[] };

/** A service thread, filled in. */
export type ResolvedThread = ResolvedWorker & { once: boolean };

/** A thread loop, filled in. */
export type ResolvedThreadLoop = ResolvedThread & { pauseMs: number; reuse: number };

/** A site's options, checked and filled in. */
export interface ResolvedOptions {
  /** Name for logs and the status page. */
  name: string;
  /** Where the shared data is kept; `prime` holds absolute URLs. */
  store: Omit<SiteStoreOptions, "prime" | "completionKeys"> & {
    prime: string[];
    completionKeys: StoreKey[];
  };
  /** The startup document, as an absolute URL. */
  startup: string | undefined;
  /** Service threads. */
  threads: ResolvedThread[];
  /** Documents that run again and again. */
  threadLoops: ResolvedThreadLoop[];
  /** The document that opens sessions, as an absolute URL, and its function. */
  requestInit: { document: string; function: string | undefined } | undefined;
  /** The document of pages. */
  pages: ResolvedPages | undefined;
  /** The document of pagelets. */
  pagelets: ResolvedPool | undefined;
  /** The document of messages. */
  xbox: ResolvedPool | undefined;
  /** The document of functions that can be called from outside. */
  rpc: ResolvedRpc | undefined;
  /** How this box and boxes on other machines know each other. */
  peers: ResolvedPeers;
  /** What becomes of durable messages. */
  posts: ResolvedPosts;
  /** Paths that are requested before the box listens. */
  warmup: string[];
  /** Stuck workers that the box bears. */
  maxLeaked: number;
}

/** The numbers of a pool, filled in. */
type PoolNumbers = Required<
  Omit<PoolOptions, keyof WorkerOptions | "session" | "priority" | "isolation" | "maxHeapMb">
>;

/** What a pool does unless it is told otherwise. */
export const POOL_DEFAULTS: Readonly<PoolNumbers> = Object.freeze({
  workers: Math.max(2, navigator.hardwareConcurrency),
  spares: 1,
  queueLimit: 128,
  maxQueueMs: 0,
  newestFirstAt: Number.MAX_SAFE_INTEGER,
  concurrency: 1,
  deadlineMs: 30_000,
  startTimeoutMs: 30_000,
  idleMs: 30_000,
  graceMs: 250,
  heartbeatMs: 5000,
  maxRequests: 0,
  maxAgeMs: 0,
  maxBodyBytes: 16 << 20,
  maxResultBytes: 64 << 20,
});

const LOWEST: Partial<PoolNumbers> = {
  workers: 1,
  concurrency: 1,
  graceMs: 1,
  startTimeoutMs: 1,
  heartbeatMs: 1,
};
/** Requests that may run at once on one worker. */
const MOST_CONCURRENCY = 32;
const SESSIONS: readonly SessionPolicy[] = ["request", "restore", "keep", "fresh"];
const PRIORITIES = ["low", "normal", "high"] as const;
const WORKER_FIELDS = ["document", "permissions", "store", "xbox"];
const POOL_FIELDS = [
  ...WORKER_FIELDS,
  "session",
  "priority",
  "isolation",
  "maxHeapMb",
  ...Object.keys(POOL_DEFAULTS),
];
/** A smaller heap does not hold what every worker loads. */
const LOWEST_HEAP_MB = 16;
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
  "rpc",
  "peers",
  "posts",
  "warmup",
  "maxLeaked",
];

/**
 * Checks a site's options and fills them in.
 *
 * @throws {TypeError} If a field is unknown or of the wrong type; the message names it.
 * @throws {RangeError} If a number is out of range.
 */
export function resolveOptions(options: SiteOptions = {}): ResolvedOptions {
  checkFields("options", options, SITE_FIELDS);
  const { name = "site", warmup = [], maxLeaked = 2 } = options;
  if (typeof name !== "string" || name === "") fail("name", "a text", name);
  if (!Array.isArray(warmup) || !warmup.every(isPath)) {
    fail("warmup", 'a list of paths such as "/"', warmup);
  }
  checkNumber("maxLeaked", maxLeaked, 0);
  return {
    name,
    store: resolveStore(options.store),
    startup: options.startup === undefined
      ? undefined
      : readEntry("startup", options.startup, ["document"]).document,
    threads: list("threads", options.threads).map((entry, index) =>
      resolveThread(`threads[${index}]`, entry, [])
    ),
    threadLoops: list("threadLoops", options.threadLoops).map(resolveLoop),
    requestInit: resolveInit(options.requestInit),
    pages: resolvePages(options.pages),
    pagelets: resolvePool("pagelets", options.pagelets, "request"),
    xbox: resolvePool("xbox", options.xbox, "restore"),
    rpc: resolveRpc(options.rpc),
    peers: resolvePeers(options.peers),
    posts: resolvePosts(options.posts),
    warmup: [...warmup],
    maxLeaked,
  };
}

function resolveStore(store: SiteStoreOptions = {}): ResolvedOptions["store"] {
  const numbers = { maxValueBytes: 1, maxBytes: 0, ttlLimitMs: 0 };
  const others = ["url", "prime", "completionKeys", "near", "socket"];
  checkFields("store", store, [...others, ...Object.keys(numbers)]);
  const { url, near, socket } = store;
  if (socket !== undefined && !(typeof socket === "string" && socket.startsWith("/"))) {
    fail("store.socket", "an absolute path", socket);
  }
  if (url !== undefined && (typeof url !== "string" || url === "")) {
    fail("store.url", 'a path, ":memory:", the URL of a KV Connect server or a redis:// URL', url);
  }
  for (const [name, least] of Object.entries(numbers)) {
    const value = store[name as keyof typeof numbers];
    if (value !== undefined) checkNumber(`store.${name}`, value, least);
  }
  if (near !== undefined && near !== false) {
    checkFields("store.near", near, ["maxBytes", "maxAgeMs"]);
    if (near.maxBytes !== undefined) checkNumber("store.near.maxBytes", near.maxBytes, 0);
    if (near.maxAgeMs !== undefined) checkNumber("store.near.maxAgeMs", near.maxAgeMs, 1);
  }
  const prime = list("store.prime", store.prime);
  const completionKeys = list("store.completionKeys", store.completionKeys);
  for (const [index, key] of completionKeys.entries()) {
    const isKey = (typeof key === "string" || Array.isArray(key)) && key.length > 0;
    if (!isKey) fail(`store.completionKeys[${index}]`, 'a key such as "primed" or ["a", 1]', key);
  }
  return {
    ...store,
    completionKeys: [...completionKeys],
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
  const isolation = (pages as PagesOptions | null)?.isolation ?? "entry";
  if (isolation !== "entry" && isolation !== "worker" && isolation !== "process") {
    fail("pages.isolation", '"entry", "worker" or "process"', isolation);
  }
  const pool = resolvePool("pages", pages, "request", {
    isolation: isolation === "process" ? "process" : "thread",
  })!;
  // In the entry nothing can stop a page, and one that streams for long is no fault.
  const isUnlimited = isolation === "entry" && (pages as PagesOptions).deadlineMs === undefined;
  return { ...pool, isolation, deadlineMs: isUnlimited ? 0 : pool.deadlineMs };
}

function resolveRpc(rpc: SiteOptions["rpc"]): ResolvedOptions["rpc"] {
  if (rpc === undefined) return undefined;
  const pool = resolvePool("rpc", rpc, "restore", { fields: ["passwords"] })!;
  return { ...pool, passwords: readPasswords((rpc as RpcOptions).passwords) };
}

function resolvePool(
  field: string,
  pool: DocumentLocation | PoolOptions | PagesOptions | undefined,
  usual: SessionPolicy,
  { isolation = readIsolation(field, pool), fields = [] }: {
    isolation?: Isolation;
    fields?: readonly string[];
  } = {},
): ResolvedPool | undefined {
  if (pool === undefined) return undefined;
  const worker = resolveWorker(field, pool, [...POOL_FIELDS, ...fields]);
  const { maxHeapMb } = pool as PoolOptions;
  checkHeap(field, maxHeapMb, isolation);
  if (isolation === "process") checkSpelledOut(field, worker.permissions);
  const numbers: PoolNumbers = { ...POOL_DEFAULTS };
  for (const key of Object.keys(POOL_DEFAULTS) as (keyof PoolNumbers)[]) {
    const value = (pool as PoolOptions)[key];
    if (value === undefined) continue;
    checkNumber(`${field}.${key}`, value, LOWEST[key] ?? 0);
    numbers[key] = value;
  }
  // A process takes too long to start for a request to wait for it.
  if (isolation === "process") numbers.spares = (pool as PoolOptions).spares ?? numbers.workers;
  if (numbers.spares > numbers.workers) {
    if ((pool as PoolOptions).spares === undefined) numbers.spares = numbers.workers;
    else fail(`${field}.spares`, `at most ${field}.workers (${numbers.workers})`, numbers.spares);
  }
  const { session = usual, priority = "normal" } = pool as PoolOptions;
  if (!SESSIONS.includes(session)) fail(`${field}.session`, oneOf(SESSIONS), session);
  if (!PRIORITIES.includes(priority)) fail(`${field}.priority`, oneOf(PRIORITIES), priority);
  checkConcurrency(field, numbers.concurrency, session);
  return { ...numbers, ...worker, session, priority, isolation, maxHeapMb };
}

function readIsolation(field: string, pool: unknown): Isolation {
  const { isolation = "thread" } = (pool ?? {}) as { isolation?: unknown };
  if (isolation === "thread" || isolation === "process") return isolation;
  return fail(`${field}.isolation`, '"thread" or "process"', isolation);
}

function checkHeap(field: string, maxHeapMb: unknown, isolation: Isolation): void {
  if (maxHeapMb === undefined) return;
  if (isolation === "process") return checkNumber(`${field}.maxHeapMb`, maxHeapMb, LOWEST_HEAP_MB);
  throw new TypeError(
    `Cannot use option "${field}.maxHeapMb": only a worker in a process has a heap with a limit of its own, and ` +
      `${field}.isolation is not "process"`,
  );
}

/** A process gets its permissions as flags, which say nothing of those of whoever starts it. */
function checkSpelledOut(field: string, permissions: Deno.PermissionOptions): void {
  const named = `${field}.permissions`;
  if (permissions === "inherit") fail(named, '"none" or every permission by name', permissions);
  for (const [kind, value] of Object.entries(permissions === "none" ? {} : permissions)) {
    if (value === "inherit") fail(`${named}.${kind}`, "true, false or a list", value);
  }
}

function checkConcurrency(field: string, concurrency: number, session: SessionPolicy): void {
  if (concurrency > MOST_CONCURRENCY) {
    throw new RangeError(
      `Cannot use option "${field}.concurrency": at most ${MOST_CONCURRENCY} is allowed, and ` +
        `${concurrency} was given`,
    );
  }
  if (concurrency === 1 || session === "request") return;
  throw new RangeError(
    `Cannot use option "${field}.concurrency": with session "${session}" requests of one worker run one ` +
      `after another, and ${concurrency} was given; use session "request"`,
  );
}

function oneOf(names: readonly string[]): string {
  const quoted = names.map((name) => JSON.stringify(name));
  return `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

function resolveThread(
  field: string,
  value: DocumentLocation | ThreadOptions,
  fields: readonly string[],
): ResolvedThread {
  const worker = resolveWorker(field, value, [...WORKER_FIELDS, "once", ...fields]);
  const { once = false } = value as Partial<ThreadOptions>;
  if (typeof once !== "boolean") fail(`${field}.once`, "true or false", once);
  return { ...worker, once };
}

function resolveLoop(
  loop: DocumentLocation | ThreadLoopOptions,
  index: number,
): ResolvedThreadLoop {
  const field = `threadLoops[${index}]`;
  const worker = resolveThread(field, loop, ["pauseMs", "reuse"]);
  const { pauseMs = 100, reuse = 1 } = loop as ThreadLoopOptions;
  checkNumber(`${field}.pauseMs`, pauseMs, 0);
  checkNumber(`${field}.reuse`, reuse, 1);
  return { ...worker, pauseMs, reuse };
}

function resolveWorker(field: string, value: unknown, fields: readonly string[]): ResolvedWorker {
  const entry = readEntry(field, value, fields);
  const { permissions = "none", store = {}, xbox } = entry as Partial<WorkerOptions>;
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
  return {
    document: entry.document,
    permissions,
    store,
    xbox: resolveScope(`${field}.xbox`, xbox),
  };
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
