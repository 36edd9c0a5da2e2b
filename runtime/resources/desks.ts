/**
 * Desks: how untrusted workers learn of resources, seen from the entry.
 *
 * A worker could write any memory that it is given, so each gets a board of its own. The entry writes there what
 * is on the real one, remembers by itself what it has written, and reads back only how far the worker says it has come
 * and whether it still waits for an answer. A worker that writes nonsense misleads itself.
 *
 * @module
 */

import { type Board, createBoard, MAX_NAME, type Row, SEEN_ALL, slotOf, WORD } from "./board.ts";
import type { SharedWorld, ThreadStatistics } from "./threads.ts";
import { reaches, refresh, world } from "./world.ts";

/** What an untrusted worker needs, and what its owner does for it. */
export interface Enrolment {
  /** The worker's desk, to be sent to it. */
  desk: SharedArrayBuffer;
  /** What the worker may call, by name. Arguments are checked; the worker need not be trusted. */
  services: Record<string, (...args: unknown[]) => unknown>;
  /** Says that the worker is gone: in order, having run its destructors, or without. */
  leave(ended: "orderly" | "abandoned"): void;
}

/** Ids that workers can cause to be made. */
export const MAX_FOREIGN_IDS = 256;
const SEEN = slotOf(0) + 1;
const COUNTED = [WORD.live, WORD.started, WORD.ended, WORD.abandoned, WORD.fast];

interface Desk {
  board: Board;
  /** How many ids it shows. */
  count: number;
  /** How many of them had been freed when it was last written. */
  frees: number;
  isLeft: boolean;
  isWatched: boolean;
}

/** The desks of all untrusted workers. */
export class Desks {
  readonly #world: SharedWorld;
  readonly #desks = new Map<number, { desk: Desk; leave: Enrolment["leave"] }>();
  /** Which worker caused an id. */
  readonly #owners = new Map<number, Desk>();
  #foreign = 0;
  /** The version that all desks show. */
  #mirrored = -1;

  constructor(world: SharedWorld) {
    this.#world = world;
  }

  /** Makes a desk; a worker of the same number that never left is abandoned. */
  enroll(number: number): Enrolment {
    this.#desks.get(number)?.leave("abandoned");
    const board = createBoard({
      shared: true,
      slots: 1,
      expected: this.#world.storage.table.length,
    });
    Atomics.store(board.words, SEEN, SEEN_ALL);
    const desk: Desk = { board, count: 0, frees: 0, isLeft: false, isWatched: false };
    const leave = (ended: "orderly" | "abandoned") => this.#leave(number, desk, ended);
    this.#desks.set(number, { desk, leave });
    this.#count(WORD.live, 1);
    this.#count(WORD.started, 1);
    this.#write(desk);
    this.#tellCounts();
    const services: Enrolment["services"] = {
      resourceAllocate: (...args) => this.#allocate(desk, args),
      resourceFree: (id) => this.#free(desk, id),
      resourcesSettled: () => this.#settled(desk),
    };
    return { desk: board.buffer as SharedArrayBuffer, services, leave };
  }

  /** Writes what is new to all desks. */
  mirror(): void {
    const { version } = this.#world.storage;
    if (version === this.#mirrored) return;
    this.#mirrored = version;
    for (const { desk } of this.#desks.values()) this.#write(desk);
    this.#tellSeen();
  }

  /** Tells all workers that everything was shut down. */
  shutdown(): void {
    for (const { desk } of this.#desks.values()) {
      Atomics.store(desk.board.words, WORD.shutdown, 1);
      desk.board.publish(this.#world.storage.board.version);
    }
  }

  #write(desk: Desk): void {
    const { definitions, version, words } = this.#world.storage;
    while (desk.count < definitions.length - 1) desk.board.append(definitions[++desk.count]!);
    const frees = words[WORD.frees]!;
    if (frees !== desk.frees) {
      desk.frees = frees;
      definitions.forEach((definition, id) => definition?.isFreed && desk.board.free(id));
    }
    Atomics.store(desk.board.words, WORD.fast, words[WORD.fast]!);
    desk.board.publish(version);
    this.#watch(desk);
  }

  /** Follows a worker for as long as it is behind, so that others can wait for it. */
  async #watch(desk: Desk): Promise<void> {
    if (desk.isWatched) return;
    desk.isWatched = true;
    const { words } = desk.board;
    while (!desk.isLeft) {
      const seen = Atomics.load(words, SEEN);
      if (seen >= this.#world.storage.version) break;
      await reaches(words, SEEN, seen + 1);
      this.#tellSeen();
    }
    desk.isWatched = false;
  }

  #tellSeen(): void {
    const { words } = this.#world.storage;
    let least = SEEN_ALL;
    for (const { desk } of this.#desks.values()) {
      least = Math.min(least, Atomics.load(desk.board.words, SEEN));
    }
    Atomics.store(words, WORD.desksSeen, least);
    Atomics.notify(words, WORD.desksSeen);
  }

  #leave(number: number, desk: Desk, ended: "orderly" | "abandoned"): void {
    if (desk.isLeft) return;
    desk.isLeft = true;
    if (this.#desks.get(number)?.desk === desk) this.#desks.delete(number);
    Atomics.store(desk.board.words, SEEN, SEEN_ALL);
    Atomics.notify(desk.board.words, SEEN);
    this.#tellSeen();
    this.#count(WORD.live, -1);
    this.#count(ended === "orderly" ? WORD.ended : WORD.abandoned, 1);
    this.#tellCounts();
  }

  #allocate(desk: Desk, [ticket, name, scope, isFast, hasCtor = true]: unknown[]): void {
    const isName = typeof name === "string" && name.length > 0 && name.length <= MAX_NAME;
    const isScope = scope === "thread" || scope === "request";
    const areFlags = typeof isFast === "boolean" && typeof hasCtor === "boolean";
    if (!isTicket(ticket) || !isName || !isScope || !areFlags) {
      throw new TypeError("Cannot allocate a resource: the arguments of the call are wrong");
    }
    const { words } = desk.board;
    // Whoever gives up takes the ticket back, and then nothing is registered.
    if (Atomics.compareExchange(words, WORD.ticket, ticket, -ticket) !== ticket) return;
    Atomics.store(words, WORD.answer, this.#give(desk, { name, scope, hasCtor }, isFast));
    Atomics.store(words, WORD.ticket, 0);
    Atomics.notify(words, WORD.ticket);
  }

  #give(desk: Desk, asked: Pick<Row, "name" | "scope" | "hasCtor">, isFast: boolean): number {
    if (desk.isLeft || this.#world.storage.isClosed || world !== this.#world) return 0;
    refresh(this.#world);
    const { storage } = this.#world;
    const known = storage.names.get(asked.name);
    if (known !== undefined) return known;
    if (this.#foreign >= MAX_FOREIGN_IDS || !isFree(asked)) return 0;
    const last = storage.definitions.length - 1;
    // The module that a worker names stays with it: no other isolate runs code that a worker points to.
    const row = { ...asked, isForeign: true };
    const id = this.#world.register(row, isFast);
    if (id > last && storage.definitions[id]!.isForeign) {
      this.#foreign++;
      this.#owners.set(id, desk);
    }
    refresh(this.#world);
    return id;
  }

  /** A worker frees for others only what it was the first to ask for. */
  #free(desk: Desk, id: unknown): void {
    if (typeof id !== "number" || this.#owners.get(id) !== desk || desk.isLeft) return;
    this.#owners.delete(id);
    this.#world.free(id);
    refresh(this.#world);
  }

  async #settled(desk: Desk): Promise<void> {
    if (desk.isLeft) return;
    refresh(this.#world);
    await this.#world.settled();
  }

  #count(word: number, by: number): void {
    Atomics.add(this.#world.storage.words, word, by);
  }

  #tellCounts(): void {
    const { words } = this.#world.storage;
    for (const { desk } of this.#desks.values()) {
      for (const word of COUNTED) Atomics.store(desk.board.words, word, words[word]!);
    }
  }
}

/** Reads the counts of a board. */
export function readStatistics(words: Int32Array<ArrayBufferLike>): ThreadStatistics {
  const [live, started, ended, abandoned] = COUNTED.map((word) => Atomics.load(words, word));
  return { live: live!, started: started!, ended: ended!, abandoned: abandoned! };
}

/** A worker must not take a name of the runtime's own for something else, which other workers would find there. */
function isFree({ name, scope }: Pick<Row, "name" | "scope">): boolean {
  return !name.startsWith("tandem.") || (name === "tandem.request" && scope === "request");
}

function isTicket(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < SEEN_ALL;
}
