/**
 * Service threads: one worker each, running a thread document once, from before the first request
 * until the box stops.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";
import type { Services, Thread } from "../thread/thread.ts";
import type { Log } from "../types/log.ts";

/** Starts the worker of a document. */
export type StartThread = (services: Services, signal: AbortSignal) => Promise<Thread>;

/** How a service thread is run. */
export interface ServiceThreadOptions {
  /** The document, for messages. */
  document: string;
  /** Starts its worker. */
  start: StartThread;
  /** Where its end is written. */
  log: Log;
}

/** What a service thread or a thread loop is doing. */
export interface ThreadStatus {
  /** Which of the two it is. */
  kind: "thread" | "loop";
  /** The document. */
  document: string;
  /** `"pausing"`: between two iterations. */
  state: "starting" | "running" | "pausing" | "ended";
  /** Number of its worker, unique in its box; absent while there is none. */
  id?: number;
  /** How often the document has run, the current run included. */
  runs: number;
  /** Milliseconds since it was first started. */
  ageMs: number;
  /** Why the last run failed, if it did. */
  why?: string;
}

/** A running service thread. */
export class ServiceThread {
  /** Resolves when the document has reported started; rejects when it ended before, with the reason. */
  readonly started: Promise<void>;
  readonly #options: ServiceThreadOptions;
  readonly #abort = new AbortController();
  readonly #ended: Promise<void>;
  readonly #since = performance.now();
  #thread: Thread | undefined;
  #state: ThreadStatus["state"] = "starting";
  #why: string | undefined;

  constructor(options: ServiceThreadOptions) {
    this.#options = options;
    let report!: () => void;
    const reported = new Promise<void>((resolve) => report = resolve);
    let hasReported = false;
    const run = this.#run(() => {
      hasReported = true;
      this.#state = "running";
      report();
    });
    this.#ended = run.then(
      () => {
        this.#state = "ended";
        if (!hasReported || this.#abort.signal.aborted) return;
        options.log.info("A service thread ended", { document: options.document });
      },
      (error) => {
        this.#state = "ended";
        this.#why = messageOf(error);
        if (!hasReported || this.#abort.signal.aborted) return;
        options.log.error("A service thread failed", {
          document: options.document,
          why: messageOf(error),
        });
      },
    );
    this.started = Promise.race([reported, run.then(() => this.#neverStarted())]);
    this.started.catch(barrierSaysIt);
  }

  /** What it is doing. */
  status(): ThreadStatus {
    return {
      kind: "thread",
      document: this.#options.document,
      state: this.#state,
      ...(this.#thread?.alive ? { id: this.#thread.id } : {}),
      runs: this.#thread === undefined ? 0 : 1,
      ageMs: Math.round(performance.now() - this.#since),
      ...(this.#why === undefined ? {} : { why: this.#why }),
    };
  }

  /** Gives the stop notice, waits up to `graceMs` milliseconds for the document, and ends its worker. */
  async stop(graceMs: number): Promise<void> {
    this.#abort.abort(new RuntimeError("STOPPING", "Cannot start a service thread: the box stops"));
    const thread = this.#thread;
    if (thread?.alive) {
      thread.call("stop", []).catch(endSaysIt);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => timer = setTimeout(resolve, graceMs));
      await Promise.race([this.#ended, late]);
      clearTimeout(timer);
      // Without time to answer nobody can tell whether the worker is stuck.
      if (graceMs === 0) thread.end("closed", "the box stops");
      if (await thread.close(Math.min(graceMs, 500)) === "stuck") {
        this.#options.log.error(
          "A service thread is stuck and burns a core until the process ends",
          {
            document: this.#options.document,
          },
        );
      }
    }
    await this.#ended;
  }

  async #run(report: () => void): Promise<void> {
    const services = { threadStarted: () => report() };
    const thread = this.#thread = await this.#options.start(services, this.#abort.signal);
    try {
      await thread.call("run", [1]);
    } finally {
      await thread.close(500);
    }
  }

  #neverStarted(): never {
    throw new RuntimeError(
      "BOOT_FAILED",
      `Cannot start thread ${this.#options.document}: it ended without having reported started()`,
    );
  }
}

/** The box waits for `started` and reports what it rejects with. */
function barrierSaysIt(): void {}

/** A thread that ends before it hears the notice has stopped. */
function endSaysIt(): void {}
