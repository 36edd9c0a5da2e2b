/**
 * The barriers of a tree, kept at its root.
 *
 * @module
 */

import { isName } from "./address.ts";
import { MOST_PARTIES } from "./barrier_errors.ts";
import { isCount, MOST_HOPS } from "./envelope.ts";

/** How many barriers of a tree may be waited at, or be broken, at a time. */
const MOST_BARRIERS = 1024;

/** What a node asks the root for. A ticket tells the requests of one node apart. */
export type Request =
  | ["enter", ticket: number, name: string, parties: number, path: number[]]
  | ["leave", ticket: number, name: string]
  | ["reset", ticket: number, name: string]
  | ["gone", pid: number];

/** What the root answers: how a request came out, with a number where it explains that; or how a barrier stands. */
export type Answer =
  | ["broken" | "done" | "late" | "passed", ticket: number]
  | ["busy" | "full" | "mismatch", ticket: number, number: number]
  | ["state", name: string, waiting: number, broken: boolean];

/** Somebody who waits: which node, its request, and all nodes above it. */
interface Waiter {
  pid: number;
  ticket: number;
  path: readonly number[];
}

interface Entry {
  parties: number;
  broken: boolean;
  waiters: Waiter[];
}

/** Counts who waits, and answers when it is time. */
export class BarrierDesk {
  readonly #entries = new Map<string, Entry>();
  readonly #answer: (pid: number, answer: Answer) => void;

  /** Makes one that answers nodes by their pids. */
  constructor(answer: (pid: number, answer: Answer) => void) {
    this.#answer = answer;
  }

  /** Takes what a node asks for. */
  take(pid: number, request: Request): void {
    switch (request[0]) {
      case "enter":
        return this.#enter({ pid, ticket: request[1], path: request[4] }, request[2], request[3]);
      case "leave":
        return this.#leave(pid, request[1], request[2]);
      case "reset":
        return this.#reset(pid, request[1], request[2]);
      case "gone":
        return this.#gone(request[1]);
    }
  }

  #enter(waiter: Waiter, name: string, parties: number): void {
    const { pid, ticket } = waiter;
    const entry = this.#entries.get(name) ?? { parties, broken: false, waiters: [] };
    if (entry.broken) return this.#answer(pid, ["broken", ticket]);
    if (entry.parties !== parties) return this.#answer(pid, ["mismatch", ticket, entry.parties]);
    if (this.#entries.size >= MOST_BARRIERS && !this.#entries.has(name)) {
      return this.#answer(pid, ["full", ticket, MOST_BARRIERS]);
    }
    entry.waiters.push(waiter);
    this.#entries.set(name, entry);
    if (entry.waiters.length < parties) return this.#tellState(name, entry, entry.waiters);
    const all = entry.waiters;
    this.#entries.delete(name);
    this.#tellState(name, { ...entry, waiters: [] }, all);
    for (const one of all) this.#answer(one.pid, ["passed", one.ticket]);
  }

  #leave(pid: number, ticket: number, name: string): void {
    const entry = this.#entries.get(name);
    const found = entry?.waiters.find((one) => one.pid === pid && one.ticket === ticket);
    // Whoever is not there any more has passed or failed already, and knows or will know.
    if (entry === undefined || found === undefined) return;
    this.#break(name, entry, (one) => one === found ? "late" : "broken");
  }

  #reset(pid: number, ticket: number, name: string): void {
    const waiting = this.#entries.get(name)?.waiters.length ?? 0;
    if (waiting > 0) return this.#answer(pid, ["busy", ticket, waiting]);
    this.#entries.delete(name);
    this.#answer(pid, ["done", ticket]);
  }

  #gone(pid: number): void {
    for (const [name, entry] of this.#entries) {
      if (entry.waiters.some(({ path }) => path.includes(pid))) {
        this.#break(name, entry, () => "broken");
      }
    }
  }

  #break(name: string, entry: Entry, how: (waiter: Waiter) => "broken" | "late"): void {
    const all = entry.waiters;
    entry.waiters = [];
    entry.broken = true;
    this.#tellState(name, entry, all);
    for (const one of all) this.#answer(one.pid, [how(one), one.ticket]);
  }

  #tellState(name: string, { waiters, broken }: Entry, to: readonly Waiter[]): void {
    for (const pid of new Set(to.map(({ pid }) => pid))) {
      this.#answer(pid, ["state", name, waiters.length, broken]);
    }
  }
}

/** Rebuilds a request that a node sent; `undefined` if it is none. */
export function parseRequest(value: unknown): Request | undefined {
  if (!Array.isArray(value)) return undefined;
  const [kind, first, name, parties, path] = value;
  if (!isCount(first, 1)) return undefined;
  if (kind === "gone") return [kind, first];
  if (!isName(name)) return undefined;
  if (kind === "leave" || kind === "reset") return [kind, first, name];
  if (kind !== "enter" || !isCount(parties, 1) || parties > MOST_PARTIES) return undefined;
  if (!Array.isArray(path) || path.length > MOST_HOPS + 1) return undefined;
  return path.every((pid) => isCount(pid, 1)) ? [kind, first, name, parties, [...path]] : undefined;
}
