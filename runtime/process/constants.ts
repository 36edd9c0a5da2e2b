/**
 * The numbers that calls of process control take and give, beside signals and errors.
 *
 * @module
 */

const IS_DARWIN = Deno.build.os === "darwin";

/** `SIG_DFL`: what the system does with a signal by itself. */
export const SIG_DFL = 0 as const;
/** `SIG_IGN`: a signal that does nothing. */
export const SIG_IGN = 1 as const;
/** `SIG_ERR`: what C returns when a handler could not be installed; nothing here returns it. */
export const SIG_ERR = -1 as const;
/** `SIG_BLOCK`: adds signals to the mask. */
export const SIG_BLOCK: number = 0;
/** `SIG_UNBLOCK`: takes signals from the mask. */
export const SIG_UNBLOCK: number = 1;
/** `SIG_SETMASK`: makes signals the whole mask. */
export const SIG_SETMASK: number = 2;
/** `WNOHANG`: a wait that does not wait. */
export const WNOHANG: number = 1;
/** `WUNTRACED`: a wait that asks for stops too; accepted, but see `capabilities().stopEvents`. */
export const WUNTRACED: number = 2;
/** `SI_USER`: sent by a process. */
export const SI_USER: number = IS_DARWIN ? 0x10001 : 0;
/** `SI_KERNEL`: sent by the kernel, as an alarm is. */
export const SI_KERNEL: number = 128;
/** `SI_QUEUE`: sent with a value. */
export const SI_QUEUE: number = IS_DARWIN ? 0x10002 : -1;
/** `SI_TIMER`: sent by a timer of POSIX. */
export const SI_TIMER: number = IS_DARWIN ? 0x10003 : -2;
/** `SI_MESGQ`: sent by a message queue. */
export const SI_MESGQ: number = IS_DARWIN ? 0x10005 : -3;
/** `SI_ASYNCIO`: sent by finished input or output. */
export const SI_ASYNCIO: number = IS_DARWIN ? 0x10004 : -4;
/** `SI_SIGIO`: sent by queued input or output. */
export const SI_SIGIO: number = -5;
/** `SI_TKILL`: sent to one thread. */
export const SI_TKILL: number = -6;
/** `CLD_EXITED`: a child ended by itself. */
export const CLD_EXITED: number = 1;
/** `CLD_KILLED`: a signal ended a child. */
export const CLD_KILLED: number = 2;
/** `CLD_DUMPED`: a signal ended a child, which left a core file. */
export const CLD_DUMPED: number = 3;
/** `CLD_TRAPPED`: a traced child stopped. */
export const CLD_TRAPPED: number = 4;
/** `CLD_STOPPED`: a child stopped. */
export const CLD_STOPPED: number = 5;
/** `CLD_CONTINUED`: a stopped child goes on. */
export const CLD_CONTINUED: number = 6;
/** `PRIO_PROCESS`: the priority of a process. */
export const PRIO_PROCESS: number = 0;
/** `PRIO_PGRP`: the priority of a group, which takes the native backend. */
export const PRIO_PGRP: number = 1;
/** `PRIO_USER`: the priority of a user's processes, which takes the native backend. */
export const PRIO_USER: number = 2;
/** `WCONTINUED`: a wait that asks for continues too; accepted, but see `capabilities().stopEvents`. */
export const WCONTINUED: number = IS_DARWIN ? 16 : 8;
/** `WSTOPPED`: asks `waitid()` for stops; no wait of this module takes it. */
export const WSTOPPED: number = IS_DARWIN ? 8 : 2;
/** `WEXITED`: asks `waitid()` for ends; no wait of this module takes it. */
export const WEXITED: number = 4;
/** `WNOWAIT`: lets `waitid()` look and take nothing; no wait of this module takes it. */
export const WNOWAIT: number = IS_DARWIN ? 0x20 : 0x1000000;
/** `P_ALL`: `waitid()` of any child. */
export const P_ALL: number = 0;
/** `P_PID`: `waitid()` of one child. */
export const P_PID: number = 1;
/** `P_PGID`: `waitid()` of the children of a group. */
export const P_PGID: number = 2;
