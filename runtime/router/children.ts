/**
 * The records that a node keeps of its children: living ones, and ended ones until somebody has read them.
 *
 * @module
 */

import type { ExitStatus } from "./link.ts";

/** How many records of ended children wait to be read; beyond that the oldest counts as read. */
const MOST_UNREAD = 4096;

/** What a node knows of a child, beside what the program has added to it. */
export interface ChildState {
  /** How long it has lived, in milliseconds; of an ended child, how long it did. */
  readonly uptime: number;
  /** 0 for a living child, 1 for one that ended by itself, 2 for one that a signal ended. */
  readonly terminationType: 0 | 1 | 2;
  /** The exit code or the number of the signal; `null` for a living child. */
  readonly status: number | null;
  /** What {@linkcode Executor.addProcessContextInfo} added. */
  readonly [key: string]: unknown;
}

interface Entry {
  since: number;
  ended: { uptime: number; status: ExitStatus } | undefined;
  info: Record<string, unknown>;
}

/** The children of one node. */
export class Children {
  readonly #entries = new Map<number, Entry>();

  /** Notes a child that was started. */
  start(pid: number): void {
    this.#entries.set(pid, { since: performance.now(), ended: undefined, info: {} });
  }

  /** Notes its end. One that was cut off from here has no status of its own: it was killed. */
  end(pid: number, status: ExitStatus | null): void {
    const entry = this.#entries.get(pid);
    if (entry === undefined) return;
    entry.ended = {
      uptime: performance.now() - entry.since,
      status: status ?? { type: "signaled", value: 9 },
    };
    // The records stand in the order of the ends.
    this.#entries.delete(pid);
    this.#entries.set(pid, entry);
    if (this.unread > MOST_UNREAD) {
      for (const [oldest, { ended }] of this.#entries) {
        if (ended === undefined) continue;
        this.#entries.delete(oldest);
        break;
      }
    }
  }

  /** The pids of all that are known, the ended ones included. */
  get all(): number[] {
    return [...this.#entries.keys()];
  }

  /** The pids of the living. */
  get living(): number[] {
    return this.all.filter((pid) => this.#entries.get(pid)!.ended === undefined);
  }

  /** How many have ended and were not read. */
  get unread(): number {
    return this.#entries.size - this.living.length;
  }

  /** What is known of a child, or `null`. */
  look(pid: number): ChildState | null {
    const entry = this.#entries.get(pid);
    if (entry === undefined) return null;
    const { since, ended, info } = entry;
    return Object.freeze({
      ...info,
      uptime: ended?.uptime ?? performance.now() - since,
      terminationType: ended === undefined ? 0 : ended.status.type === "exited" ? 1 : 2,
      status: ended?.status.value ?? null,
    });
  }

  /** As {@linkcode Children.look}; the record of an ended child is forgotten. */
  read(pid: number): ChildState | null {
    const state = this.look(pid);
    if (state !== null && state.terminationType !== 0) this.#entries.delete(pid);
    return state;
  }

  /** Adds to a record; `false` if there is no such child or nothing to add. */
  add(pid: number, info: Readonly<Record<string, unknown>>): boolean {
    const entry = this.#entries.get(pid);
    if (entry === undefined || Object.keys(info).length === 0) return false;
    Object.assign(entry.info, info);
    return true;
  }
}
