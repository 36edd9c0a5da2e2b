/**
 * The linked lists behind a {@linkcode FairQueue}: the items of one route, and the routes of one
 * priority, which take turns. It knows nothing of priorities, ages or limits.
 *
 * Everything but the search for the longest route costs the same however much waits, and a route of
 * which nothing waits any more is forgotten.
 *
 * @module
 */

/** Where one item stands: in the list of its route, and in the queue's list by age. */
export class Place<T> {
  /** Who waits. */
  readonly item: T;
  /** The route it waits in. */
  readonly lane: Lane<T>;
  /** Whether it was taken before and given back. */
  readonly givenBack: boolean;
  /** Neighbours in the route. */
  before: Place<T> | undefined;
  after: Place<T> | undefined;
  /** Neighbours by age. */
  older: Place<T> | undefined;
  newer: Place<T> | undefined;

  constructor(item: T, lane: Lane<T>, givenBack: boolean) {
    this.item = item;
    this.lane = lane;
    this.givenBack = givenBack;
  }
}

/** What waits in one route: first what was given back, the latest of it foremost, then the rest by arrival. */
export class Lane<T> {
  /** The routes that this one takes turns with. */
  readonly turns: Turns<T>;
  /** Name of the route. */
  readonly route: string;
  /** Items that wait, 1 or more as long as the route takes turns. */
  size = 0;
  /** Ends of the list. */
  first: Place<T> | undefined;
  last: Place<T> | undefined;
  /** Neighbours in the ring of turns. */
  previous: Lane<T> = this;
  next: Lane<T> = this;

  constructor(turns: Turns<T>, route: string) {
    this.turns = turns;
    this.route = route;
  }

  /** Adds behind all. */
  push(place: Place<T>): void {
    place.before = this.last;
    if (this.last === undefined) this.first = place;
    else this.last.after = place;
    this.last = place;
    this.size++;
  }

  /** Adds before all. */
  unshift(place: Place<T>): void {
    place.after = this.first;
    if (this.first === undefined) this.last = place;
    else this.first.before = place;
    this.first = place;
    this.size++;
  }

  /** Takes one out, wherever it stands. */
  remove(place: Place<T>): void {
    const { before, after } = place;
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.last = before;
    else after.before = before;
    this.size--;
  }
}

/** The routes of one priority in which something waits, in a ring that starts with the one whose turn it is. */
export class Turns<T> {
  readonly #lanes = new Map<string, Lane<T>>();
  /** The route whose turn it is. */
  current: Lane<T> | undefined;

  /** The route of that name, if anything waits in it. */
  get(route: string): Lane<T> | undefined {
    return this.#lanes.get(route);
  }

  /** The route of that name; one that is new has its turn after all others. */
  open(route: string): Lane<T> {
    let lane = this.#lanes.get(route);
    if (lane !== undefined) return lane;
    lane = new Lane(this, route);
    this.#lanes.set(route, lane);
    if (this.current === undefined) this.current = lane;
    else this.#insert(lane, this.current);
    return lane;
  }

  /** Gives a route the next turn, whoever had it. */
  prefer(lane: Lane<T>): void {
    const { current } = this;
    if (current === undefined || current === lane) return;
    this.#unlink(lane);
    this.#insert(lane, current);
    this.current = lane;
  }

  /** Ends the turn of the current route. */
  pass(): void {
    this.current = this.current?.next;
  }

  /** Forgets a route in which nothing waits; if it had the turn, the next one has it. */
  close(lane: Lane<T>): void {
    this.#lanes.delete(lane.route);
    if (this.current === lane) this.current = lane.next === lane ? undefined : lane.next;
    this.#unlink(lane);
  }

  /** The route in which most waits; of several, the one that has not been empty for longest. */
  longest(): Lane<T> | undefined {
    let longest: Lane<T> | undefined;
    for (const lane of this.#lanes.values()) {
      if (longest === undefined || lane.size > longest.size) longest = lane;
    }
    return longest;
  }

  #insert(lane: Lane<T>, next: Lane<T>): void {
    lane.previous = next.previous;
    lane.next = next;
    next.previous.next = lane;
    next.previous = lane;
  }

  #unlink(lane: Lane<T>): void {
    lane.previous.next = lane.next;
    lane.next.previous = lane.previous;
  }
}
