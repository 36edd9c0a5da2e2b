/**
 * The barriers of a tree, kept at its root.
 *
 * @module
 */

import { isName } from "./address.ts";
import { MOST_PARTIES } from "./barrier_errors.ts";
import { isCount, isCounts, MOST_HOPS } from "./envelope.ts";

/** How many barriers of a tree may be waited at, or be broken, at a time. */
const MOST_BARRIERS = 1024;

/** How many may wait at all of them. */
const MOST_WAITERS = 65_536;

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

/** Who asks: a node, and the neighbour of the root that it is behind. The root itself is behind nobody. */
export interface Asker {
  pid: number;
  via: number | undefined;
}

/** Somebody who waits: which node, its request, and all nodes above it. */
interface Waiter extends Asker {
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
  readonly #answer: (to: Asker, answer: Answer) => void;
  #waiting = 0;

  /** Makes one that answers by a function, which does not throw. */
  constructor(answer: (to: Asker, answer: Answer) => void) {
    this.#answer = answer;
  }

  /** Takes what a node asks for. It can do nothing to those that are behind another neighbour. */
  take(asker: Asker, request: Request): void {
    switch (request[0]) {
      case "enter": {
        const [, ticket, name, parties, path] = request;
        return this.#enter({ ...asker, ticket, path }, name, parties);
      }
      case "leave":
        return this.#leave(asker, request[1], request[2]);
      case "reset":
        return this.#reset(asker, request[1], request[2]);
      case "gone":
        return this.#gone(asker, request[1]);
    }
  }

  #enter(waiter: Waiter, name: string, parties: number): void {
    const { ticket } = waiter;
    const entry = this.#entries.get(name) ?? { parties, broken: false, waiters: [] };
    if (entry.broken) return this.#answer(waiter, ["broken", ticket]);
    if (entry.parties !== parties) return this.#answer(waiter, ["mismatch", ticket, entry.parties]);
    const isNew = !this.#entries.has(name);
    if (isNew && this.#entries.size >= MOST_BARRIERS || this.#waiting >= MOST_WAITERS) {
      return this.#answer(waiter, ["full", ticket, MOST_BARRIERS]);
    }
    entry.waiters.push(waiter);
    this.#waiting++;
    this.#entries.set(name, entry);
    if (entry.waiters.length < parties) return this.#tellState(name, entry, entry.waiters);
    const all = entry.waiters;
    this.#waiting -= all.length;
    this.#entries.delete(name);
    this.#tellState(name, { ...entry, waiters: [] }, all);
    for (const one of all) this.#answer(one, ["passed", one.ticket]);
  }

  #leave({ pid, via }: Asker, ticket: number, name: string): void {
    const entry = this.#entries.get(name);
    const found = entry?.waiters.find((one) =>
      one.pid === pid && one.via === via && one.ticket === ticket
    );
    // Whoever is not there any more has passed or failed already, and knows or will know.
    if (entry === undefined || found === undefined) return;
    this.#break(name, entry, (one) => one === found ? "late" : "broken");
  }

  #reset(asker: Asker, ticket: number, name: string): void {
    const waiting = this.#entries.get(name)?.waiters.length ?? 0;
    if (waiting > 0) return this.#answer(asker, ["busy", ticket, waiting]);
    this.#entries.delete(name);
    this.#answer(asker, ["done", ticket]);
  }

  /** Only the node right above one can say that it is gone; the root knows it by the link. */
  #gone(asker: Asker, pid: number): void {
    const isGone = ({ via, path }: Waiter) =>
      asker.via === undefined
        ? via === pid
        : via === asker.via && path.some((one, at) => one === asker.pid && path[at + 1] === pid);
    for (const [name, entry] of this.#entries) {
      if (entry.waiters.some(isGone)) this.#break(name, entry, () => "broken");
    }
  }

  #break(name: string, entry: Entry, how: (waiter: Waiter) => "broken" | "late"): void {
    const all = entry.waiters;
    this.#waiting -= all.length;
    entry.waiters = [];
    entry.broken = true;
    this.#tellState(name, entry, all);
    for (const one of all) this.#answer(one, [how(one), one.ticket]);
  }

  #tellState(name: string, { waiters, broken }: Entry, to: readonly Waiter[]): void {
    for (const one of new Map(to.map((one) => [`${one.via} ${one.pid}`, one])).values()) {
      this.#answer(one, ["state", name, waiters.length, broken]);
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
  if (!isCounts(path, MOST_HOPS + 1)) return undefined;
  return [kind, first, name, parties, [...path]];
}
