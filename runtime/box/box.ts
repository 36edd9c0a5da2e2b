/**
 * One box: a store, its threads and pools, and the entrypoint in front of them; up in HHVM's order
 * and back down in reverse. It owns no listener: `serve` and hosts do.
 *
 * @module
 */

import type { Hono } from "../deps/hono.ts";
import { loadDocument, loadFunction } from "../document/load.ts";
import { ServiceThread } from "../document/service_thread.ts";
import { ThreadLoop } from "../document/thread_loop.ts";
import { messageOf, RuntimeError } from "../errors.ts";
import { Entrypoint } from "../http/entrypoint.ts";
import type { ResolvedOptions, ResolvedPool, ResolvedWorker } from "../options.ts";
import { composeApp, sealApp } from "../pagelet/compose.ts";
import { PageletServer } from "../pagelet/server.ts";
import { Pool, type PoolStatus } from "../pool/pool.ts";
import type { PoolTask } from "../pool/task.ts";
import { TrueGlobals } from "../resources/true_globals.ts";
import { type KvStore, openStore, primeStore } from "../store/mod.ts";
import type { Services } from "../thread/thread.ts";
import type { ServerInfo, SessionContext, ThreadType } from "../types/document.ts";
import type { Log } from "../types/log.ts";
import { XboxServer } from "../xbox/server.ts";
import { pagesInWorkers } from "./pages.ts";
import { KINDS, WorkerFactory } from "./workers.ts";

/** A site as a box needs it. */
export interface SiteDefinition {
  /** The options, checked. */
  readonly options: ResolvedOptions;
  /** Routes that were added to the site itself. */
  // deno-lint-ignore no-explicit-any -- any environment: the box fills what the site's handlers expect
  readonly app: Hono<any>;
  /** Whether the site's own app answers errors and unknown paths, rather than the pages document. */
  readonly answersErrors: boolean;
}

/** How a box is booted. */
export interface BoxOptions {
  /** Where the box writes. */
  log: Log;
  /** Gives the boot up when it aborts. */
  signal?: AbortSignal;
  /** In place of the site's own `store.url`. */
  storeUrl?: string;
}

/** Figures of a box. */
export interface BoxStatus {
  /** The site's name. */
  site: string;
  /** What the box is doing. */
  state: "serving" | "stopping" | "stopped";
  /** When it began to boot, in milliseconds since the epoch. */
  startedAt: number;
  /** Milliseconds since then. */
  uptimeMs: number;
  /** 100 while all is well, 0 when no new work should come. */
  healthLevel: number;
  /** Requests that are not over yet. */
  activeRequests: number;
  /** Figures of each pool. */
  pools: Record<string, PoolStatus>;
}

/** What stands behind the entrypoint. */
interface RequestRooms {
  pageletServer: PageletServer | undefined;
  xboxServer: XboxServer | undefined;
  pageServer: PageletServer | undefined;
  services(find: (id: unknown) => PoolTask<unknown> | undefined): Services;
}

/** Workers that may be given up as stuck before the box says that it is unhealthy. */
const MAX_LEAKED = 2;

/** A booted box. Make one with {@linkcode Box.boot}. */
export class Box {
  readonly #site: SiteDefinition;
  readonly #log: Log;
  readonly #state: { isStopping: boolean; healthLevel: number; startedAt: number };
  readonly #pools = new Map<string, Pool>();
  readonly #threads: ServiceThread[] = [];
  readonly #loops: ThreadLoop[] = [];
  #store: KvStore | undefined;
  #entrypoint: Entrypoint | undefined;
  #leaked = 0;
  #stopped = false;
  #stopping: Promise<void> | undefined;
  #hurry = () => {};

  private constructor(site: SiteDefinition, { log }: BoxOptions) {
    this.#site = site;
    this.#log = log;
    this.#state = { isStopping: false, healthLevel: 100, startedAt: Date.now() };
  }

  /**
   * Brings a box up: primes the store, runs the startup document, starts the threads and waits until
   * each has reported started, and warms the pools.
   *
   * @throws {RuntimeError} `BOOT_FAILED`, naming the culprit, after everything that was started has been stopped.
   */
  static async boot(site: SiteDefinition, options: BoxOptions): Promise<Box> {
    const box = new Box(site, options);
    try {
      await box.#up(options);
      return box;
    } catch (cause) {
      await box.stop(0);
      throw new RuntimeError(
        "BOOT_FAILED",
        `Cannot boot site "${site.options.name}": ${messageOf(cause)}`,
        { cause },
      );
    }
  }

  /** Answers a request. */
  async fetch(request: Request, info?: object): Promise<Response> {
    if (this.#stopped) return new Response("Service Unavailable", { status: 503 });
    return await this.#entrypoint!.fetch(request, info);
  }

  /** Figures for people and health checks. */
  status(): BoxStatus {
    const { startedAt, isStopping, healthLevel } = this.#state;
    return {
      site: this.#site.options.name,
      state: this.#stopped ? "stopped" : isStopping ? "stopping" : "serving",
      startedAt,
      uptimeMs: Date.now() - startedAt,
      healthLevel,
      activeRequests: this.#entrypoint?.active ?? 0,
      pools: Object.fromEntries([...this.#pools].map(([name, pool]) => [name, pool.status()])),
    };
  }

  /** Tells handlers and threads that the box is about to stop. */
  announceStop(): void {
    this.#state.isStopping = true;
    for (const pool of this.#pools.values()) pool.tell("box", { isStopping: true });
  }

  /**
   * Stops the box within `graceMs` milliseconds: requests end, then queued tasks, then threads, then
   * the store closes. A second call makes the first one hurry if its grace is shorter.
   */
  stop(graceMs: number): Promise<void> {
    if (this.#stopping === undefined) this.#stopping = this.#down(performance.now() + graceMs);
    else if (graceMs === 0) this.#hurry();
    return this.#stopping;
  }

  async #up({ signal = new AbortController().signal, storeUrl }: BoxOptions): Promise<void> {
    const { options } = this.#site;
    const log = this.#log;
    signal.throwIfAborted();
    const { url, prime, maxValueBytes } = options.store;
    const store = this.#store = await openStore({ url: storeUrl ?? url, maxValueBytes });
    if (prime.length > 0) {
      const count = await primeStore(store, prime.map((source) => new URL(source)), log, signal);
      log.info("The store is primed", { entries: count });
    }
    const globals = new TrueGlobals();
    if (options.startup !== undefined) await this.#startUp(options.startup, store, globals, signal);
    globals.seal();
    signal.throwIfAborted();

    const factory = new WorkerFactory({
      site: options,
      store,
      globals,
      log,
      box: this.#state,
    });
    const rooms = this.#openRooms(factory);
    await this.#startThreads(factory, rooms, signal);
    for (const [name, pool] of this.#pools) {
      await named(`${name} document ${options[name as "pagelets"]!.document}`, () => pool.warm());
    }
    signal.throwIfAborted();
    this.#entrypoint = await this.#openEntrypoint(rooms, store, globals);
    sealApp(this.#site.app);
    for (const path of options.warmup) await this.#warmUp(path);
  }

  async #startUp(
    document: string,
    store: KvStore,
    globals: TrueGlobals,
    signal: AbortSignal,
  ): Promise<void> {
    const startup = await loadFunction(document);
    await named(`startup document ${document}`, async () => {
      await startup({ store, globals, log: this.#log, signal });
    });
  }

  #openRooms(factory: WorkerFactory): RequestRooms {
    const { pagelets, xbox, pages } = this.#site.options;
    const open = (name: string, module: string, threadType: ThreadType, worker: ResolvedPool) => {
      const pool = new Pool({
        ...worker,
        name,
        log: this.#log,
        onLeak: () => this.#countLeak(),
        services: (find) => services(find),
        start: (own) => {
          const kind = { name, module, threadType, worker, hasSessions: true };
          return factory.start(kind, own);
        },
      });
      this.#pools.set(name, pool);
      return pool;
    };
    const pageletServer = pagelets &&
      new PageletServer(open("pagelets", KINDS.pagelet, "Pagelet Thread", pagelets), pagelets);
    const xboxServer = xbox && new XboxServer(open("xbox", KINDS.xbox, "Xbox Thread", xbox));
    const pageServer = pages?.isolation === "worker"
      ? new PageletServer(open("pages", KINDS.pagelet, "Web Request", pages), pages)
      : undefined;
    const services = (find: (id: unknown) => PoolTask<unknown> | undefined): Services => ({
      ...pageletServer?.services(find),
      ...xboxServer?.services(find),
    });
    return { pageletServer, xboxServer, pageServer, services };
  }

  async #startThreads(
    factory: WorkerFactory,
    rooms: RequestRooms,
    signal: AbortSignal,
  ): Promise<void> {
    const { threads, threadLoops } = this.#site.options;
    const starter = (worker: ResolvedWorker, name: string) => {
      const kind = {
        name,
        module: KINDS.document,
        threadType: "Service Thread" as const,
        worker,
        hasSessions: false,
      };
      return (own: Services, stop: AbortSignal) =>
        factory.start(kind, { ...rooms.services(() => undefined), ...own }, stop);
    };
    const log = this.#log;
    for (const worker of threads) {
      const start = starter(worker, "thread");
      this.#threads.push(new ServiceThread({ document: worker.document, start, log }));
    }
    for (const loop of threadLoops) {
      const start = starter(loop, "loop");
      this.#loops.push(new ThreadLoop({ ...loop, start, log }));
    }
    const barrier = (async () => {
      for (const [index, thread] of this.#threads.entries()) {
        await named(`thread ${threads[index]!.document}`, () => thread.started);
      }
    })();
    await untilAborted(barrier, signal);
  }

  async #openEntrypoint(
    { pageletServer, xboxServer, pageServer }: RequestRooms,
    store: KvStore,
    globals: TrueGlobals,
  ): Promise<Entrypoint> {
    const { options, app, answersErrors } = this.#site;
    const { pages, requestInit } = options;
    const state = this.#state;
    const server: ServerInfo = {
      get isStopping() {
        return state.isStopping;
      },
      get healthLevel() {
        return state.healthLevel;
      },
      get uptimeMs() {
        return Date.now() - state.startedAt;
      },
      get startedAt() {
        return state.startedAt;
      },
    };
    let document: unknown;
    if (pageServer !== undefined) document = pagesInWorkers(pageServer);
    else if (pages !== undefined) document = (await loadDocument(pages.document)).default;
    const apps = pages === undefined ? [app] : [app, document];
    const main = pages === undefined || answersErrors ? app : document;
    return new Entrypoint({
      compose: (onError) => composeApp(apps, main, `document ${pages?.document}`, onError),
      store,
      pagelets: pageletServer,
      xbox: xboxServer,
      globals,
      server,
      log: this.#log,
      requestInit: requestInit?.function === undefined || pageServer !== undefined
        ? undefined
        : await loadFunction(requestInit.document, requestInit.function) as (
          context: SessionContext,
        ) => unknown,
    });
  }

  async #warmUp(path: string): Promise<void> {
    const response = await this.#entrypoint!.fetch(new Request(new URL(path, "http://localhost")));
    await response.body?.cancel();
    if (response.ok) return;
    this.#log.warn("A warm-up request failed", { path, status: response.status });
  }

  #countLeak(): void {
    this.#leaked++;
    if (this.#leaked <= MAX_LEAKED) return;
    this.#state.healthLevel = 0;
    this.#log.error("The box is unhealthy: stuck workers burn cores until the process ends", {
      leaked: this.#leaked,
    });
  }

  async #down(deadline: number): Promise<void> {
    this.announceStop();
    const hurried = new Promise<void>((resolve) => this.#hurry = resolve);
    let hurry = false;
    hurried.then(() => hurry = true);
    const left = () => hurry ? 0 : Math.max(0, deadline - performance.now());
    const within = async (work: Promise<unknown>) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => timer = setTimeout(resolve, left()));
      await Promise.race([work, late, hurried]);
      clearTimeout(timer);
    };
    if (this.#entrypoint !== undefined) await within(this.#entrypoint.idle());
    await within(Promise.all([...this.#pools.values()].map((pool) => pool.drain())));
    await Promise.all([
      ...this.#threads.map((thread) => thread.stop(left())),
      ...this.#loops.map((loop) => loop.stop(left())),
    ]);
    this.#stopped = true;
    await Promise.all([...this.#pools.values()].map((pool) => pool.close(Math.min(500, left()))));
    this.#store?.close();
  }
}

/** Names what was being done in the error that ended it. */
async function named(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    const reason = messageOf(cause);
    if (reason.startsWith("Cannot ") && cause instanceof RuntimeError) throw cause;
    throw new RuntimeError("BOOT_FAILED", `${what}: ${reason}`, { cause });
  }
}

async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
