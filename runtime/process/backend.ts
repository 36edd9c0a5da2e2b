/**
 * The place of the native backend: empty until the program turns that on, so that nothing here loads native code.
 *
 * @module
 */

import type { PcntlErrorCode } from "./failure.ts";

/** What native code saw of a child: what it used, and whether it left a core file. */
export interface ChildDetails {
  /** By the names of PHP; empty if it could not be seen in time. */
  rusage: Record<string, number>;
  /** Whether the child left a core file, as far as it is known. */
  core: boolean;
}

/** A stop or a continue of a child. */
export interface ChildChange {
  /** The status word. */
  status: number;
  /** What the child used so far, by the names of PHP. */
  rusage: Record<string, number>;
}

/** A child whose end is watched. */
export interface ChildWatch {
  /** What was seen. Called once, when Deno has said that the child ended; the watch is over then. */
  end(): ChildDetails;
}

/** How `execve` is to be called. */
export interface ReplaceCall {
  /** The program. */
  path: string;
  /** All arguments, the path first. */
  argv: readonly string[];
  /** The whole environment as `name=value`; ours if undefined. */
  env: readonly string[] | undefined;
  /** What the other program begins with blocked. */
  mask: readonly number[];
  /** What it begins with ignored. */
  ignored: readonly number[];
  /** The seconds that our alarm has left; 0 without one. */
  alarm: number;
  /** Whether it may end Workers. */
  force: boolean;
}

/** What the native backend does for the rest of process control. */
export interface NativeBackend {
  /** The signals that every thread of this process has blocked: the kernel keeps them for us, with their records. */
  readonly kernelMask: ReadonlySet<number>;
  /** Takes one of them from the kernel from now on, or leaves it there. */
  want(signo: number, wanted: boolean): void;
  /** Lets everything arrive that the kernel has for us. */
  drain(): void;
  /** Sends a signal. @returns Why not, if it failed. */
  kill(pid: number, signo: number): PcntlErrorCode | undefined;
  /** The priority of a group or a user, or why not. */
  getPriority(mode: number, who: number): number | PcntlErrorCode;
  /** Changes it. @returns Why not, if it failed. */
  setPriority(mode: number, who: number, priority: number): PcntlErrorCode | undefined;
  /** Watches the end of a child. */
  watch(pid: number): ChildWatch;
  /** Takes a stop or a continue that nobody has taken, as `options` ask. */
  takeChange(pid: number, options: number): ChildChange | undefined;
  /** Calls back when a child may have changed, until the function that it returns is called. */
  onChange(changed: () => void): () => void;
  /** Runs something that starts a program, which then has nothing blocked that is blocked here. */
  unmasked<T>(run: () => T): T;
  /** Puts another program in our place. @returns Why not. */
  replace(call: ReplaceCall): PcntlErrorCode;
}

/** The native backend, where it is on. */
export const backend: {
  /** Undefined while the portable backend does everything. */
  native: NativeBackend | undefined;
  /** How many Workers process control runs for itself; `exec()` may end those. */
  ownWorkers: number;
} = { native: undefined, ownWorkers: 0 };
