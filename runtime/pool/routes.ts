/**
 * What has been seen of the tasks of each route: how long they take, since only those that are known to
 * be quick are sent ahead; and how often a worker ended under them, which tells who ends workers from
 * who only happened to be there.
 *
 * @module
 */

/** Routes that are told apart; the others count as unknown. */
const MAX_ROUTES = 256;
/** Tasks of a route that must have been seen. */
const FEW = 4;
/** A route is quick when its tasks take no longer than this on average, in milliseconds. */
const QUICK_MS = 0.5;
/** None of its recent tasks may have taken longer than this. */
const LONGEST_MS = 4;
const DECAY = 0.1;
/** A route is very quick when its tasks take no longer than this on average, in milliseconds: less than to wake a worker. */
const VERY_QUICK_MS = 0.03;
/** And when none of so many took long: what stands behind such a one, or was just answered before it, has to wait. */
const STEADY = 512;

interface Seen {
  tasks: number;
  average: number;
  longest: number;
  /** Tasks since the last that took long. */
  steady: number;
  /** Workers that ended under such a task. */
  deaths: number;
}

/** A route is deadly when more than this share of its tasks end their worker. */
const DEADLY_SHARE = 0.2;

/** Remembers what became of tasks. */
export class Routes {
  readonly #seen = new Map<string, Seen>();

  /** Takes the time that a task has taken, in milliseconds, as its worker says. */
  note(route: string, ms: number): void {
    const seen = this.#of(route);
    if (seen === undefined) return;
    // The first ones load and compile what the others find.
    const weight = seen.tasks === 0 ? 1 : seen.tasks < FEW ? 0.5 : DECAY;
    if (ms > LONGEST_MS && seen.tasks >= FEW) seen.steady = 0;
    else seen.steady++;
    seen.tasks++;
    seen.average += (ms - seen.average) * weight;
    seen.longest = Math.max(ms, seen.longest * (1 - weight));
  }

  /** A worker has ended under a task of the route. */
  noteDeath(route: string): void {
    const seen = this.#of(route);
    if (seen !== undefined) seen.deaths++;
  }

  /** Whether tasks of the route are likely to end the worker that they run on. */
  isDeadly(route: string): boolean {
    const { deaths, tasks } = this.#seen.get(route) ?? { deaths: 0, tasks: 0 };
    return deaths > 1 && deaths > (tasks + deaths) * DEADLY_SHARE;
  }

  /** Whether a task of the route may stand behind another, and another behind it. */
  isQuick(route: string): boolean {
    const seen = this.#seen.get(route);
    return seen !== undefined && seen.tasks >= FEW && seen.average <= QUICK_MS &&
      seen.longest <= LONGEST_MS;
  }

  /** Whether tasks of the route are so quick, and so steadily, that others need not be woken for them. */
  isVeryQuick(route: string): boolean {
    const seen = this.#seen.get(route);
    return seen !== undefined && seen.average <= VERY_QUICK_MS && seen.steady >= STEADY &&
      this.isQuick(route);
  }

  /** How long the route's tasks take, in milliseconds; infinite where none has been seen. */
  averageMs(route: string): number {
    return this.#seen.get(route)?.average ?? Infinity;
  }

  #of(route: string): Seen | undefined {
    let seen = this.#seen.get(route);
    if (seen === undefined && this.#seen.size < MAX_ROUTES) {
      seen = { tasks: 0, average: 0, longest: 0, steady: STEADY, deaths: 0 };
      this.#seen.set(route, seen);
    }
    return seen;
  }
}
