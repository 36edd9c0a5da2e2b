/**
 * A box behind a listener of its own.
 *
 * @module
 */

import { checkFields, LONGEST_TIMER_MS } from "../checks.ts";
import { messageOf, RuntimeError } from "../errors.ts";
import type { Log } from "../types/log.ts";
import type { PostsAdmin } from "../types/posts.ts";
import { Box, type BoxPlace, type BoxStatus, type SiteDefinition } from "./box.ts";
import { cannotListen } from "./cannot_listen.ts";
import { DrainGate } from "./drain_gate.ts";
import { readPort } from "./port.ts";
import { standardLog } from "./lifecycle.ts";

/** How a site is served. */
export interface ServeOptions {
  /** Address to listen on. @default "127.0.0.1" */
  hostname?: string;
  /** Port, 0 for a free one; absent: the program's `--port`, else the environment's `PORT`, else 8000. */
  port?: number;
  /** In place of the site's own `store.url`. */
  store?: string;
  /** Stops the box when it aborts, as {@linkcode RunningBox.drain} does; gives the boot up before that. */
  signal?: AbortSignal;
  /** Where the box writes. @default standard error */
  log?: Log;
}

/** A box that serves. */
export interface RunningBox extends AsyncDisposable {
  /** Where it answers, with a slash at the end. */
  readonly url: string;
  /** Figures for people and health checks. */
  status(): BoxStatus;
  /** Looks after durable messages. */
  readonly posts: PostsAdmin;
  /**
   * Takes no new connection, lets what is under way end, and stops.
   *
   * @param options `graceMs`: the longest that may take, in milliseconds. @default 5000
   * @throws {RangeError} If `graceMs` is not a number from 0.
   */
  drain(options?: { graceMs?: number }): Promise<void>;
  /** Stops at once; makes a drain that is under way hurry. Two stops are one. */
  stop(): Promise<void>;
  /** Resolves once the box has stopped. */
  readonly finished: Promise<void>;
}

const DEFAULT_GRACE_MS = 5000;
/** The part of the time for a drain that uploads may take before the listener closes. */
const UPLOAD_SHARE = 0.4;
/** The part of it after which the listener closes, come what may. */
const CLOSE_SHARE = 0.5;

/**
 * Boots a site and serves it; resolves when it is ready for requests.
 *
 * @throws {TypeError} If `site` does not come from `createSite`.
 * @throws {TypeError} If an option is unknown.
 * @throws {RangeError} If the port is not one.
 * @throws {RuntimeError} `BOOT_FAILED`, naming what could not come up. Nothing is left running or listening then.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { createSite, serve } from "@tandem/tandem";
 *
 * const site = createSite({ store: { url: ":memory:" } });
 * site.app.get("/", (c) => c.text("hello"));
 *
 * await using box = await serve(site, { port: 0 });
 * const response = await fetch(box.url);
 * assert.equal(await response.text(), "hello");
 * ```
 */
export async function serve(site: SiteDefinition, options: ServeOptions = {}): Promise<RunningBox> {
  if (site?.options === undefined || site.app === undefined) {
    throw new TypeError(
      "Cannot serve: what createSite returns is needed, and something else was given",
    );
  }
  checkFields("options", options, ["hostname", "port", "store", "signal", "log"]);
  return await serveBox(site, options);
}

/** A box among several that one supervisor runs. */
export interface Sibling extends BoxPlace {
  /** Whether other processes listen on the port as well. */
  sharesPort?: boolean;
}

/** A box that serves, as its supervisor sees it. */
export interface ServingBox extends RunningBox {
  /** The port that it listens on. */
  readonly port: number;
  /** Starts or stops what runs in one box of a machine only; resolves when that is done. */
  lead(leads: boolean): Promise<void>;
}

/** What {@linkcode serve} does, for a box that may have siblings. */
export async function serveBox(
  site: SiteDefinition,
  options: ServeOptions,
  { sharesPort = false, ...place }: Sibling = {},
): Promise<ServingBox> {
  const { hostname = "127.0.0.1", signal, log = standardLog() } = options;
  const port = readPort(options.port);
  const box = await Box.boot(site, { ...place, log, signal, storeUrl: options.store });
  let server: Deno.HttpServer<Deno.NetAddr>;
  const abort = new AbortController();
  const gate = new DrainGate();
  try {
    server = Deno.serve({
      hostname,
      port,
      reusePort: sharesPort,
      signal: abort.signal,
      onListen: () => {},
      onError: (error) => {
        log.error("A response failed", { why: messageOf(error) });
        return new Response("Internal Server Error", { status: 500 });
      },
    }, (request, info) => gate.pass(request, (passing) => box.fetch(passing, info)));
  } catch (cause) {
    await box.stop(0);
    throw new RuntimeError("BOOT_FAILED", cannotListen(hostname, port, cause), { cause });
  }
  const finished = Promise.withResolvers<void>();
  const hurry = new AbortController();
  let stopping: Promise<void> | undefined;

  async function down(graceMs: number): Promise<void> {
    const began = performance.now();
    const left = () => Math.max(0, began + graceMs - performance.now());
    box.announceStop();
    let closed: Promise<void>;
    if (graceMs === 0) {
      abort.abort();
      closed = server.finished;
    } else {
      const [uploads, end] = [began + graceMs * UPLOAD_SHARE, began + graceMs * CLOSE_SHARE];
      await gate.quiet(uploads, end, hurry.signal);
      closed = server.shutdown();
      await gate.release();
    }
    await box.stop(hurry.signal.aborted ? 0 : left());
    // Deno cannot cut connections once it is shutting down: those that outlast the time are left
    // behind, and end with the process.
    await untilLate(closed, left(), hurry.signal);
    signal?.removeEventListener("abort", stopBySignal);
    finished.resolve();
  }
  function stop(graceMs: number): Promise<void> {
    stopping ??= down(graceMs);
    if (graceMs === 0) {
      hurry.abort();
      box.stop(0);
    }
    return stopping;
  }
  function stopBySignal(): void {
    stop(DEFAULT_GRACE_MS);
  }

  box.knownAs(hostname, server.addr.port);
  signal?.addEventListener("abort", stopBySignal);
  if (signal?.aborted) stopBySignal();
  const shown = hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname;
  return {
    url: `http://${shown}:${server.addr.port}/`,
    port: server.addr.port,
    posts: box.posts,
    lead: (leads) => box.lead(leads),
    status: () => box.status(),
    drain: ({ graceMs = DEFAULT_GRACE_MS } = {}) => {
      if (typeof graceMs === "number" && graceMs >= 0) return stop(graceMs);
      return Promise.reject(
        new RangeError(
          `Cannot drain: graceMs must be a number of milliseconds from 0, and ${graceMs} was given`,
        ),
      );
    },
    stop: () => stop(0),
    finished: finished.promise,
    [Symbol.asyncDispose]: () => stop(DEFAULT_GRACE_MS),
  };
}

/** Waits for something, for some milliseconds at most, or until the signal aborts. */
async function untilLate(work: Promise<unknown>, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, Math.min(LONGEST_TIMER_MS, ms));
  signal.addEventListener("abort", () => over.resolve());
  await Promise.race([work, over.promise]);
  clearTimeout(timer);
}
