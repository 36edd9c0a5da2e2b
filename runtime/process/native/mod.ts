/**
 * The native backend: what Deno's public API cannot do, by calls of the C library.
 *
 * For Linux with glibc, on x86-64, where it is tested, and on arm64, where the numbers and layouts are right by their
 * tables and nobody has run it. Off until the program turns it on.
 *
 * @module
 */

import { backend, type NativeBackend } from "../backend.ts";
import { children } from "../children.ts";
import { PcntlError } from "../failure.ts";
import { hub } from "../hub.ts";
import { SIGCHLD } from "../signal_numbers.ts";
import { takeChange, watchChild } from "./child_watch.ts";
import { type Libc, openLibc } from "./libc.ts";
import { Poller } from "./poller.ts";
import { getPriority, setPriority } from "./priority.ts";
import { replace } from "./replace.ts";
import { SignalSource } from "./signal_source.ts";
import { blockedEverywhere, listThreads } from "./threads.ts";
import { unmasked } from "./unmasked.ts";

/** The way back from {@linkcode useNative}. At the end of its block the portable backend does everything again. */
export interface NativeHandle extends Disposable {
  /** Turns the native backend off. A second call does nothing. */
  close(): void;
}

/**
 * Turns the native backend on, for this isolate: stops and continues in waits, core flags and what children used, groups and
 * users in `getpriority()` and `setpriority()`, real-time signals, and `exec()` that replaces the process. PHP has all this
 * without asking.
 *
 * Signals that were blocked before Deno started are then read from the kernel with their sender: {@linkcode kernelMask} lists them. Start Deno
 * with `env --block-signal=USR1,RTMIN`, or let the program replace itself by `exec()` with a `mask`. Signals that were not blocked then stay
 * as they are, since Deno has threads that nobody can block them in afterwards.
 *
 * It needs `--allow-ffi` without a list. That is full trust: native code is bound by no other permission.
 *
 * @returns The way back.
 * @throws {PcntlError} `ENOSYS` if this is not Linux with glibc on x86-64 or arm64; `EINVAL` if it is on already.
 * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
 *
 * @example Usage
 * ```ts ignore
 * using native = pcntl.useNative();
 * const child = pcntl.forkModule(new URL("./child.ts", import.meta.url));
 * const { status, rusage } = await pcntl.waitpid(child.pid, pcntl.WUNTRACED);
 * if (pcntl.wifstopped(status)) console.log("stopped by", pcntl.wstopsig(status));
 * else console.log("computed for seconds:", rusage["ru_utime.tv_sec"]);
 * ```
 */
export function useNative(): NativeHandle {
  if (backend.native !== undefined) {
    throw new PcntlError("EINVAL", "Cannot useNative: it is on already; close what turned it on");
  }
  const native = new Native(openLibc());
  hub.change(native.kernelMask, () => backend.native = native);
  for (const [pid, child] of children.living()) child.watch = native.watch(pid);
  const close = () => {
    if (backend.native !== native) return;
    for (const [, child] of children.living()) {
      child.watch?.end();
      child.watch = undefined;
    }
    hub.change(native.kernelMask, () => backend.native = undefined);
    native[Symbol.dispose]();
  };
  return { close, [Symbol.dispose]: close };
}

/** The signals that the kernel holds for this process, in ascending order; none without the native backend. */
export function kernelMask(): number[] {
  return [...backend.native?.kernelMask ?? []];
}

/** All of it. */
class Native implements NativeBackend, Disposable {
  readonly kernelMask: ReadonlySet<number>;
  readonly #libc: Libc;
  readonly #poller: Poller;
  readonly #signals: SignalSource;

  constructor(libc: Libc) {
    this.#libc = libc;
    try {
      this.kernelMask = new Set(blockedEverywhere(listThreads(libc)));
      this.#poller = new Poller(libc, () => this.drain());
    } catch (error) {
      libc[Symbol.dispose]();
      throw error;
    }
    this.#signals = new SignalSource(libc, this.#poller);
  }

  want(signo: number, wanted: boolean): void {
    this.#signals.want(signo, wanted);
  }

  drain(): void {
    this.#signals.drain();
  }

  kill(pid: number, signo: number): ReturnType<NativeBackend["kill"]> {
    return this.#libc.call.kill(pid, signo) === 0 ? undefined : this.#libc.failure("kill");
  }

  getPriority(mode: number, who: number): ReturnType<NativeBackend["getPriority"]> {
    return getPriority(this.#libc, mode, who);
  }

  setPriority(
    mode: number,
    who: number,
    priority: number,
  ): ReturnType<NativeBackend["setPriority"]> {
    return setPriority(this.#libc, mode, who, priority);
  }

  watch(pid: number): ReturnType<NativeBackend["watch"]> {
    return watchChild(this.#libc, this.#poller, pid);
  }

  takeChange(pid: number, options: number): ReturnType<NativeBackend["takeChange"]> {
    return takeChange(this.#libc, pid, options);
  }

  onChange(changed: () => void): () => void {
    if (this.kernelMask.has(SIGCHLD)) return this.#signals.onChild(changed);
    Deno.addSignalListener("SIGCHLD", changed);
    return () => Deno.removeSignalListener("SIGCHLD", changed);
  }

  unmasked<T>(run: () => T): T {
    this.drain();
    return unmasked(this.#libc, [...this.kernelMask], run);
  }

  replace(call: Parameters<NativeBackend["replace"]>[0]): ReturnType<NativeBackend["replace"]> {
    return replace(this.#libc, call);
  }

  [Symbol.dispose](): void {
    this.#poller[Symbol.dispose]();
    this.#signals[Symbol.dispose]();
    this.#libc[Symbol.dispose]();
  }
}
