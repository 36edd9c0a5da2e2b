/**
 * A box behind a listener of its own.
 *
 * @module
 */

import { checkFields, LONGEST_TIMER_MS } from "../checks.ts";
import { messageOf, RuntimeError } from "../errors.ts";
import type { Log } from "../types/log.ts";
import { Box, type BoxStatus, type SiteDefinition } from "./box.ts";
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

const DEFAULT_PORT = 8000;
const DEFAULT_GRACE_MS = 5000;

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
  const { hostname = "127.0.0.1", signal, log = standardLog() } = options;
  const port = readPort(options.port);
  const box = await Box.boot(site, { log, signal, storeUrl: options.store });
  let server: Deno.HttpServer<Deno.NetAddr>;
  const abort = new AbortController();
  try {
    server = Deno.serve({
      hostname,
      port,
      signal: abort.signal,
      onListen: () => {},
      onError: (error) => {
        log.error("A response failed", { why: messageOf(error) });
        return new Response("Internal Server Error", { status: 500 });
      },
    }, (request, info) => box.fetch(request, info));
  } catch (cause) {
    await box.stop(0);
    throw new RuntimeError("BOOT_FAILED", cannotListen(hostname, port, cause), { cause });
  }
  let finish!: () => void;
  const finished = new Promise<void>((resolve) => finish = resolve);
  let stopping: Promise<void> | undefined;
  let hurry!: () => void;
  const hurried = new Promise<void>((resolve) => hurry = resolve);

  async function down(graceMs: number): Promise<void> {
    const deadline = performance.now() + graceMs;
    box.announceStop();
    if (graceMs === 0) abort.abort();
    const closed = graceMs === 0 ? server.finished : server.shutdown();
    await box.stop(graceMs);
    // Deno cannot cut connections once it is shutting down: those that outlast the time are left
    // behind, and end with the process.
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(
        resolve,
        Math.min(LONGEST_TIMER_MS, Math.max(0, deadline - performance.now())),
      );
    });
    await Promise.race([closed, late, hurried]);
    clearTimeout(timer);
    signal?.removeEventListener("abort", stopBySignal);
    finish();
  }
  function stop(graceMs: number): Promise<void> {
    stopping ??= down(graceMs);
    if (graceMs === 0) {
      hurry();
      box.stop(0);
    }
    return stopping;
  }
  function stopBySignal(): void {
    stop(DEFAULT_GRACE_MS);
  }

  signal?.addEventListener("abort", stopBySignal);
  if (signal?.aborted) stopBySignal();
  const shown = hostname.includes(":") ? `[${hostname}]` : hostname;
  return {
    url: `http://${shown}:${server.addr.port}/`,
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
    finished,
    [Symbol.asyncDispose]: () => stop(DEFAULT_GRACE_MS),
  };
}

function readPort(option: number | undefined): number {
  const [source, value] = option !== undefined
    ? ["port", option]
    : portArgument() ?? portVariable() ?? ["port", DEFAULT_PORT];
  const port = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (Number.isInteger(port) && (port as number) >= 0 && (port as number) <= 65535) {
    return port as number;
  }
  throw new RangeError(
    `Cannot listen: ${source} must be a port from 0 to 65535, and ${
      JSON.stringify(value)
    } was given`,
  );
}

function portArgument(): [string, string] | undefined {
  for (const [index, argument] of Deno.args.entries()) {
    if (argument === "--port") return ["--port", Deno.args[index + 1] ?? ""];
    if (argument.startsWith("--port=")) return ["--port", argument.slice("--port=".length)];
  }
  return undefined;
}

function portVariable(): [string, string] | undefined {
  // Asking without the permission would prompt or throw; a box that may not read PORT has none.
  const { state } = Deno.permissions.querySync({ name: "env", variable: "PORT" });
  const value = state === "granted" ? Deno.env.get("PORT") : undefined;
  return value === undefined || value === "" ? undefined : ["PORT", value];
}

function cannotListen(hostname: string, port: number, cause: unknown): string {
  const what = `Cannot listen on ${hostname}:${port}`;
  if (cause instanceof Deno.errors.AddrInUse) return `${what}: the address is in use`;
  if (cause instanceof Deno.errors.NotCapable) {
    return `${what}: the permission --allow-net=${hostname}:${port} is missing`;
  }
  return `${what}: ${messageOf(cause)}`;
}
