/**
 * What a parent and its child that is a thread tell each other.
 *
 * @module
 */

import type { Siginfo } from "./siginfo.ts";

/** The first message of the parent: who the child is. */
export interface StartMessage {
  /** Which message it is. */
  type: "START";
  /** What `main()` is called with. */
  context: { data: unknown; pid: number; ppid: number; args: string[]; alias: string | null };
  /** The mask of signals that the child begins with. */
  mask: number[];
}

/** A signal for the child. */
export interface SignalMessage {
  /** Which message it is. */
  type: "SIGNAL";
  /** The signal. */
  info: Siginfo;
}

/** The last message of the child. */
export interface EndMessage {
  /** Which message it is. */
  type: "END";
  /** The exit code, where it ended by itself. */
  code?: number;
  /** The signal that ended it, otherwise. */
  signo?: number;
}

/** What a parent says. */
export type ParentMessage = StartMessage | SignalMessage;
