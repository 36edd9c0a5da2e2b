/**
 * What a site is described with: the options of `createSite`.
 *
 * @module
 */

import type { StoreKey } from "./store.ts";

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
  /** Which other boxes its messages may name. */
  xbox?: XboxScope;
}

/** Which boxes a kind of worker may send messages to, beside its own. */
export interface XboxScope {
  /**
   * Names as `XboxOptions.to` takes them: `"host:port"`, a URL's origin, an alias or `"boxes"`; `"host:*"` is every port
   * of a host. Absent or empty: none; pages in the entry may name all that the box may reach.
   */
  to?: readonly string[];
}

/** How this box and boxes on other machines know each other. */
export interface PeersOptions {
  /**
   * Secrets that all boxes of the deployment share, each of at least 16 characters: the first signs, all are accepted. To
   * change one without a gap, add the new one last everywhere, then put it first, then take the old one away.
   */
  secrets?: readonly string[];
  /** Boxes that this one may reach, as {@linkcode XboxScope} `to` names them; an alias needs no mention. @default none */
  allow?: readonly string[];
  /**
   * Addresses by which others know this box, such as `"10.0.0.2:8000"`: messages to them stay here. The first is its name. Calls
   * for any other address are refused then; without any, whoever hears a call to another box of the deployment can
   * bring it here as well.
   */
  self?: readonly string[];
  /** So far clocks may differ, in milliseconds: an older credential is refused. @default 30000 */
  clockSkewMs?: number;
  /** Largest message in bytes, on its way out and in. @default 16 MiB */
  maxMessageBytes?: number;
  /** Largest answer in bytes. @default 64 MiB */
  maxAnswerBytes?: number;
}

/** What becomes of durable messages. */
export interface PostsOptions {
  /** Attempts until a message becomes a dead letter, 1 to 1000. @default 8 */
  attempts?: number;
  /** Pause before the second attempt in milliseconds; it doubles with each, a random part of it is left out. @default 200 */
  backOffMs?: number;
  /** The longest pause. @default 60000 */
  maxBackOffMs?: number;
  /** So long after it was handled a message's key is known, in milliseconds. @default 86400000 */
  keepKeysMs?: number;
  /** So long a box may be silent about a message that it handles before another box takes it, in milliseconds. @default 5000 */
  leaseMs?: number;
  /** Most messages that are not handled, dead letters among them; beyond them `post` rejects with `QUEUE_FULL`. @default 100000 */
  limit?: number;
  /** Messages that one box handles at once. @default 64 */
  concurrency?: number;
}

/** The document of functions that can be called from outside, and who may. */
export interface RpcOptions extends PoolOptions {
  /** Words of which a call must bring one as `auth`, or the credential of a peer (`Password`, `Passwords`). @default none */
  passwords?: readonly string[];
}

/**
 * What a worker keeps between two requests.
 *
 * - `"request"`: each request is a session of its own. Request init is evaluated once in each worker and
 *   its function called before every request; afterwards the request's resources end, and what it left
 *   on `globalThis`, listeners and timers are removed.
 * - `"restore"`: the session lasts until the worker is replaced. Request init is called once; after each
 *   request the worker goes back to the state that it left, as far as an isolate can: phases, listeners,
 *   timers, resources, own properties of `globalThis`. Variables inside modules and the prototypes of
 *   built-ins stay.
 * - `"keep"`: as `"restore"`, but only phases and the listeners for errors are put back
 *   (`restoreSession` as HHVM's code does it).
 * - `"fresh"`: every request gets a new worker, taken from the spares.
 */
export type SessionPolicy = "request" | "restore" | "keep" | "fresh";

/** How a pool of workers behaves. Durations are milliseconds. */
export interface PoolOptions extends WorkerOptions {
  /** Most workers at once, at least 1. @default the number of cores, at least 2 */
  workers?: number;
  /** Workers that are kept ready. @default 1; all of them with isolation `"process"` */
  spares?: number;
  /** What a worker keeps between two requests. @default "request", "restore" for xbox and rpc */
  session?: SessionPolicy;
  /** Requests that run at once on one worker; more than 1 only with session `"request"`. @default 1 */
  concurrency?: number;
  /** Which tasks are taken first when several wait, unless a task says otherwise. @default "normal" */
  priority?: "low" | "normal" | "high";
  /** Most tasks that may wait (`PageletServer.QueueLimit`). @default 128 */
  queueLimit?: number;
  /** Longest time until a task runs, 0 for no limit; later it is answered with 503 (`ThreadJobMaxQueuingMilliSeconds`). @default 0 */
  maxQueueMs?: number;
  /**
   * Once so many tasks wait, the newest is taken first, so that under overload some requests are answered in
   * time rather than all of them too late (`ThreadJobLIFOSwitchThreshold`). @default never
   */
  newestFirstAt?: number;
  /** Longest time from submission to the end, 0 for no limit. @default 30000 */
  deadlineMs?: number;
  /** How long a worker may take to load its documents. @default 30000 */
  startTimeoutMs?: number;
  /** How long a worker above `spares` stays without work. @default 30000 */
  idleMs?: number;
  /** How long a cancelled handler may take before its worker is replaced. @default 250 */
  graceMs?: number;
  /** How often an idle worker must show that it is not stuck, and how long it may take to. @default 5000 */
  heartbeatMs?: number;
  /** Requests that one worker serves before it is replaced, 0 for no limit (`MaxRequest`). @default 0 */
  maxRequests?: number;
  /** So long after its first request a worker is replaced before the next one, 0 for no limit (`MaxDuration`). @default 0 */
  maxAgeMs?: number;
  /** Largest request body in bytes. @default 16 MiB */
  maxBodyBytes?: number;
  /** Largest response body in bytes. @default 64 MiB */
  maxResultBytes?: number;
  /**
   * What the workers run in. A `"thread"` is a Worker of the box's process: one that spins burns a core until that
   * process ends, and one that exhausts the heap ends it. A `"process"` of its own takes some 20 ms longer to start
   * and three to four times as long for each task, and is killed by the kernel whatever it does.
   *
   * There `permissions` must be spelled out without `"inherit"`; resources are the child's own; nothing of the
   * store is kept near (`Store.peek` finds nothing); and a value that cannot leave a process, such as a `Blob` or
   * shared memory, is refused by name. The box needs `--allow-run=deno --allow-env=NODE_V8_COVERAGE` for it.
   *
   * @default "thread"
   */
  isolation?: "thread" | "process";
  /**
   * Megabytes that the heap of one worker may grow to, at least 16; only with isolation `"process"`. Beyond them it
   * is ended. Bytes of buffers are not part of the heap. @default what V8 allows
   */
  maxHeapMb?: number;
}

/** How pages run. */
export interface PagesOptions extends Omit<PoolOptions, "isolation"> {
  /**
   * Longest time from request to response, 0 for no limit; what the page starts gets no more than what is
   * left of it. In the entry a page that takes longer is answered with 504, and goes on. @default 30000 in workers, none in the entry
   */
  deadlineMs?: number;
  /** In the box's own isolate, or in a pool of workers like pagelets: threads, or processes. @default "entry" */
  isolation?: "entry" | "worker" | "process";
}

/** A document that runs beside the requests. */
export interface ThreadOptions extends WorkerOptions {
  /**
   * Whether it runs in one box only where several serve the site on one machine. When that box goes, it is
   * started in another one, once it has stopped in the first. @default false
   */
  once?: boolean;
}

/** A document that runs again and again. */
export interface ThreadLoopOptions extends ThreadOptions {
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
  /**
   * A file, `:memory:`, the URL of a KV Connect server, or a `redis:` or `rediss:` URL of a Redis that evicts
   * nothing (`maxmemory-policy noeviction`); absent: the project's default database.
   */
  url?: string;
  /**
   * Sources of entries, all read at once before anything else runs: modules, files of lines of JSON
   * (`.ndjson`, `.jsonl`) and dumps, as `Store.prime` takes them. One that fails fails the boot.
   */
  prime?: readonly DocumentLocation[];
  /**
   * Keys that get the value `true` when all sources are stored (`CompletionKeys`). In a store that
   * outlives the box they stand there from the boot before.
   */
  completionKeys?: readonly StoreKey[];
  /** Largest value in bytes. @default 16 MiB */
  maxValueBytes?: number;
  /** Most bytes of all values; beyond them, what was used least recently goes. 0: no limit. @default 0 */
  maxBytes?: number;
  /** Longest life of an entry in milliseconds, also of those without end; 0: no limit. @default 0 */
  ttlLimitMs?: number;
  /** What each isolate keeps of what it has read; `false`: nothing. */
  near?: { maxBytes?: number; maxAgeMs?: number } | false;
  /**
   * Absolute path of a socket by which the boxes of one machine share the store: the first one owns it. When
   * it ends, calls of the others fail until another box is started.
   */
  socket?: string;
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
  threads?: readonly (DocumentLocation | ThreadOptions)[];
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
  /** Functions that can be called at `/_tandem/rpc/<name>`: the named exports (`RPCServer`). */
  rpc?: DocumentLocation | RpcOptions;
  /** How this box and boxes on other machines know each other. */
  peers?: PeersOptions;
  /** What becomes of durable messages. */
  posts?: PostsOptions;
  /** Paths that are requested before the box listens; failures are logged (`WarmupRequests`). */
  warmup?: readonly string[];
  /** Stuck workers that the box bears before it says that it is unhealthy. @default 2 */
  maxLeaked?: number;
}
