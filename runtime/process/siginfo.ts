/**
 * What is known of a signal that arrived.
 *
 * @module
 */

/** What is known of a signal that arrived. A field that is not known is absent, it is never 0 instead. */
export interface Siginfo {
  /** The number of the signal. */
  signo: number;
  /** Always 0. */
  errno: number;
  /** Where it came from, one of `SI_…` or `CLD_…`; absent of what Deno's listener saw. */
  code?: number;
  /** The sender; for SIGCHLD the child. */
  pid?: number;
  /** The user of the sender, if the program may ask for it (`--allow-sys=uid`). */
  uid?: number;
  /** For SIGCHLD: the exit code of the child, or the signal that ended it. */
  status?: number;
  /** For SIGCHLD, from the native backend: time that the child computed itself, in hundredths of a second. */
  utime?: number;
  /** The same of the system on its behalf. */
  stime?: number;
  /** From the native backend: the number that was sent with the signal, where one can be. */
  value?: number;
  /** For signals of faults, from the native backend: the address. */
  addr?: bigint;
  /** For SIGIO, from the native backend: what happened at the file. */
  band?: number;
  /** For SIGIO, from the native backend: the descriptor of the file. */
  fd?: number;
}

/** What a program does with a signal. Its result is not used; `signalDispatchAsync()` waits for it. */
export type SignalHandler = (signo: number, info: Siginfo) => unknown;
