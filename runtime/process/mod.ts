/**
 * Process control in the manner of PHP's pcntl, on Deno's public API and, where a program asks for it, on native code: signals, alarms, children, priorities, ticks.
 *
 * Names and numbers are those of PHP and C, in camel case where they have several words. Where PHP blocks, a promise is
 * awaited. What Deno cannot do fails with a {@linkcode PcntlError} of code `ENOSYS`, and
 * {@linkcode capabilities} says so beforehand; some of it can be had by {@linkcode useNative}. Signals belong to the process: use this from the main isolate.
 * Nothing starts on import.
 *
 * @module
 */

export { alarm } from "./alarm.ts";
export { type Capabilities, capabilities } from "./capabilities.ts";
export type { WaitResult } from "./children.ts";
export * from "./constants.ts";
export * from "./errno.ts";
export { exec, type ExecOptions } from "./exec.ts";
export {
  configure,
  errno,
  getLastError,
  PcntlError,
  type PcntlErrorCode,
  type PcntlOptions,
} from "./failure.ts";
export type { ChildPermission, ChildPermissions } from "./flags.ts";
export { fork, type ForkContext, ForkHandle, forkModule, type ForkOptions } from "./fork.ts";
export type { SignalAction } from "./hub.ts";
export { kill } from "./kill.ts";
export { kernelMask, type NativeHandle, useNative } from "./native/mod.ts";
export { getpriority, setpriority } from "./priority.ts";
export type { Siginfo, SignalHandler } from "./siginfo.ts";
export {
  asyncSignals,
  droppedSignals,
  signal,
  signalDispatch,
  signalDispatchAsync,
  signalGetHandler,
  sigprocmask,
  unenforceableMask,
} from "./signals.ts";
export {
  SIGABRT,
  SIGALRM,
  SIGBABY,
  SIGBUS,
  SIGCHLD,
  SIGCLD,
  SIGCONT,
  SIGFPE,
  SIGHUP,
  SIGILL,
  SIGINT,
  SIGIO,
  SIGIOT,
  SIGKILL,
  SIGPIPE,
  SIGPOLL,
  SIGPROF,
  SIGPWR,
  SIGQUIT,
  SIGRTMAX,
  SIGRTMIN,
  SIGSEGV,
  SIGSTKFLT,
  SIGSTOP,
  SIGSYS,
  SIGTERM,
  SIGTRAP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGUSR1,
  SIGUSR2,
  SIGVTALRM,
  SIGWINCH,
  SIGXCPU,
  SIGXFSZ,
} from "./signal_numbers.ts";
export type { SignalLike } from "./signal_set.ts";
export { type SignalThread, startSignalThread } from "./signal_thread.ts";
export {
  type SignalWaitOptions,
  sigtimedwait,
  sigtimedwaitSync,
  sigwaitinfo,
} from "./signal_wait.ts";
export {
  wexitstatus,
  wifcontinued,
  wifexited,
  wifsignaled,
  wifstopped,
  wstopsig,
  wtermsig,
} from "./status.ts";
export {
  checkpoint,
  declareTicks,
  registerTickFunction,
  tick,
  unregisterTickFunction,
} from "./ticks.ts";
export { wait, waitpid, waitpidNow } from "./wait.ts";
