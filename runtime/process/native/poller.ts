/**
 * The side of the main isolate of the thread that waits for the kernel.
 *
 * @module
 */

import process from "node:process";
import { backend } from "../backend.ts";
import { type Hold, release } from "./hold.ts";
import type { Libc } from "./libc.ts";
import * as is from "./poller_thread.ts";
import { RUSAGE_BYTES, SIGINFO_BYTES } from "./structs.ts";

const EFD_NONBLOCK_CLOEXEC = 0o2004000;
/** The thread looks up every 250 ms; a process so busy that this is not enough goes on without waiting. */
const END_MS = 2000;

/** What was seen of a child. */
export interface Seen {
  /** A `siginfo_t`. */
  info: Uint8Array;
  /** A `struct rusage`. */
  usage: Uint8Array;
}

/** A thread that is started when it is first needed, and that keeps nothing alive. */
export class Poller {
  readonly #libc: Libc;
  readonly #wake: number;
  readonly #memory = new Int32Array(
    new SharedArrayBuffer((is.HEAD + is.SLOTS * is.SLOT_NUMBERS) * 4),
  );
  readonly #signalled: () => void;
  /** What Deno has to hear of, by slot. */
  readonly #holds = new Map<number, Hold>();
  #started = false;

  /** Makes one that calls `signalled` when a signal is there to be read. */
  constructor(libc: Libc, signalled: () => void) {
    this.#libc = libc;
    this.#signalled = signalled;
    this.#memory[is.SIGNALS] = -1;
    this.#wake = libc.call.eventfd(0, EFD_NONBLOCK_CLOEXEC);
    if (this.#wake < 0) throw new Error(`Cannot useNative: ${libc.failure("open an eventfd")}`);
  }

  /** Waits for signals at this descriptor. */
  watchSignals(fd: number): void {
    Atomics.store(this.#memory, is.SIGNALS, fd);
    this.arm();
  }

  /** Asks to be told of the next signal, after all that were there have been read. */
  arm(): void {
    if (Atomics.exchange(this.#memory, is.ARMED, 1) === 0) this.#look();
  }

  /** Whether another child can be watched. */
  get hasRoom(): boolean {
    return this.#free() !== undefined;
  }

  /** Watches a child, and lets Deno know of its end afterwards. @returns Its slot. */
  watch(pid: number, fd: number, held: Hold | undefined): number {
    const slot = this.#free();
    if (slot === undefined) throw new RangeError(`Cannot watch a child: ${is.SLOTS} are watched`);
    const at = begin(slot);
    this.#memory[at + 1] = pid;
    this.#memory[at + 2] = fd;
    this.#memory[at + is.ENTRY] = held?.epoll ?? -1;
    this.#memory[at + is.ENTRY + 1] = held?.fd ?? -1;
    if (held !== undefined) {
      this.#holds.set(slot, held);
      this.#memory.set(new Int32Array(held.event.buffer), at + is.ENTRY + 2);
    }
    Atomics.store(this.#memory, at, is.WATCHED);
    this.#look();
    return slot;
  }

  /** Ends the watch, with what was seen. Deno hears of the child in any case. */
  take(slot: number): Seen | undefined {
    const at = begin(slot);
    const held = this.#holds.get(slot);
    this.#holds.delete(slot);
    if (Atomics.compareExchange(this.#memory, at, is.WATCHED, is.DROPPED) === is.WATCHED) {
      if (held !== undefined) release(this.#libc, held);
      return undefined;
    }
    const seen = Atomics.load(this.#memory, at) === is.SEEN;
    const bytes = new Uint8Array(
      this.#memory.buffer,
      (at + is.ANSWER) * 4,
      SIGINFO_BYTES + RUSAGE_BYTES,
    );
    const copy = bytes.slice();
    Atomics.store(this.#memory, at, is.FREE);
    if (!seen) return undefined;
    return { info: copy.subarray(0, SIGINFO_BYTES), usage: copy.subarray(SIGINFO_BYTES) };
  }

  /** Ends the thread and waits for that. */
  [Symbol.dispose](): void {
    if (this.#started) {
      Atomics.store(this.#memory, is.STOP, 1);
      this.#ring();
      Atomics.wait(this.#memory, is.GONE, 0, END_MS);
      backend.ownWorkers--;
    }
    this.#releaseAll();
    this.#libc.call.close(this.#wake);
  }

  #free(): number | undefined {
    for (let slot = 0; slot < is.SLOTS; slot++) {
      if (Atomics.load(this.#memory, begin(slot)) === is.FREE) return slot;
    }
    return undefined;
  }

  /** Without the thread nobody else would do it, and Deno would never hear of those children. */
  #releaseAll(): void {
    for (const slot of [...this.#holds.keys()]) {
      if (Atomics.load(this.#memory, begin(slot)) === is.WATCHED) this.take(slot);
    }
  }

  /** Makes the thread look at the memory. */
  #look(): void {
    if (!this.#started) this.#start();
    this.#ring();
  }

  #ring(): void {
    this.#libc.call.write(this.#wake, new Uint8Array(new BigUint64Array([1n]).buffer), 8n);
  }

  #start(): void {
    this.#started = true;
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    const data: is.PollerData = {
      shared: this.#memory.buffer as SharedArrayBuffer,
      wake: this.#wake,
      waitid: this.#libc.numbers.waitid,
    };
    const url = new URL(`data:text/javascript,${encodeURIComponent(is.pollerSource())}`);
    const worker = new Worker(url, { workerData: data });
    backend.ownWorkers++;
    worker.on("message", () => this.#signalled());
    worker.on("error", (error) => {
      this.#releaseAll();
      reportError(error);
    });
    worker.unref();
  }
}

function begin(slot: number): number {
  return is.HEAD + slot * is.SLOT_NUMBERS;
}
