/**
 * How Linux lays out what it fills in. It is the same on both 64-bit architectures; x86-64 is tested, arm64 is not.
 *
 * @module
 */

import type { Siginfo } from "../siginfo.ts";
import * as numbers from "../signal_numbers.ts";

/** Bytes of a `siginfo_t`. */
export const SIGINFO_BYTES = 128;
/** Bytes of a `struct rusage`. */
export const RUSAGE_BYTES = 144;
/** Bytes of a `struct signalfd_siginfo`. */
export const RECORD_BYTES = 128;
/** Bytes of a `sigset_t` of the C library. */
export const SIGSET_BYTES = 128;

/** The fields of a `struct rusage` in their order, by the names that PHP gives them. */
const RUSAGE_FIELDS: readonly string[] = [
  "ru_utime.tv_sec",
  "ru_utime.tv_usec",
  "ru_stime.tv_sec",
  "ru_stime.tv_usec",
  "ru_maxrss",
  "ru_ixrss",
  "ru_idrss",
  "ru_isrss",
  "ru_minflt",
  "ru_majflt",
  "ru_nswap",
  "ru_inblock",
  "ru_oublock",
  "ru_msgsnd",
  "ru_msgrcv",
  "ru_nsignals",
  "ru_nvcsw",
  "ru_nivcsw",
];

/** Reads a `struct rusage`. */
export function readRusage(bytes: Uint8Array): Record<string, number> {
  const view = viewOf(bytes);
  return Object.fromEntries(
    RUSAGE_FIELDS.map((name, index) => [name, Number(view.getBigInt64(index * 8, true))]),
  );
}

/** What `waitid` says of a child. */
export interface ChildNews {
  /** One of `CLD_…`. */
  code: number;
  /** The child; 0 if there is no news. */
  pid: number;
  /** An exit code or a signal. */
  status: number;
}

/** Reads the `siginfo_t` that `waitid` fills in. */
export function readChildNews(bytes: Uint8Array): ChildNews {
  const view = viewOf(bytes);
  const at = (offset: number) => view.getInt32(offset, true);
  // Behind three numbers comes a union, which begins at a multiple of 8.
  return { code: at(8), pid: at(16), status: at(24) };
}

/** Signals of a fault, whose record has an address. */
const FAULTS: readonly number[] = [
  numbers.SIGILL,
  numbers.SIGFPE,
  numbers.SIGSEGV,
  numbers.SIGBUS,
  numbers.SIGTRAP,
];

/** Reads one record of a signalfd. What the kernel did not fill in for this kind of signal is left out. */
export function readRecord(bytes: Uint8Array): Siginfo {
  const view = viewOf(bytes);
  const signo = view.getUint32(0, true);
  const code = view.getInt32(8, true);
  const info: Siginfo = { signo, errno: view.getInt32(4, true), code };
  const sender = { pid: view.getUint32(12, true), uid: view.getUint32(16, true) };
  const value = view.getInt32(44, true);
  if (code === SI_TIMER) return { ...info, value };
  if (code === SI_QUEUE || code === SI_MESGQ) return { ...info, ...sender, value };
  // A signal from a process: `kill` or one to a thread.
  if (code <= 0) return { ...info, ...sender };
  if (code === SI_KERNEL) return info;
  if (signo === numbers.SIGCHLD) {
    return {
      ...info,
      ...sender,
      status: view.getInt32(40, true),
      utime: Number(view.getBigUint64(56, true)),
      stime: Number(view.getBigUint64(64, true)),
    };
  }
  if (signo === numbers.SIGIO) {
    return { ...info, band: view.getUint32(28, true), fd: view.getInt32(20, true) };
  }
  return FAULTS.includes(signo) ? { ...info, addr: view.getBigUint64(72, true) } : info;
}

const SI_KERNEL = 0x80;
const SI_QUEUE = -1;
const SI_TIMER = -2;
const SI_MESGQ = -3;

/** A set of signals as the C library has it. */
export function sigset(signals: Iterable<number>): Uint8Array<ArrayBuffer> {
  const set = new Uint8Array(SIGSET_BYTES);
  for (const signo of signals) set[(signo - 1) >> 3]! |= 1 << ((signo - 1) & 7);
  return set;
}

/** The signals of such a set, in ascending order. */
export function signalsOf(set: Uint8Array): number[] {
  const signals: number[] = [];
  for (let signo = 1; signo <= numbers.LAST_SIGNAL; signo++) {
    if (set[(signo - 1) >> 3]! & (1 << ((signo - 1) & 7))) signals.push(signo);
  }
  return signals;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
