/**
 * Desks, seen from inside an untrusted worker: it reads its ids from the desk and asks the entry for new ones.
 *
 * Nothing here protects anybody, since the worker's own code can replace it.
 *
 * Workers load this file.
 *
 * @module
 */

import { Board, type Row, slotOf, WORD } from "./board.ts";
import { dropStale } from "./stale.ts";
import { Storage } from "./storage.ts";
import { EVENTS, FAST_IDS, listen, setWorld, type World } from "./world.ts";

/** Calls one of the services of an enrolment. */
export type DeskCall = (name: string, ...args: unknown[]) => Promise<unknown>;

/** How long a worker waits for an id, in milliseconds. */
const LONGEST_WAIT_MS = 1000;

/** A world whose ids come from the entry. */
class DeskWorld implements World {
  readonly storage: Storage;
  readonly isMain = false;
  readonly isTrusted = false;
  readonly #call: DeskCall;
  #ticket = 0;

  constructor(board: Board, thread: number, call: DeskCall) {
    this.storage = new Storage(board, thread, 0, EVENTS);
    this.#call = call;
  }

  register({ name, scope, hasCtor }: Row, isFast: boolean): number {
    const { storage } = this;
    storage.read();
    const known = storage.names.get(name);
    if (known !== undefined) return known;
    if (isFast && storage.words[WORD.fast]! >= FAST_IDS) return 0;
    const ticket = ++this.#ticket;
    Atomics.store(storage.words, WORD.ticket, ticket);
    this.#call("resourceAllocate", ticket, name, scope, isFast, hasCtor).catch(ignore);
    const id = awaitAnswer(storage.words as Int32Array<SharedArrayBuffer>, ticket);
    storage.read();
    return id;
  }

  free(id: number): void {
    this.storage.freeHere(id);
    this.#call("resourceFree", id).catch(ignore);
  }

  async settled(): Promise<void> {
    await this.#call("resourcesSettled");
  }

  onChange(): void {}

  leave(): void {}
}

/**
 * Makes this worker a thread of the manager in the entry, which enrolled it. Its table is made at its first access
 * or at its next turn.
 *
 * A worker that joins once more first destroys what it still has.
 *
 * @param desk The desk of the enrolment.
 * @param call Calls a service of the enrolment; the message must leave at once, since the worker then waits for the
 * answer without letting its event loop turn.
 * @param threadNumber The number that the entry enrolled it under.
 *
 * @throws {TypeError} If the desk is none.
 * @throws {AggregateError} If destructors of what was left over threw.
 */
export function joinDesk(desk: SharedArrayBuffer, call: DeskCall, threadNumber: number): void {
  if (!(desk instanceof SharedArrayBuffer) || desk.byteLength < 4 * slotOf(1)) {
    throw new TypeError("Cannot join: what was given is no desk");
  }
  const next = new DeskWorld(new Board(desk), threadNumber, call);
  dropStale(() => {
    setWorld(next);
    next.storage.see(0);
    listen(next);
  });
}

/** Waits until the entry has answered or the time is over; a question that is under way is waited for once more. */
function awaitAnswer(words: Int32Array<SharedArrayBuffer>, ticket: number): number {
  if (Atomics.wait(words, WORD.ticket, ticket, LONGEST_WAIT_MS) === "timed-out") {
    if (Atomics.compareExchange(words, WORD.ticket, ticket, 0) === ticket) return 0;
  }
  Atomics.wait(words, WORD.ticket, -ticket, LONGEST_WAIT_MS);
  return Atomics.load(words, WORD.ticket) === 0 ? Atomics.load(words, WORD.answer) : 0;
}

function ignore(): void {}
