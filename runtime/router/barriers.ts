/**
 * The barriers of a tree, as one node uses them: it asks the root, and waits for its answers.
 *
 * @module
 */

import { startTimer } from "../own_timers.ts";
import {
  type Answer,
  type Asker,
  BarrierDesk,
  parseRequest,
  type Request,
} from "./barrier_desk.ts";
import { BrokenBarrierError, busyBarrier, tooLate } from "./barrier_errors.ts";
import { RouterError } from "./errors.ts";

/** How long an answer to a request that needs no waiting may take, in milliseconds. */
const ANSWER_MS = 2000;

/** What is needed of the node. */
export interface BarriersHost {
  readonly pid: number;
  readonly rootPid: number;
  /** The pids of all nodes from the root to this one. */
  readonly path: readonly number[];
  /** Asks the root. */
  ask(request: Request): void;
  /** Answers a node by the way that it asked; what cannot be sent is reported. */
  answer(to: Asker, answer: Answer): void;
}

/** What is known here of a barrier. */
export interface BarrierState {
  waiting: number;
  broken: boolean;
}

interface Asked {
  resolve(): void;
  reject(error: unknown): void;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/** The barriers of one node, and at the root those of all. */
export class Barriers {
  readonly #host: BarriersHost;
  readonly #desk: BarrierDesk | undefined;
  readonly #asked = new Map<number, Asked>();
  readonly #states = new Map<string, WeakRef<BarrierState>>();
  /** Forgets the names of barriers that nobody has any more. */
  readonly #unused = new FinalizationRegistry((name: string) => {
    if (this.#states.get(name)?.deref() === undefined) this.#states.delete(name);
  });
  #ticket = 0;

  /** Makes those of a node; that of the root keeps the desk. */
  constructor(host: BarriersHost) {
    this.#host = host;
    if (host.pid !== host.rootPid) return;
    this.#desk = new BarrierDesk((to, answer) =>
      to.via === undefined ? this.#hear(answer) : host.answer(to, answer)
    );
  }

  /** What is known of a barrier; it changes by itself as long as somebody has it. */
  state(name: string): BarrierState {
    const known = this.#states.get(name)?.deref();
    if (known !== undefined) return known;
    const state = { waiting: 0, broken: false };
    this.#states.set(name, new WeakRef(state));
    this.#unused.register(state, name);
    return state;
  }

  /** Waits at a barrier. */
  enter(name: string, parties: number, timeoutMs: number): Promise<void> {
    const ticket = ++this.#ticket;
    const late = () => {
      // The last one may have come at this very moment: the root knows.
      this.#ask(["leave", ticket, name]);
      return ANSWER_MS;
    };
    const request: Request = ["enter", ticket, name, parties, [...this.#host.path]];
    return this.#wait(ticket, request, timeoutMs, late);
  }

  /** Repairs a barrier. */
  async reset(name: string): Promise<void> {
    const ticket = ++this.#ticket;
    await this.#wait(ticket, ["reset", ticket, name], ANSWER_MS);
    this.state(name).broken = false;
  }

  /** Takes what another node sent; what is neither a request nor an answer does nothing. */
  take(source: Asker, value: unknown): void {
    if (this.#desk !== undefined) {
      const request = parseRequest(value);
      if (request !== undefined) this.#desk.take(source, request);
    } else if (source.pid === this.#host.rootPid && Array.isArray(value)) {
      this.#hear(value as Answer);
    }
  }

  /** A child of this node is gone: nobody below it waits any more. */
  gone(pid: number): void {
    this.#ask(["gone", pid]);
  }

  /** Ends all waiting of this node. */
  close(): void {
    for (const ticket of [...this.#asked.keys()]) this.#settle(ticket, new BrokenBarrierError());
  }

  #ask(request: Request): void {
    if (this.#desk === undefined) this.#host.ask(request);
    else this.#desk.take({ pid: this.#host.pid, via: undefined }, request);
  }

  #wait(
    ticket: number,
    request: Request,
    timeoutMs: number,
    late?: () => number,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const asked: Asked = { resolve, reject, timer: undefined };
    this.#asked.set(ticket, asked);
    const expire = () => {
      const more = late?.();
      late = undefined;
      // What the root said at once has settled it.
      if (!this.#asked.has(ticket)) return;
      if (more === undefined) this.#settle(ticket, tooLate());
      else asked.timer = startTimer(expire, more);
    };
    if (Number.isFinite(timeoutMs)) asked.timer = startTimer(expire, timeoutMs);
    try {
      this.#ask(request);
    } catch (error) {
      this.#settle(ticket, error);
    }
    return promise;
  }

  #hear(answer: Answer): void {
    switch (answer[0]) {
      case "state": {
        const [, name, waiting, broken] = answer;
        const state = this.#states.get(name)?.deref();
        if (state !== undefined) Object.assign(state, { waiting, broken });
        return;
      }
      case "passed":
      case "done":
        return this.#settle(answer[1]);
      case "late":
        return this.#settle(answer[1], tooLate());
      case "broken":
        return this.#settle(answer[1], new BrokenBarrierError());
      case "busy":
        return this.#settle(answer[1], busyBarrier(answer[2]));
      case "full":
        return this.#settle(answer[1], tooMany(answer[2]));
      case "mismatch":
        return this.#settle(answer[1], otherParties(answer[2]));
    }
  }

  #settle(ticket: number, error?: unknown): void {
    const asked = this.#asked.get(ticket);
    if (asked === undefined) return;
    this.#asked.delete(ticket);
    clearTimeout(asked.timer);
    if (error === undefined) asked.resolve();
    else asked.reject(error);
  }
}

function tooMany(most: number): RouterError {
  return new RouterError("QUEUE_FULL", `Cannot wait at the barrier: the tree has ${most} in use`);
}

function otherParties(parties: number): RangeError {
  return new RangeError(`Cannot wait at the barrier: those who wait expect ${parties} parties`);
}
