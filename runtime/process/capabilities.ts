/**
 * What can be done now, for programs that have another way.
 *
 * @module
 */

import { backend } from "./backend.ts";
import { hub } from "./hub.ts";
import { isRealtime } from "./pending.ts";

/** What a backend can do. */
export interface Capabilities {
  /** Whether waits report stops and continues. */
  stopEvents: boolean;
  /** Whether a status word says that a core file was left. */
  coreFlag: boolean;
  /** Whether waits say what a child used, if it could be seen in time. */
  rusage: boolean;
  /** Whether the sender of a signal from outside is known: of those in `kernelMask()`. */
  realSiginfo: boolean;
  /** Whether real-time signals can be sent and heard: of those in `kernelMask()`. */
  realtimeSignals: boolean;
  /** Whether priorities of groups and users can be read and set. */
  priorityGroups: boolean;
  /** Whether `exec()` replaces the process. */
  execReplace: boolean;
  /** Whether `fork()` doubles the process. Never. */
  trueFork: false;
  /** Whether synchronous code sees a signal from outside at once: while the signal thread runs. */
  syncSignalVisibility: boolean;
  /** Whether the kernel holds signals for us: those in `kernelMask()`. */
  kernelMask: boolean;
}

/** Says what can be done now. What takes native code is true only while `useNative()` holds. */
export function capabilities(): Capabilities {
  const native = backend.native !== undefined;
  const held = [...backend.native?.kernelMask ?? []];
  return {
    stopEvents: native,
    coreFlag: native,
    rusage: native,
    realSiginfo: held.length > 0,
    realtimeSignals: held.some(isRealtime),
    priorityGroups: native,
    execReplace: native,
    trueFork: false,
    syncSignalVisibility: hub.port !== undefined,
    kernelMask: held.length > 0,
  };
}
