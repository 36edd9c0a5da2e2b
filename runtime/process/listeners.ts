/**
 * The listeners that this isolate has with Deno: one for each signal that something needs, no more.
 *
 * @module
 */

import process from "node:process";
import { startTimer } from "../own_timers.ts";
import { backend } from "./backend.ts";
import { advise, closesInspector } from "./failure.ts";
import { nameOf } from "./signal_numbers.ts";
import type { SignalPort } from "./signal_port.ts";

/** Names that Deno refuses a listener for. */
const DEAF: readonly string[] = ["SIGILL", "SIGFPE", "SIGKILL", "SIGSEGV", "SIGSTOP"];

/** Deno opens its inspector some milliseconds after our listener ran: close it this often, so many times. */
const CLOSE_MS = 10;
const CLOSES = 50;

/** Deno shows a signal some turns of the event loop after it came. */
const LINGER_MS = 20;

/** Listens to signals on behalf of the hub. */
export class Listeners {
  readonly #arrived: (signo: number) => void;
  readonly #installed = new Map<number, () => void>();
  /** Timers of signals that are listened to a little longer. */
  readonly #lingering = new Map<number, ReturnType<typeof setTimeout>>();
  /** The thread that listens too and tells of it sooner. */
  #port: SignalPort | undefined;
  /** The one that did before, where our own listener may still show what it has told. */
  #former: SignalPort | undefined;
  #advised = false;
  /** Whether the inspector was open before we listened, so that it is not ours to close. */
  #inspected = false;

  /** Makes one that calls `arrived` in a turn of its own for one or more arrivals of a signal. */
  constructor(arrived: (signo: number) => void) {
    this.#arrived = arrived;
  }

  /** Whether this signal can be heard here. */
  static can(signo: number): boolean {
    return backend.native?.kernelMask.has(signo) === true || Listeners.hearsByDeno(signo);
  }

  /** Whether Deno can listen to it. */
  static hearsByDeno(signo: number): boolean {
    const name = nameOf(signo);
    return name !== undefined && !DEAF.includes(name) && Deno.build.os !== "windows";
  }

  /** The signals that are listened to. */
  get installed(): number[] {
    return [...this.#installed.keys()];
  }

  /**
   * Listens from now on, or no longer: the last listener gone, the system's own action is back. A signal that Deno
   * has and did not show yet is lost then.
   */
  set(signo: number, wanted: boolean): void {
    // Deno never hears what the kernel holds.
    if (backend.native?.kernelMask.has(signo)) return backend.native.want(signo, wanted);
    const name = nameOf(signo);
    if (name === undefined || !Listeners.can(signo)) return;
    clearTimeout(this.#lingering.get(signo));
    this.#lingering.delete(signo);
    const listener = this.#installed.get(signo);
    if (wanted && listener === undefined) {
      const own = () => {
        if (name === "SIGUSR1" && closesInspector() && !this.#inspected) closeInspector();
        if (this.#port !== undefined) this.#port.heardHere(signo);
        else if (this.#former?.covers(signo) !== true) this.#arrived(signo);
      };
      if (name === "SIGUSR1") this.#inspected = isInspected();
      this.#former?.covers(signo); // what a listener before this one did not show is over
      // The thread first: then our own listener shows nothing that the thread does not tell of.
      this.#port?.listen(signo, true);
      Deno.addSignalListener(name, own);
      this.#installed.set(signo, own);
    } else if (!wanted && listener !== undefined) {
      this.#installed.delete(signo);
      this.#port?.listen(signo, false);
      Deno.removeSignalListener(name, listener);
    }
  }

  /** Listens a little longer, so that a signal that Deno has and did not show yet arrives. */
  linger(signo: number): void {
    if (!this.#installed.has(signo)) return;
    clearTimeout(this.#lingering.get(signo));
    const timer = startTimer(() => this.set(signo, false), LINGER_MS);
    Deno.unrefTimer(timer);
    this.#lingering.set(signo, timer);
  }

  /** From now on a thread tells of signals, or none does. What `former` has told is not told again. */
  use(port: SignalPort | undefined, former?: SignalPort): void {
    this.#port = port;
    this.#former = former;
    for (const signo of this.installed) port?.listen(signo, true, true);
  }

  /** Says once that SIGUSR1 is not free. */
  advise(signo: number): void {
    if (nameOf(signo) !== "SIGUSR1" || this.#advised) return;
    this.#advised = true;
    advise("signal", "Deno opens its inspector on 127.0.0.1:9229 at SIGUSR1; use SIGUSR2 instead");
  }
}

/** To close what is closed does nothing, and needs no permission; to ask whether it is open needs one. */
function closeInspector(left = CLOSES): void {
  inspector().close();
  if (left > 0) Deno.unrefTimer(startTimer(() => closeInspector(left - 1), CLOSE_MS));
}

/** Where we may not ask, we take it to be closed. */
function isInspected(): boolean {
  try {
    return inspector().url() !== undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

/** Loaded only where SIGUSR1 is listened to. */
function inspector(): { url(): string | undefined; close(): void } {
  return process.getBuiltinModule("node:inspector") as unknown as {
    url(): string | undefined;
    close(): void;
  };
}
