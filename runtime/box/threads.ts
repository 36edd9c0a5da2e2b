/**
 * The service threads and thread loops of a box, up to the barrier and back down.
 *
 * @module
 */

import { ServiceThread, type ThreadStatus } from "../document/service_thread.ts";
import { ThreadLoop } from "../document/thread_loop.ts";
import type { ResolvedOptions, ResolvedWorker } from "../options.ts";
import type { Services } from "../thread/thread.ts";
import type { Log } from "../types/log.ts";
import { named } from "./steps.ts";
import { KINDS, type WorkerFactory } from "./workers.ts";

/** Runs what a site has of threads and loops. */
export class BoxThreads {
  readonly #threads = new Map<ServiceThread, string>();
  readonly #loops: ThreadLoop[] = [];

  /** Starts all of them; `services` are what each of their workers may call besides the store and the log. */
  start(
    options: ResolvedOptions,
    factory: WorkerFactory,
    services: () => Services,
    log: Log,
  ): void {
    const starter = (name: string, worker: ResolvedWorker) => {
      const threadType = "Service Thread" as const;
      const kind = { name, module: KINDS.document, threadType, worker, hasSessions: false };
      return (own: Services, signal: AbortSignal) =>
        factory.start(kind, { services: { ...services(), ...own }, signal });
    };
    for (const worker of options.threads) {
      const { document } = worker;
      const thread = new ServiceThread({ document, start: starter("thread", worker), log });
      this.#threads.set(thread, document);
    }
    for (const loop of options.threadLoops) {
      this.#loops.push(new ThreadLoop({ ...loop, start: starter("loop", loop), log }));
    }
  }

  /** Resolves once every service thread has reported started, asked in the order of the site's list. */
  async barrier(): Promise<void> {
    for (const [thread, document] of this.#threads) {
      await named("thread", document, () => thread.started);
    }
  }

  /** What each of them is doing, in the order of the site's lists. */
  status(): ThreadStatus[] {
    return [...this.#threads.keys(), ...this.#loops].map((one) => one.status());
  }

  /** Gives the stop notice and waits for each, up to `graceMs` milliseconds. */
  async stop(graceMs: number): Promise<void> {
    await Promise.all([...this.#threads.keys(), ...this.#loops].map((one) => one.stop(graceMs)));
  }
}
