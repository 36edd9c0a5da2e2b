/**
 * The children that `forkModule()` started, and what is left of those that ended.
 *
 * @module
 */

import { backend, type ChildWatch } from "./backend.ts";
import { SIG_IGN } from "./constants.ts";
import { hub } from "./hub.ts";
import { SIGCHLD } from "./signal_numbers.ts";
import type { ThreadChild } from "./thread_child.ts";

/** What a wait found. */
export interface WaitResult {
  /** The child; 0 if `WNOHANG` was given and there is no news; -1 if the wait failed. */
  pid: number;
  /** The status word, for `wifexited()` and its siblings; 0 without a child. */
  status: number;
  /**
   * What the child used, by the names of PHP (`ru_utime.tv_sec`, `ru_maxrss` in kilobytes and so on). It is empty without the native
   * backend, and with it where Deno had taken the child before it could be seen, as on a busy machine.
   */
  rusage: Record<string, number>;
}

/** One child. */
export interface Child {
  /** Its process, unless it is a thread. */
  process?: Deno.ChildProcess;
  /** Its thread, unless it is a process. */
  thread?: ThreadChild;
  /** Its process group: 0 is our own. */
  group: number;
  /** Whether it keeps this process alive all the time. */
  holds: boolean;
  /** How it ended, if it has. */
  status?: number;
  /** Who watches it, with the native backend. */
  watch?: ChildWatch | undefined;
  /** What it used, if it has ended. */
  rusage?: Record<string, number>;
}

/** Somebody who waits for children. */
interface Watcher {
  /** Which of them, as `waitpid()` says it. */
  pid: number;
  /** Called whenever a child has ended. */
  look(): void;
}

/** The children of this isolate by pid, those that ended in the order in which they did. */
export class ChildTable {
  readonly #children = new Map<number, Child>();
  readonly #watchers = new Set<Watcher>();

  /** Takes a child in. Unless it `holds`, it keeps this process alive only while somebody waits for it. */
  add(
    process: Deno.ChildProcess,
    { detached, holds }: { detached: boolean; holds: boolean },
  ): void {
    const watch = backend.native?.watch(process.pid);
    const child: Child = { process, group: detached ? process.pid : 0, holds, watch };
    this.#children.set(process.pid, child);
    hub.children.started();
    if (!holds) process.unref();
    process.status.then(wordOfStatus, wordOfRejection)
      .then((word) => this.#ended(process.pid, child, word));
  }

  /** Takes a child in that is a thread. */
  addThread(thread: ThreadChild): void {
    const child: Child = { thread, group: 0, holds: true };
    this.#children.set(thread.pid, child);
    thread.onEnd = (word) => this.#ended(thread.pid, child, word);
  }

  /** The child of this pid that has not been waited for. */
  get(pid: number): Child | undefined {
    return this.#children.get(pid);
  }

  /** Whether there is a child to wait for. */
  has(pid: number): boolean {
    return this.#matching(pid).length > 0;
  }

  /** Those that have not ended, by their pids. */
  living(): [number, Child][] {
    return [...this.#children].filter(([, { status }]) => status === undefined);
  }

  /** Takes a stop or a continue that `options` ask for, of a child that has not ended. */
  takeChange(pid: number, options: number): WaitResult | undefined {
    for (const [own, { status }] of this.#matching(pid)) {
      if (status !== undefined) continue;
      const change = backend.native?.takeChange(own, options);
      if (change !== undefined) return { pid: own, ...change };
    }
    return undefined;
  }

  /** Takes one that has ended, the one that ended first. */
  take(pid: number): WaitResult | undefined {
    const found = this.#matching(pid).find(([, { status }]) => status !== undefined);
    if (found === undefined) return undefined;
    this.#forget(found[0]);
    const { status, rusage = {} } = found[1];
    return { pid: found[0], status: status!, rusage };
  }

  /** Calls somebody at each end of a child, and keeps the process alive for the children that it waits for. */
  watch(watcher: Watcher): void {
    this.#watchers.add(watcher);
    this.#hold();
  }

  /** Ends that. */
  unwatch(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    this.#hold();
  }

  #ended(pid: number, child: Child, reported: number | undefined): void {
    const { rusage = {}, core = false } = child.watch?.end() ?? {};
    const word = core ? reported! | CORE : reported;
    const forgotten = word === undefined || hub.action(SIGCHLD) === SIG_IGN;
    if (forgotten) this.#forget(pid);
    else {
      // Again at the end: in the order of their ends.
      this.#children.delete(pid);
      this.#children.set(pid, Object.assign(child, { status: word, rusage }));
    }
    const told = forgotten ? undefined : word;
    if (child.thread === undefined) hub.children.ended(pid, told);
    else if (told !== undefined) hub.noteThreadEnd(pid, told);
    for (const watcher of [...this.#watchers]) watcher.look();
  }

  #forget(pid: number): void {
    this.#children.delete(pid);
    hub.children.waited(pid);
  }

  #hold(): void {
    const held = new Set(
      [...this.#watchers].flatMap(({ pid }) => this.#matching(pid)).map(([pid]) => pid),
    );
    for (const [pid, { process, status, holds }] of this.#children) {
      if (process === undefined || status !== undefined || holds) continue;
      if (held.has(pid)) process.ref();
      else process.unref();
    }
  }

  #matching(pid: number): [number, Child][] {
    return [...this.#children].filter(([own, { group }]) => {
      if (pid > 0) return own === pid;
      return pid === -1 || (pid === 0 ? group === 0 : group === -pid);
    });
  }
}

/** In a status word: a core file was left. */
const CORE = 0x80;

/** The children of this isolate. */
export const children: ChildTable = new ChildTable();

/** The status word of what Deno reports; the flag of a core file is not known. */
export function wordOfStatus({ code, signal }: Deno.CommandStatus): number {
  return signal === null ? (code & 0xff) << 8 : code - 128;
}

/** A signal that Deno has no name for rejects; so does a child that somebody else has waited for. */
export function wordOfRejection(error: unknown): number | undefined {
  const signo = /^Invalid signal: (\d+)$/.exec((error as Error).message)?.[1];
  return signo === undefined ? undefined : Number(signo);
}
