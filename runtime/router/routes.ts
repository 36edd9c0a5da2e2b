/**
 * Where the nodes below are: what children announced, so that a message for one of them takes one link only.
 *
 * It saves copies and decides nothing: for a pid that is not known here, messages go everywhere.
 *
 * @module
 */

/** How many pids a node remembers; those beyond that are reached by flooding. */
const MOST_ROUTES = 65_536;

/** How many pids one frame announces. */
export const MOST_ANNOUNCED = 1024;

/** Cuts pids into parts that fit a frame. */
export function* inParts(pids: readonly number[]): Generator<number[]> {
  for (let at = 0; at < pids.length; at += MOST_ANNOUNCED) {
    yield pids.slice(at, at + MOST_ANNOUNCED);
  }
}

/** The pids below one node, each with the pid of the child through which it is reached. */
export class Routes {
  readonly #via = new Map<number, number>();

  /** Notes what a child announced and returns what was new. What another child has announced stays with that. */
  learn(pids: readonly number[], child: number): number[] {
    const fresh = pids.filter((pid) => pid !== child && !this.#via.has(pid))
      .slice(0, MOST_ROUTES - this.#via.size);
    for (const pid of fresh) this.#via.set(pid, child);
    return fresh;
  }

  /** The child through which a pid is reached. */
  via(pid: number): number | undefined {
    return this.#via.get(pid);
  }

  /** Forgets what a child takes back, and returns what it had announced of that. */
  unlearn(pids: readonly number[], child: number): number[] {
    return pids.filter((pid) => this.#via.get(pid) === child && this.#via.delete(pid));
  }

  /** Forgets all that was reached through a child, and returns it. */
  forget(child: number): number[] {
    return this.unlearn([...this.#via.keys()], child);
  }

  /** All pids. */
  get pids(): number[] {
    return [...this.#via.keys()];
  }
}
