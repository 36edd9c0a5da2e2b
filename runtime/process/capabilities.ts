/**
 * What this backend can do, for programs that have another way.
 *
 * @module
 */

/** What a backend can do. */
export interface Capabilities {
  /** Whether waits report stops and continues. */
  stopEvents: boolean;
  /** Whether a status word says that a core file was left. */
  coreFlag: boolean;
  /** Whether waits say what a child used. */
  rusage: boolean;
  /** Whether the sender of a signal from outside is known. */
  realSiginfo: boolean;
  /** Whether real-time signals can be sent and heard. */
  realtimeSignals: boolean;
  /** Whether priorities of groups and users can be read and set. */
  priorityGroups: boolean;
  /** Whether `exec()` replaces the process. */
  execReplace: boolean;
  /** Whether `fork()` doubles the process. Never. */
  trueFork: false;
  /** Whether synchronous code sees a signal from outside at once. */
  syncSignalVisibility: boolean;
  /** Whether the mask is the kernel's. */
  kernelMask: boolean;
}

/** Says what this backend can do: it is made of Deno's public API only, so none of what takes native code. */
export function capabilities(): Capabilities {
  return {
    stopEvents: false,
    coreFlag: false,
    rusage: false,
    realSiginfo: false,
    realtimeSignals: false,
    priorityGroups: false,
    execReplace: false,
    trueFork: false,
    syncSignalVisibility: false,
    kernelMask: false,
  };
}
