/**
 * The service threads and thread loops of a box, up to the barrier and back down.
 *
 * @module
 */

import { ServiceThread, type ThreadStatus } from "../document/service_thread.ts";
import { ThreadLoop } from "../document/thread_loop.ts";
import type { ResolvedOptions, ResolvedThread } from "../options.ts";
import type { Services } from "../thread/thread.ts";
import type { Log } from "../types/log.ts";
import { named } from "./steps.ts";
import { KINDS, type WorkerFactory } from "./workers.ts";

type Running = ServiceThread | ThreadLoop;

/** A document of the site, and what runs it. */
interface Place {
  document: string;
  once: boolean;
  start(): Running;
  running: Running | undefined;
}

/** Runs what a site has of threads and loops. */
export class BoxThreads {
  #places: Place[] = [];
  #stopped = false;

  /**
   * Starts those that run in every box; `services` are what each of their workers may call besides the store
   * and the log.
   */
  start(
    options: ResolvedOptions,
    factory: WorkerFactory,
    services: (worker: ResolvedThread) => Services,
    log: Log,
  ): void {
    const starter = (name: string, worker: ResolvedThread) => {
      const threadType = "Service Thread" as const;
      const kind = { name, module: KINDS.document, threadType, worker, hasSessions: false };
      return (own: Services, signal: AbortSignal) =>
        factory.start(kind, { services: { ...services(worker), ...own }, signal });
    };
    const place = ({ document, once }: ResolvedThread, start: () => Running): Place => {
      return { document, once, start, running: undefined };
    };
    this.#places = [
      ...options.threads.map((worker) =>
        place(worker, () => {
          const { document } = worker;
          return new ServiceThread({ document, start: starter("thread", worker), log });
        })
      ),
      ...options.threadLoops.map((loop) =>
        place(loop, () => new ThreadLoop({ ...loop, start: starter("loop", loop), log }))
      ),
    ];
    this.#begin(false);
  }

  /** Starts those that run once a machine. */
  lead(): void {
    this.#begin(true);
  }

  /** Stops those that run once a machine, each within `graceMs` milliseconds. */
  async follow(graceMs: number): Promise<void> {
    await Promise.all(
      this.#places.map(async (place) => {
        const { once, running } = place;
        if (!once || running === undefined) return;
        await running.stop(graceMs);
        if (place.running === running) place.running = undefined;
      }),
    );
  }

  /** Resolves once every service thread has reported started, asked in the order of the site's list. */
  async barrier(): Promise<void> {
    for (const { document, running } of this.#places) {
      if (!(running instanceof ServiceThread)) continue;
      await named("thread", document, () => running.started);
    }
  }

  /** What each of them is doing, in the order of the site's lists; those that run elsewhere are left out. */
  status(): ThreadStatus[] {
    return this.#places.flatMap(({ running }) => running?.status() ?? []);
  }

  /** Gives the stop notice and waits for each, up to `graceMs` milliseconds. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#places.map(({ running }) => running?.stop(graceMs)));
  }

  #begin(once: boolean): void {
    if (this.#stopped) return;
    for (const place of this.#places) {
      if (place.once === once) place.running ??= place.start();
    }
  }
}
