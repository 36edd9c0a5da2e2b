/**
 * The queue of a pool: urgent work first, a turn for every route, and the newest first under pressure.
 *
 * A route that is asked for a thousand times in one second does not keep the others waiting: within a
 * priority the routes take turns. When so much waits that the oldest are unlikely to be in time, the
 * newest of a route is taken instead, so that at least some answers come soon. The queue neither
 * counts time nor refuses anything: its owner decides when it is full, and asks it who should go.
 *
 * @module
 */

import { type Lane, Place, Turns } from "./lanes.ts";

/** How urgent something is: 0 low, 1 normal, 2 high. */
export type Urgency = 0 | 1 | 2;

/** What a queue must know of an item. It is read when the item is added and may change while it waits. */
export interface Queued {
  /** What the item asks for; the routes of a priority take turns. */
  readonly route: string;
  /** A higher one is always emptied first. */
  readonly priority: Urgency;
  /** Since when it waits, on any clock that does not go back. */
  readonly submittedAt: number;
}

/** How a {@linkcode FairQueue} behaves. */
export interface FairQueueOptions {
  /**
   * Takes the newest of a route once at least this many items, of all routes and priorities, would
   * stay behind; 0: always.
   *
   * @default {Infinity} always the oldest
   */
  newestFirstAt?: number;
}

/** Items by priority, then route by route, then by age. */
export class FairQueue<T extends Queued> implements Iterable<T> {
  readonly #newestFirstAt: number;
  readonly #places = new Map<T, Place<T>>();
  /** Indexed by priority. */
  readonly #turns: readonly Turns<T>[] = [new Turns<T>(), new Turns<T>(), new Turns<T>()];
  readonly #arrived = new Ages<T>();
  /** Apart from the rest, so that sorting one in passes only the few that were given back. */
  readonly #givenBack = new Ages<T>();

  /** @throws {RangeError} When `newestFirstAt` is negative or not a number. */
  constructor({ newestFirstAt = Infinity }: FairQueueOptions = {}) {
    if (!(newestFirstAt >= 0)) {
      throw new RangeError(
        `Cannot make a queue: newestFirstAt must be 0 or more, is ${newestFirstAt}`,
      );
    }
    this.#newestFirstAt = newestFirstAt;
  }

  /** Items that wait. */
  get size(): number {
    return this.#places.size;
  }

  /** Whether an item waits. */
  has(item: T): boolean {
    return this.#places.has(item);
  }

  /**
   * Adds an item as the newest of its route.
   *
   * @throws {RangeError} When there is no such priority.
   * @throws {TypeError} When it waits already.
   */
  add(item: T): void {
    const place = this.#enter(item, false);
    place.lane.push(place);
    this.#arrived.insert(place);
  }

  /**
   * Gives an item back that was taken: it is the next of its priority and loses none of its age.
   *
   * @throws {RangeError} When there is no such priority.
   * @throws {TypeError} When it waits already.
   */
  addFirst(item: T): void {
    const place = this.#enter(item, true);
    place.lane.unshift(place);
    place.lane.turns.prefer(place.lane);
    this.#givenBack.insert(place);
  }

  /** Takes out what is to run next; `lowest` leaves alone what is less urgent. */
  take(lowest: Urgency = 0): T | undefined {
    const place = this.#next(lowest);
    if (place === undefined) return undefined;
    place.lane.turns.pass();
    this.#leave(place);
    return place.item;
  }

  /** What {@linkcode take} would take. */
  peek(lowest: Urgency = 0): T | undefined {
    return this.#next(lowest)?.item;
  }

  /** Takes an item out; says whether it was there. */
  delete(item: T): boolean {
    const place = this.#places.get(item);
    if (place !== undefined) this.#leave(place);
    return place !== undefined;
  }

  /** The item that has waited longest, whatever its route and priority. */
  oldest(): T | undefined {
    const arrived = this.#arrived.first?.item;
    const back = this.#givenBack.first?.item;
    if (arrived === undefined || back === undefined) return arrived ?? back;
    return back.submittedAt <= arrived.submittedAt ? back : arrived;
  }

  /**
   * Who should make room in a full queue for a newcomer, without leaving the queue yet: the newest
   * item of the longest route of the lowest priority. A newcomer of the same priority displaces nobody
   * unless its own route stays shorter than that one; a less urgent newcomer displaces nobody.
   *
   * @param route Route of the newcomer.
   * @param priority Urgency of the newcomer.
   */
  victim(route: string, priority: Urgency): T | undefined {
    for (let level = 0; level <= priority; level++) {
      const turns = this.#turns[level]!;
      const longest = turns.longest();
      if (longest === undefined) continue;
      const own = turns.get(route)?.size ?? 0;
      return level < priority || longest.size >= own + 2 ? longest.last?.item : undefined;
    }
    return undefined;
  }

  /** All items, in no particular order; items may come and go meanwhile. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#places.keys();
  }

  #enter(item: T, givenBack: boolean): Place<T> {
    const turns = this.#turns[item.priority];
    if (turns === undefined) {
      throw new RangeError(`Cannot queue an item: priority must be 0, 1 or 2, is ${item.priority}`);
    }
    if (this.#places.has(item)) throw new TypeError("Cannot queue an item: it is queued already");
    const place = new Place(item, turns.open(item.route), givenBack);
    this.#places.set(item, place);
    return place;
  }

  #leave(place: Place<T>): void {
    const lane: Lane<T> = place.lane;
    this.#places.delete(place.item);
    lane.remove(place);
    if (lane.size === 0) lane.turns.close(lane);
    (place.givenBack ? this.#givenBack : this.#arrived).remove(place);
  }

  #next(lowest: Urgency): Place<T> | undefined {
    for (let level = this.#turns.length - 1; level >= lowest; level--) {
      const lane = this.#turns[level]!.current;
      if (lane === undefined) continue;
      const oldest = lane.first?.givenBack || this.size - 1 < this.#newestFirstAt;
      return oldest ? lane.first : lane.last;
    }
    return undefined;
  }
}

/** Places by age, the oldest first. Inserting costs nothing as long as each is newer than the last. */
class Ages<T extends Queued> {
  first: Place<T> | undefined;
  #last: Place<T> | undefined;

  insert(place: Place<T>): void {
    let older = this.#last;
    while (older !== undefined && older.item.submittedAt > place.item.submittedAt) {
      older = older.older;
    }
    const newer = older === undefined ? this.first : older.newer;
    place.older = older;
    place.newer = newer;
    if (older === undefined) this.first = place;
    else older.newer = place;
    if (newer === undefined) this.#last = place;
    else newer.older = place;
  }

  remove({ older, newer }: Place<T>): void {
    if (older === undefined) this.first = newer;
    else older.newer = newer;
    if (newer === undefined) this.#last = older;
    else newer.older = older;
  }
}
