/**
 * One box: a store, its threads and pools, and the entrypoint in front of them; up in HHVM's order
 * and back down in reverse. It owns no listener: `serve` and hosts do.
 *
 * @module
 */

import { Hono } from "../deps/hono.ts";
import { LONGEST_TIMER_MS } from "../checks.ts";
import { checkDocument, loadDocument, loadFunction } from "../document/load.ts";
import { messageOf, RuntimeError } from "../errors.ts";
import { Entrypoint, type HostInfo } from "../http/entrypoint.ts";
import type { ThreadStatus } from "../document/service_thread.ts";
import type { ResolvedOptions } from "../options.ts";
import { composeApp, sealApp } from "../pagelet/compose.ts";
import { OWN } from "../pool/entry/own.ts";
import type { PoolStatus } from "../pool/status.ts";
import * as resources from "../resources/mod.ts";
import type { Engine } from "../store/engine.ts";
import { engineOf, type OpenStore, openStore, primeStore } from "../store/mod.ts";
import type { StartupContext } from "../types/document.ts";
import type { Log } from "../types/log.ts";
import type { PostsAdmin, PostsStatus } from "../types/posts.ts";
import { PostQueue } from "../xbox/durable/queue.ts";
import type { Siblings } from "../xbox/siblings.ts";
import type { HealthMonitor } from "./health.ts";
import { Neighbours } from "./neighbours.ts";
import { pagesInWorkers } from "./pages.ts";
import { openRooms, type Rooms } from "./rooms.ts";
import { BoxState } from "./state.ts";
import { scopeOf, UNSCOPED } from "../xbox/server.ts";
import { named, untilAborted } from "./steps.ts";
import { BoxThreads } from "./threads.ts";
import { watchLoad } from "./watch.ts";
import { WorkerFactory } from "./workers.ts";

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

/** What tells a box from its siblings under one supervisor. */
export interface BoxPlace {
  /** Opens the store's engine in place of the box, which says where the data is. */
  openEngine?: (url: string | undefined) => Promise<Engine>;
  /** Whether it primes the store. @default true */
  primes?: boolean;
  /** Whether it runs what a machine has once. @default true */
  leads?: boolean;
  /** The other boxes of the machine. @default none */
  siblings?: Siblings;
}

/** How a box is booted. */
export interface BoxOptions extends BoxPlace {
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
  /** Stuck workers that were given up, in all pools. */
  leaked: number;
  /** Figures of each pool, and of each of its workers. */
  pools: Record<string, PoolStatus>;
  /** What each service thread and thread loop is doing. */
  threads: ThreadStatus[];
  /** Durable messages of all boxes that use the store; absent while the box boots. */
  posts: PostsStatus | undefined;
}

/** The part of its time that one step of a stop may take: a client that hangs must leave some for the threads. */
const DRAIN_SHARE = 0.7;

/** How long threads that run once a machine may take to stop when another box is to run them. */
const LEAD_GRACE_MS = 2000;

/** A booted box. Make one with {@linkcode Box.boot}. */
export class Box {
  readonly #site: SiteDefinition;
  readonly #log: Log;
  readonly #state: BoxState;
  readonly #threads = new BoxThreads();
  readonly #neighbours: Neighbours;
  #pools: Rooms["pools"] = new Map();
  #store: OpenStore | undefined;
  #posts: PostQueue | undefined;
  #entrypoint: Entrypoint | undefined;
  #monitor: HealthMonitor | undefined;
  #stopped = false;
  #stopping: Promise<void> | undefined;
  #hurry = () => {};

  private constructor(site: SiteDefinition, { log, siblings }: BoxOptions) {
    this.#site = site;
    this.#log = log;
    this.#state = new BoxState(log, site.options.maxLeaked);
    this.#neighbours = new Neighbours(site.options, siblings);
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
  fetch(request: Request, info?: HostInfo): Promise<Response> {
    if (!this.#stopped) return this.#entrypoint!.fetch(request, info);
    return Promise.resolve(new Response("Service Unavailable", { status: 503 }));
  }

  /** Looks after durable messages. */
  get posts(): PostsAdmin {
    return this.#posts!;
  }

  /** Figures for people and health checks. */
  status(): BoxStatus {
    const { startedAt, isStopping, healthLevel, uptimeMs } = this.#state;
    return {
      site: this.#site.options.name,
      state: this.#stopped ? "stopped" : isStopping ? "stopping" : "serving",
      startedAt,
      uptimeMs,
      healthLevel,
      activeRequests: this.#entrypoint?.active ?? 0,
      leaked: this.#state.leaked,
      threads: this.#threads.status(),
      posts: this.#posts?.status(),
      pools: Object.fromEntries([...this.#pools].map(([name, pool]) => [name, pool.status()])),
    };
  }

  /**
   * Starts what runs in one box of a machine only, or stops it; resolves when each of it has reported started, or has
   * stopped, within `graceMs` milliseconds.
   */
  async lead(leads: boolean, graceMs = LEAD_GRACE_MS): Promise<void> {
    if (!leads) return await this.#threads.follow(graceMs);
    if (this.#state.isStopping) return;
    this.#threads.lead();
    await this.#threads.barrier();
  }

  /** Says where the box answers: messages to that address stay here. */
  knownAs(hostname: string, port: number): void {
    this.#neighbours.knownAs(hostname, port);
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

  async #up(
    { signal = new AbortController().signal, storeUrl, openEngine, primes = true, leads = true }:
      BoxOptions,
  ): Promise<void> {
    const { options, app } = this.#site;
    const log = this.#log;
    signal.throwIfAborted();
    for (const document of documentsOf(options)) await checkDocument(document);
    const { prime, completionKeys, ...limits } = options.store;
    const where = { ...limits, url: storeUrl ?? limits.url };
    const store = this.#store = await openStore(where, { openEngine });
    if (primes && (prime.length > 0 || completionKeys.length > 0)) {
      const sources = prime.map((source) => new URL(source));
      const count = await primeStore(store, sources, log, signal, completionKeys);
      log.info("The store is primed", { entries: count });
    }
    resources.startup();
    resources.allocateId(OWN.thread);
    resources.setErrorHandler((error) => log.error("A resource failed", { why: messageOf(error) }));
    const globals = new resources.TrueGlobals();
    const { startup } = options;
    if (startup !== undefined) {
      const context = { store, globals, log, signal } satisfies StartupContext;
      const ran = named("startup document", startup, async () => {
        const run = await loadFunction(startup);
        signal.throwIfAborted();
        await run(context);
      });
      await untilAborted(ran, signal);
    }
    globals.seal();
    signal.throwIfAborted();

    const box = this.#state;
    const factory = new WorkerFactory({ site: options, store, globals, log, box });
    const neighbours = this.#neighbours;
    const posts = this.#posts = new PostQueue({
      engine: engineOf(store),
      options: options.posts,
      deliver: (delivery, signal) => rooms.xbox.deliver(delivery, signal),
      boxId: String(Deno.pid),
      maxMessageBytes: options.peers.maxMessageBytes,
      log,
    });
    const rooms: Rooms = openRooms(options, factory, {
      log,
      onLeak: () => box.countLeak(),
      carriers: {
        self: neighbours.self,
        checkReach: (address) => neighbours.checkReach(address),
        remote: (address, outgoing) => neighbours.remote(address, outgoing),
        sibling: (name, outgoing) => neighbours.sibling(name, outgoing),
        posts,
      },
      isPeer: neighbours.peers && ((request, read) => neighbours.isPeer(request, read)),
    });
    this.#pools = rooms.pools;
    this.#monitor = watchLoad(rooms.pools, options, box, log);
    this.#threads.start(options, factory, (worker) => rooms.services("own", worker), log);
    if (leads) this.#threads.lead();
    await untilAborted(this.#threads.barrier(), signal);
    for (const [name, pool] of rooms.pools) {
      const { document } = options[name]!;
      await untilAborted(named(`${name} document`, document, () => pool.warm()), signal);
    }
    signal.throwIfAborted();
    neighbours.serve((arrived) => rooms.xbox.receive(arrived));
    const opened = this.#openEntrypoint(rooms, store, globals);
    await untilAborted(opened.then(() => {}), signal);
    this.#entrypoint = await opened;
    sealApp(app);
    for (const path of options.warmup) await untilAborted(this.#warmUp(path), signal);
    // Also where nobody here handles messages: a page may have posted one to another box.
    posts.start();
  }

  async #openEntrypoint(
    rooms: Rooms,
    store: OpenStore,
    globals: resources.TrueGlobals,
  ): Promise<Entrypoint> {
    const { options, app, answersErrors } = this.#site;
    const { pages, requestInit } = options;
    const neighbours = this.#neighbours;
    let document: unknown;
    if (rooms.pages !== undefined) document = pagesInWorkers(rooms.pages, pages!.maxBodyBytes);
    else if (pages !== undefined) document = (await loadDocument(pages.document)).default;
    const apps = pages === undefined ? [app] : [app, document];
    const main = pages === undefined || answersErrors ? app : document;
    // Pages in workers open their sessions there.
    const initialise = requestInit?.function === undefined || rooms.pages !== undefined
      ? undefined
      : await loadFunction(requestInit.document, requestInit.function);
    return new Entrypoint({
      compose: (onError) =>
        composeApp(apps, main, `document ${pages?.document}`, onError, new Hono().router),
      store,
      pagelets: rooms.pagelets,
      xbox: rooms.xbox,
      answerPeer: neighbours.peers &&
        ((request) => neighbours.answer(request, (arrived) => rooms.xbox.receive(arrived))),
      xboxScope: pages?.xbox.to === undefined ? UNSCOPED : scopeOf(pages.xbox.to),
      rpc: rooms.rpc,
      globals,
      server: this.#state,
      log: this.#log,
      deadlineMs: pages?.isolation === "entry" ? pages.deadlineMs : 0,
      requestInit: initialise,
    });
  }

  async #warmUp(path: string): Promise<void> {
    const response = await this.#entrypoint!.fetch(new Request(new URL(path, "http://localhost")));
    await response.body?.cancel();
    if (response.ok) return;
    this.#log.warn("A warm-up request failed", { path, status: response.status });
  }

  async #down(deadline: number): Promise<void> {
    this.announceStop();
    const hurried = new Promise<void>((resolve) => this.#hurry = resolve);
    let hurry = false;
    hurried.then(() => hurry = true);
    const left = () => hurry ? 0 : Math.max(0, deadline - performance.now());
    const within = async (work: Promise<unknown>, share: number) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) =>
        timer = setTimeout(resolve, Math.min(LONGEST_TIMER_MS, left() * share))
      );
      await Promise.race([work, late, hurried]);
      clearTimeout(timer);
    };
    if (this.#entrypoint !== undefined) await within(this.#entrypoint.idle(), DRAIN_SHARE);
    this.#monitor?.stop();
    hurried.then(() => this.#posts?.stop(0));
    await this.#posts?.stop(left() * DRAIN_SHARE);
    const drained = Promise.all([...this.#pools.values()].map((pool) => pool.drain()));
    await within(drained, DRAIN_SHARE);
    await this.#threads.stop(left());
    this.#stopped = true;
    await Promise.all([...this.#pools.values()].map((pool) => pool.close(Math.min(500, left()))));
    this.#neighbours.close();
    await this.#store?.close();
  }
}

/** Every document that a box loads. */
function documentsOf(options: ResolvedOptions): string[] {
  const { startup, threads, threadLoops, requestInit, pages, pagelets, xbox, rpc } = options;
  const rooms = [...threads, ...threadLoops, requestInit, pages, pagelets, xbox, rpc];
  const documents = [startup, ...rooms.map((room) => room?.document)];
  return documents.filter((document) => document !== undefined);
}
