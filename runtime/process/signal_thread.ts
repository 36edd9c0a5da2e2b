/**
 * The signal thread: with it, synchronous code sees signals from outside.
 *
 * @module
 */

import { moveAlarm, ring } from "./alarm.ts";
import { advise, PcntlError, setLastError, unable } from "./failure.ts";
import { hub } from "./hub.ts";
import { SignalPort } from "./signal_port.ts";
import { signalThreadText } from "./signal_thread_main.ts";

/** The signal thread while it runs. At the end of its block it is closed. */
export class SignalThread implements AsyncDisposable {
  readonly #port: SignalPort;

  /** Made by {@linkcode startSignalThread}. */
  constructor(port: SignalPort) {
    this.#port = port;
  }

  /** Whether it runs: until it is closed, or fails. */
  get running(): boolean {
    return hub.port === this.#port && this.#port.open;
  }

  /**
   * Ends the thread. From then on signals are seen at turns of the event loop again, and the alarm is an ordinary timer.
   * Nothing is lost on the way. To close it again does nothing.
   */
  async close(): Promise<void> {
    await this.#port.settle();
    if (!this.running) return;
    this.#port.collect();
    leave(this.#port);
    await this.#port.close();
  }

  /** The same as {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Starts the signal thread, which makes signals from outside visible to synchronous code: `tick()`, `signalDispatch()`,
 * `sigprocmask()` and the waits see in a busy loop what came a moment ago, {@linkcode sigtimedwaitSync} exists, the
 * alarm goes off although the isolate is busy, and `capabilities().syncSignalVisibility` is true. PHP needs no such
 * thing, since its handlers are called in the same thread that the system interrupts.
 *
 * The thread is a Worker that needs no permission, costs some megabytes, and keeps no process alive. It only counts:
 * handlers run here as before. Each new listener waits for its answer, which takes about a tenth of a millisecond. If the thread
 * ends by a fault or does not answer for two seconds, it is given up: a warning says so, `running` is false,
 * and signals are seen at turns of the event loop as without it. None is lost by that, but
 * one that came just then may be seen twice. There can be one thread at a time.
 *
 * @returns The thread, which runs already.
 * @throws {PcntlError} `EINVAL` if one runs, `ENOSYS` in a child that is a thread, and if it could not be started.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { pcntl } from "@tandem/tandem";
 *
 * await using _thread = pcntl.startSignalThread();
 * let seen = false;
 * pcntl.signal("SIGWINCH", () => seen = true);
 * Deno.kill(Deno.pid, "SIGWINCH"); // by the system, as from outside
 * while (!seen) pcntl.tick(); // no turn of the event loop
 * pcntl.signal("SIGWINCH", pcntl.SIG_DFL);
 * assert.equal(pcntl.capabilities().syncSignalVisibility, true);
 * ```
 */
export function startSignalThread(): SignalThread {
  return openSignalThread(signalThreadText());
}

/** Starts a signal thread of another text. */
export function openSignalThread(text: string): SignalThread {
  if (hub.isThread) {
    unable("startSignalThread", "a child that is a thread gets no signals of the system");
  }
  if (hub.port !== undefined) {
    setLastError("EINVAL");
    throw new PcntlError("EINVAL", "Cannot startSignalThread: it runs already; close it first");
  }
  let why = "";
  let started = false;
  const port = new SignalPort({
    arrived: (signo) => hub.heard(signo),
    alarmed: ring,
    failed(text) {
      why = text;
      if (!started) return;
      // What the thread has told may be told again: otherwise what it had no time to tell could be lost.
      leave();
      advise(
        "startSignalThread",
        `The signal thread is gone: ${text}; signals are seen at turns of the event loop again`,
      );
    },
  }, text);
  if (!port.open) unable("startSignalThread", why);
  started = true;
  hub.usePort(port);
  moveAlarm();
  return new SignalThread(port);
}

function leave(former?: SignalPort): void {
  hub.usePort(undefined, former);
  moveAlarm();
}
