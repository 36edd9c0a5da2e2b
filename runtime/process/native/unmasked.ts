/**
 * Starting programs that shall not inherit what is blocked here.
 *
 * @module
 */

import { startTimer } from "../../own_timers.ts";
import { hub } from "../hub.ts";
import { Listeners } from "../listeners.ts";
import { nameOf } from "../signal_numbers.ts";
import type { Libc } from "./libc.ts";
import { SIGINFO_BYTES, sigset, SIGSET_BYTES } from "./structs.ts";

const SIG_SETMASK = 2;
/** Deno shows a signal some turns of the event loop after it came; a busy program has few of them. */
const LINGER_MS = 1000;

/**
 * Runs something with this thread's mask open, which is the mask that a program starts with.
 *
 * What is pending is taken out before and put back afterwards, as it was. A signal that arrives just meanwhile would act on this process: Deno
 * listens to it for so long, and it arrives without its sender, or goes back to the kernel if nobody wants it. What Deno cannot listen
 * to stays blocked, also in the program: real-time signals, SIGILL, SIGFPE and SIGSEGV.
 */
export function unmasked<T>(libc: Libc, held: readonly number[], run: () => T): T {
  const open = held.filter((signo) => Listeners.hearsByDeno(signo));
  if (open.length === 0) return run();
  const rest = held.filter((signo) => !open.includes(signo));
  listen(open);
  const pending = takePending(libc, open);
  const before = new Uint8Array(SIGSET_BYTES);
  libc.call.pthread_sigmask(SIG_SETMASK, sigset(rest), before);
  try {
    return run();
  } finally {
    libc.call.pthread_sigmask(SIG_SETMASK, before, new Uint8Array(SIGSET_BYTES));
    for (const info of pending) putBack(libc, info);
  }
}

function listen(signals: readonly number[]): void {
  const removals = signals.map((signo) => {
    const name = nameOf(signo)!;
    const heard = () => hub.stray(signo);
    Deno.addSignalListener(name, heard);
    return () => Deno.removeSignalListener(name, heard);
  });
  const later = (run: () => void) => Deno.unrefTimer(startTimer(run, LINGER_MS / 2));
  // After a long computation the first timer is due before Deno has looked for signals.
  later(() => later(() => removals.forEach((remove) => remove())));
}

/** Takes what the kernel holds, the lowest number first, each with its record. */
function takePending(libc: Libc, signals: readonly number[]): Uint8Array<ArrayBuffer>[] {
  const set = sigset(signals);
  const now = new Uint8Array(16);
  const taken: Uint8Array<ArrayBuffer>[] = [];
  for (;;) {
    const info = new Uint8Array(SIGINFO_BYTES);
    if (libc.call.sigtimedwait(set, info, now) <= 0) return taken;
    taken.push(info);
  }
}

/** To itself a process may send any record, also one of somebody else's signal. */
function putBack(libc: Libc, info: Uint8Array<ArrayBuffer>): void {
  const signo = new DataView(info.buffer).getInt32(0, true);
  const result = libc.call.rt_sigqueueinfo(libc.numbers.rtSigqueueinfo, Deno.pid, signo, info);
  if (result !== 0n) {
    throw new Error(`Cannot start a program: ${libc.failure("put a signal back")}`);
  }
}
