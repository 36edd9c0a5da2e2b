/**
 * Thread loops: a document that runs again and again until the box stops, each time in a fresh worker
 * unless it may be used again.
 *
 * HHVM starts the next run at once, also after a failure; here there is a pause, and failures make it
 * grow, so that a document that always fails is no hot loop.
 *
 * @module
 */

import { messageOf, RuntimeError } from "../errors.ts";
import type { Thread } from "../thread/thread.ts";
import type { Log } from "../types/log.ts";
import type { StartThread, ThreadStatus } from "./service_thread.ts";

/** How a thread loop is run. */
export interface ThreadLoopOptions {
  /** The document, for messages. */
  document: string;
  /** Milliseconds between the end of one iteration and the start of the next. */
  pauseMs: number;
  /** Iterations that one worker runs. */
  reuse: number;
  /** Starts a worker. */
  start: StartThread;
  /** Where failures are written. */
  log: Log;
}

const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 30_000;

/** A running thread loop. */
export class ThreadLoop {
  readonly #options: ThreadLoopOptions;
  readonly #abort = new AbortController();
  readonly #ended: Promise<void>;
  #thread: Thread | undefined;
  #iteration = 0;
  #failures = 0;
  readonly #since = performance.now();
  #state: ThreadStatus["state"] = "starting";
  #why: string | undefined;
  #wake = () => {};

  constructor(options: ThreadLoopOptions) {
    this.#options = options;
    this.#ended = this.#loop().finally(() => this.#state = "ended");
  }

  /** What it is doing; `why` tells of the last failure until an iteration succeeds. */
  status(): ThreadStatus {
    return {
      kind: "loop",
      document: this.#options.document,
      state: this.#state,
      ...(this.#thread?.alive ? { id: this.#thread.id } : {}),
      runs: this.#iteration,
      ageMs: Math.round(performance.now() - this.#since),
      ...(this.#why === undefined ? {} : { why: this.#why }),
    };
  }

  /** Gives the stop notice, waits up to `graceMs` milliseconds for the iteration, and ends its worker. */
  async stop(graceMs: number): Promise<void> {
    this.#abort.abort(
      new RuntimeError("STOPPING", "Cannot go on with a thread loop: the box stops"),
    );
    this.#wake();
    const thread = this.#thread;
    thread?.call("stop", []).catch(endSaysIt);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((resolve) =>
      timer = setTimeout(() => resolve("late"), graceMs)
    );
    if (await Promise.race([this.#ended, late]) === "late") thread?.end("stuck", "it did not stop");
    clearTimeout(timer);
    await this.#ended;
  }

  async #loop(): Promise<void> {
    const { document, log, pauseMs } = this.#options;
    let used = 0;
    while (!this.#abort.signal.aborted) {
      let wait = pauseMs;
      try {
        const thread = this.#thread ??= await this.#start();
        used++;
        this.#state = "running";
        await thread.call("run", [++this.#iteration]);
        this.#failures = 0;
        this.#why = undefined;
      } catch (error) {
        if (this.#abort.signal.aborted) break;
        this.#why = messageOf(error);
        wait = Math.max(wait, this.#backOff());
        log.error("An iteration of a thread loop failed", {
          document,
          iteration: this.#iteration,
          why: messageOf(error),
          retryMs: wait,
        });
        used = this.#options.reuse;
      }
      if (used >= this.#options.reuse) {
        await this.#release();
        used = 0;
      }
      this.#state = "pausing";
      await this.#pause(wait);
    }
    await this.#release();
  }

  #start(): Promise<Thread> {
    return this.#options.start({ threadStarted: () => {} }, this.#abort.signal);
  }

  async #release(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.close(500);
  }

  #backOff(): number {
    return Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** Math.min(this.#failures++, 16));
  }

  #pause(ms: number): Promise<void> {
    if (this.#abort.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake(), ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** A thread that ends before it hears the notice has stopped. */
function endSaysIt(): void {}
