/**
 * What each kind of document is called with.
 *
 * @module
 */

import type { Log } from "./log.ts";
import type { Pagelets } from "./pagelet.ts";
import type { Store } from "./store.ts";
import type { Session, Xbox } from "./xbox.ts";

/** Which kind of worker code runs in (`THREAD_TYPE`). */
export type ThreadType =
  | "Web Request"
  | "Pagelet Thread"
  | "Xbox Thread"
  | "RPC Thread"
  | "Service Thread"
  | "Startup";

/** True globals: written by the startup document, frozen before any thread starts, read everywhere. */
export interface Globals {
  /** The value of `key`, deep-frozen once sealed, or `undefined`. */
  get<T = unknown>(key: string): T | undefined;
  /** Whether `key` was set. */
  has(key: string): boolean;
  /** The names that were set. */
  keys(): string[];
}

/** True globals while the startup document may still write them. */
export interface WritableGlobals extends Globals {
  /**
   * Sets a global to a copy of `value`.
   *
   * @throws {DOMException} `DataCloneError` if structured clone cannot carry the value as it is: functions,
   * instances of classes that are not built in, and shared memory, however deep they stand.
   * @throws {TrueGlobalError} If the globals are sealed; its code is `GLOBALS_SEALED`.
   * @throws {TypeError} If the key is no text.
   */
  set(key: string, value: unknown): void;
}

/** What the startup document gets. No thread exists yet: there are no pagelets and no xbox. */
export interface StartupContext {
  /** The shared store. */
  store: Store;
  /** The true globals, sealed when the document has ended. */
  globals: WritableGlobals;
  /** Writes to the box's log. */
  log: Log;
  /** Aborts when the box is told to stop while it boots. */
  signal: AbortSignal;
}

/** What service threads and loop iterations have in common. */
interface ServiceContext {
  /** The shared store. */
  store: Store;
  /** Sends messages to the site's xbox document. */
  xbox: Xbox;
  /** Starts pagelets. */
  pagelets: Pagelets;
  /** The true globals. */
  globals: Globals;
  /** Waits up to `ms` milliseconds for the stop notice and says whether it has come (`hphp_service_thread_stopped`). */
  stopped(ms: number): Promise<boolean>;
  /** Aborts with the stop notice. */
  signal: AbortSignal;
  /** Writes to the box's log. */
  log: Log;
}

/** What a thread document gets. */
export interface ThreadContext extends ServiceContext {
  /** Reports the thread as started; requests wait until every thread has (`hphp_service_thread_started`). */
  started(): void;
  /** Number of the thread, unique in its box (`hphp_get_thread_id`). */
  threadId: number;
}

/** What a thread-loop document gets. */
export interface ThreadLoopContext extends ServiceContext {
  /** Number of this iteration, from 1. */
  iteration: number;
}

/** What the request init function gets when a session begins. */
export interface SessionContext {
  /** The session that begins; what the function leaves in `locals` is there for the handlers. */
  session: Session;
  /** The shared store. */
  store: Store;
  /** The true globals. */
  globals: Globals;
  /** Which kind of worker this is. */
  threadType: ThreadType;
  /** The request that opens the session; absent for xbox messages and calls of functions. */
  request?: Request;
  /** Writes to the box's log. */
  log: Log;
  /**
   * Runs `fn` after the handler of every request of the session and before its response is sent; an error
   * makes the response a 500 (`register_shutdown_function`).
   */
  onShutdown(fn: () => unknown): void;
  /** Runs `fn` after the response of every request of the session; an error is only logged. */
  onPostSend(fn: () => unknown): void;
  /** Runs `fn` last, after every request of the session; an error is only logged. */
  onCleanup(fn: () => unknown): void;
}

/** What a handler can learn about the box that it runs in. */
export interface ServerInfo {
  /** Whether the box is draining (`server_is_stopping`). */
  readonly isStopping: boolean;
  /** 100 while all is well, 0 when no new work should come (`server_health_level`). */
  readonly healthLevel: number;
  /** Milliseconds since the box began to boot (`server_uptime`). */
  readonly uptimeMs: number;
  /** When the box began to boot, in milliseconds since the epoch (`server_process_start_time`). */
  readonly startedAt: number;
}

/** What Tandem puts in `c.var` of pages and pagelets. */
export interface TandemVariables {
  /** The shared store. */
  store: Store;
  /** Starts pagelets. */
  pagelets: Pagelets;
  /** Sends messages to the site's xbox document. */
  xbox: Xbox;
  /** The session that this request belongs to. */
  session: Session;
  /** Unique to this request. */
  requestId: string;
  /** Which kind of worker this is. */
  threadType: ThreadType;
  /** The true globals. */
  globals: Globals;
  /** Writes to the box's log, with the request's id. */
  log: Log;
  /** What is known about the box. */
  server: ServerInfo;
  /** Aborts when the client has gone, or the pagelet is cancelled or out of time. */
  signal: AbortSignal;
  /** Runs `fn` after the handler and before the response is sent; an error makes the response a 500. */
  onShutdown(fn: () => unknown): void;
  /** Runs `fn` after the response; an error is only logged, and ends this phase (`register_postsend_function`). */
  onPostSend(fn: () => unknown): void;
  /** Runs `fn` after the response and all post-send work; an error is only logged. */
  onCleanup(fn: () => unknown): void;
}

/**
 * The environment of a Hono app that Tandem runs: `new Hono<TandemEnv>()` types `c.var`.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { Hono } from "npm:hono@^4.13.19";
 * import type { TandemEnv } from "@tandem/tandem";
 *
 * const app = new Hono<TandemEnv>();
 * app.get("/", async (c) => c.json(await c.var.store.get("motd") ?? null));
 * assert.equal(app.routes.length, 1);
 * ```
 */
export interface TandemEnv {
  /** What `c.var` holds. */
  Variables: TandemVariables;
}
