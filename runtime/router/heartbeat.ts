/**
 * Signs of life of a neighbour.
 *
 * @module
 */

/** How often in a row a neighbour may fail to show up. */
const MISSES = 3;

/** What a heartbeat does. */
export interface HeartbeatEvents {
  /** Asks the neighbour for a sign. */
  ask(): void;
  /** The neighbour has shown none; called once until it shows one. */
  silent(): void;
}

/** Asks now and then, and counts what stays unanswered. It keeps no process alive. */
export class Heartbeat {
  readonly #everyMs: number;
  readonly #events: HeartbeatEvents;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #misses = 0;

  /** Prepares one that asks every so many milliseconds. */
  constructor(everyMs: number, events: HeartbeatEvents) {
    this.#everyMs = everyMs;
    this.#events = events;
  }

  /** How long a neighbour is silent when it is given up, in milliseconds. */
  get silenceMs(): number {
    return this.#everyMs * MISSES;
  }

  /** Begins. */
  start(): void {
    const timer = this.#timer = setInterval(() => this.#tick(), this.#everyMs);
    Deno.unrefTimer(timer);
  }

  /** The neighbour has shown itself. */
  heard(): void {
    this.#misses = 0;
  }

  /** Ends. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    // What is asked of one who does not listen would pile up, and one question is enough once he does.
    if (this.#misses < MISSES) this.#events.ask();
    else if (this.#misses === MISSES) this.#events.silent();
    this.#misses++;
  }
}
