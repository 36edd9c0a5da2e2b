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
import type { StartThread } from "./service_thread.ts";

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
  #wake = () => {};

  constructor(options: ThreadLoopOptions) {
    this.#options = options;
    this.#ended = this.#loop();
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
        await thread.call("run", [++this.#iteration]);
        this.#failures = 0;
      } catch (error) {
        if (this.#abort.signal.aborted) break;
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
