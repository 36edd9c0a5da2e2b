/**
 * Signals that every thread of the process has blocked: the kernel keeps them, with who sent them, until they are read.
 *
 * @module
 */

import { hub } from "../hub.ts";
import { SIGCHLD } from "../signal_numbers.ts";
import { EAGAIN } from "../errno.ts";
import type { Libc } from "./libc.ts";
import type { Poller } from "./poller.ts";
import { readRecord, RECORD_BYTES, sigset } from "./structs.ts";

const NONBLOCK_CLOEXEC = 0o2004000;

/** Reads those that somebody wants, and leaves the others where they are. */
export class SignalSource implements Disposable {
  /** Called when SIGCHLD was read. */
  readonly childSignals = new Set<() => void>();
  readonly #libc: Libc;
  readonly #poller: Poller;
  readonly #wanted = new Set<number>();
  readonly #record = new Uint8Array(RECORD_BYTES);
  #fd = -1;
  #draining = false;
  #closed = false;

  /** Makes one that reads nothing yet. */
  constructor(libc: Libc, poller: Poller) {
    this.#libc = libc;
    this.#poller = poller;
  }

  /** Reads a signal from now on, or no longer. */
  want(signo: number, wanted: boolean): void {
    if (this.#wanted.has(signo) === wanted) return;
    if (wanted) this.#wanted.add(signo);
    else this.#wanted.delete(signo);
    this.#apply();
  }

  /** Calls back at SIGCHLD, which is read then whether it is wanted or not. */
  onChild(changed: () => void): () => void {
    this.childSignals.add(changed);
    this.#apply();
    return () => {
      if (this.childSignals.delete(changed)) this.#apply();
    };
  }

  /** Reads what is there, in the order of the kernel: the lowest number first, real-time ones as they were sent. */
  drain(): void {
    if (this.#fd < 0 || this.#draining) return;
    this.#draining = true;
    try {
      while (this.#read()) this.#arrived();
    } finally {
      this.#draining = false;
    }
    this.#poller.arm();
  }

  /** Closes it. What is pending stays with the kernel. */
  [Symbol.dispose](): void {
    this.#closed = true;
    if (this.#fd >= 0) this.#libc.call.close(this.#fd);
    this.#fd = -1;
  }

  #arrived(): void {
    const info = readRecord(this.#record);
    if (info.signo === SIGCHLD) { for (const changed of [...this.childSignals]) changed(); }
    if (this.#wanted.has(info.signo)) hub.arrive(info);
  }

  /** One at a time: whoever takes it may be the last one to want its like. */
  #read(): boolean {
    const size = this.#libc.call.read(this.#fd, this.#record, BigInt(RECORD_BYTES));
    if (size === BigInt(RECORD_BYTES)) return true;
    const number = this.#libc.errno();
    if (number === EAGAIN) return false;
    throw new Error(`Cannot read signals: the system says error ${number}`);
  }

  #apply(): void {
    // A wait that outlived the backend ends.
    if (this.#closed) return;
    const set = new Set(this.#wanted);
    if (this.childSignals.size > 0) set.add(SIGCHLD);
    const fd = this.#libc.call.signalfd(this.#fd, sigset(set), NONBLOCK_CLOEXEC);
    if (fd < 0) throw new Error(`Cannot read signals: ${this.#libc.failure("open a signalfd")}`);
    const first = this.#fd < 0;
    this.#fd = fd;
    if (first) this.#poller.watchSignals(fd);
  }
}
