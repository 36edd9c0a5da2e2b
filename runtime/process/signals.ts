/**
 * Handlers, their dispatch, and the mask.
 *
 * @module
 */

import { given } from "../checks.ts";
import { SIG_BLOCK, SIG_DFL, SIG_IGN, SIG_SETMASK, SIG_UNBLOCK } from "./constants.ts";
import { setLastError } from "./failure.ts";
import { hub, type SignalAction } from "./hub.ts";
import { Listeners } from "./listeners.ts";
import { SIGALRM } from "./signal_numbers.ts";
import { readSet, readSignal, type SignalLike } from "./signal_set.ts";

/**
 * Says what is done with a signal from now on: a handler, `SIG_DFL` or `SIG_IGN`. Answers `pcntl_signal()` of
 * PHP.
 *
 * A signal that is on its way when its handler is taken away does what the system does with it, so stop the sender
 * first. A handler does not run when the signal arrives but at the next dispatch, and it is looked up then: a signal
 * that is queued goes to the handler that is installed by that time. To ignore a signal takes a listener, so
 * programs that this one starts do not inherit it; with SIGCHLD ignored, children that end leave nothing to wait for.
 *
 * @param signal 1 to 64, or a name.
 * @param restart Whether `wait()` goes on after this signal. `null` means yes, but for SIGALRM no.
 * @returns False, with EINVAL, for SIGKILL and SIGSTOP.
 * @throws {RangeError} If the signal or a number given as handler is out of range.
 * @throws {TypeError} If `handler` is neither function nor number.
 * @throws {PcntlError} `ENOSYS` if Deno can't listen to it: SIGILL, SIGFPE, SIGSEGV, and real-time signals that are not in `kernelMask()`.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { pcntl } from "@tandem/tandem";
 *
 * const seen: number[] = [];
 * pcntl.signal(pcntl.SIGUSR2, (signo) => seen.push(signo));
 * pcntl.kill(Deno.pid, pcntl.SIGUSR2);
 * assert.deepEqual(seen, []);
 * pcntl.signalDispatch();
 * assert.deepEqual(seen, [pcntl.SIGUSR2]);
 * pcntl.signal(pcntl.SIGUSR2, pcntl.SIG_DFL);
 * ```
 */
export function signal(
  signal: SignalLike,
  handler: SignalAction,
  restart: boolean | null = null,
): boolean {
  const signo = readSignal("signal", signal);
  if (typeof handler === "number") {
    if (handler !== SIG_DFL && handler !== SIG_IGN) {
      setLastError("EINVAL");
      throw new RangeError(
        `Cannot signal: a number as handler is SIG_DFL or SIG_IGN, and ${handler} was given`,
      );
    }
  } else if (typeof handler !== "function") {
    setLastError("EINVAL");
    throw new TypeError(`Cannot signal: a handler is a function, and ${given(handler)} was given`);
  }
  if (restart !== null && typeof restart !== "boolean") {
    throw new TypeError(
      `Cannot signal: restart is true, false or null, and ${given(restart)} was given`,
    );
  }
  return hub.setAction(signo, handler, restart ?? signo !== SIGALRM);
}

/**
 * Returns what is done with a signal: the function itself, `SIG_DFL` or `SIG_IGN`. Answers
 * `pcntl_signal_get_handler()` of PHP.
 *
 * @throws {RangeError} If the signal is not within 1 to 64.
 */
export function signalGetHandler(signal: SignalLike): SignalAction {
  return hub.action(readSignal("signalGetHandler", signal));
}

/**
 * Runs the handlers of all signals that are queued, in order of arrival. Answers `pcntl_signal_dispatch()` of PHP.
 *
 * Within a handler it does nothing. What arrives while handlers run waits for the next dispatch. If a handler
 * throws, its error comes out here and the signals behind it stay in front of the queue. A promise that a
 * handler returns is not looked at. Deno shows a signal from outside only after a turn of the event loop.
 */
export function signalDispatch(): true {
  hub.dispatch();
  return true;
}

/** Does what {@linkcode signalDispatch} does, and waits for each handler before the next one starts. */
export async function signalDispatchAsync(): Promise<true> {
  await hub.dispatchAsync();
  return true;
}

/**
 * Says whether handlers run by themselves: at the next turn of the event loop, at a `tick()`, and when a wait
 * begins. Answers `pcntl_async_signals()` of PHP.
 *
 * What a handler throws at a turn goes to `reportError()`.
 *
 * @param enable `null` changes nothing.
 * @returns What held before; false at first.
 * @throws {TypeError} If it is anything else.
 */
export function asyncSignals(enable: boolean | null = null): boolean {
  if (enable !== null && typeof enable !== "boolean") {
    throw new TypeError(
      `Cannot asyncSignals: it takes true, false or null, and ${given(enable)} was given`,
    );
  }
  const before = hub.async;
  if (enable !== null) hub.async = enable;
  return before;
}

/**
 * Changes which signals are held back. Answers `pcntl_sigprocmask()` of PHP.
 *
 * A blocked signal waits, standard signals of one number as one, until it is unblocked or waited for; then the
 * lowest number goes first, and what has no handler takes its usual course. The mask is this hub's, not the kernel's: other programs do not see it, children
 * do not inherit it, and of SIGILL, SIGFPE, SIGSEGV and real-time signals it holds only what this process sends itself
 * (see {@linkcode unenforceableMask}). SIGKILL and SIGSTOP are left out silently.
 *
 * @param how `SIG_BLOCK`, `SIG_UNBLOCK` or `SIG_SETMASK`.
 * @param signals 1 to 64 or names; empty only for `SIG_SETMASK`.
 * @returns `old`, what was blocked before in ascending order; `ok` is always true.
 * @throws {RangeError} If `how`, a signal or the empty list is out of range.
 * @throws {TypeError} If an element is no signal.
 * @throws {PcntlError} `ENOSYS` if a real-time signal would be released, whose action Deno can't take.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { pcntl } from "@tandem/tandem";
 *
 * let calls = 0;
 * pcntl.signal(pcntl.SIGUSR2, () => calls++);
 * pcntl.sigprocmask(pcntl.SIG_BLOCK, [pcntl.SIGUSR2]);
 * for (let i = 0; i < 3; i++) pcntl.kill(Deno.pid, pcntl.SIGUSR2); // held back, as one
 * pcntl.signalDispatch();
 * assert.equal(calls, 0);
 * assert.deepEqual(pcntl.sigprocmask(pcntl.SIG_SETMASK, []).old, [pcntl.SIGUSR2]);
 * pcntl.signalDispatch();
 * assert.equal(calls, 1);
 * pcntl.signal(pcntl.SIGUSR2, pcntl.SIG_DFL);
 * ```
 */
export function sigprocmask(
  how: number,
  signals: Iterable<SignalLike>,
): { ok: boolean; old: number[] } {
  if (how !== SIG_BLOCK && how !== SIG_UNBLOCK && how !== SIG_SETMASK) {
    setLastError("EINVAL");
    throw new RangeError(
      `Cannot sigprocmask: how is SIG_BLOCK, SIG_UNBLOCK or SIG_SETMASK, and ${
        given(how)
      } was given`,
    );
  }
  const set = readSet("sigprocmask", signals, how === SIG_SETMASK);
  const old = hub.mask;
  if (how === SIG_BLOCK) hub.setMask(new Set([...old, ...set]));
  else hub.setMask(how === SIG_SETMASK ? set : new Set(old.filter((signo) => !set.has(signo))));
  return { ok: true, old };
}

/** The blocked signals that the mask cannot hold back when they come from outside. */
export function unenforceableMask(): number[] {
  return hub.mask.filter((signo) => !Listeners.can(signo));
}

/** How many signals were lost because 65 were queued already, or 1,024 real-time ones of a number pending. */
export function droppedSignals(): number {
  return hub.queue.dropped;
}
