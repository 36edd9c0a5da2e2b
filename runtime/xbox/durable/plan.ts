/**
 * The commit by which an attempt is settled.
 *
 * @module
 */

import { type ErrorRecord, toErrorRecord } from "../../errors.ts";
import type { RowCheck, RowWrite } from "../../store/engine.ts";
import {
  dropParts,
  type Held,
  keepStaged,
  loadPayload,
  type Meta,
  packBody,
  placeBody,
  toHeld,
} from "./body.ts";
import type { Job } from "./commits.ts";
import { Lease } from "./lease.ts";
import { leaveLine } from "./line.ts";
import type { QueueRoom } from "./room.ts";
import { deadRow, type Due, dueRow, keyRow, messageRow, nameOf, packRow, whyRow } from "./rows.ts";
import { backOff, nextTime } from "./times.ts";

/** How an attempt ended. */
export type Outcome =
  | { type: "handled" }
  | { type: "failed"; error: unknown }
  /** It did not come to run, which is no attempt; it is tried again after a pause. */
  | { type: "not-run"; pauseMs: number };

/** What is known of an attempt beside its message. */
export interface Attempt {
  /** When it began, in milliseconds since the epoch. */
  startedAt: number;
  /** The revision of a repeated message that was handled. */
  revision: number | undefined;
  /** Whether this box may handle the next of a line. */
  mayGoOn(): boolean;
}

/** A commit that settles an attempt. */
export interface Plan extends Job {
  /** What becomes of the message. */
  what: "handled" | "taken-back" | "again" | "dead";
  /** When it is tried again, in milliseconds since the epoch. */
  at?: number;
  /** What is gone, and its parts with it. */
  gone: readonly Meta[];
  /** Whether there is one message more: a copy. */
  isMore: boolean;
  /** Makes the lease of the next in line from the version of the commit. */
  next?(version: string): Lease;
}

/** What the kinds of plans differ in. */
type Rest = Pick<Plan, "what" | "at" | "next" | "rings">;

/** A record may be long, and its row must not be. */
const MOST_TEXT = 1500;
const MOST_CAUSES = 2;

/** Says what is to be committed; reads only what it has to. */
export async function planSettlement(
  room: QueueRoom,
  lease: Lease,
  held: Held,
  outcome: Outcome,
  attempt: Attempt,
): Promise<Plan> {
  const planner = new Planner(room, lease, held);
  const { body } = held;
  if (body === undefined) return await planner.leave({ what: "taken-back" });
  const { meta } = body;
  const { tries } = lease.due;
  if (outcome.type === "not-run") {
    return planner.again(room.now() + outcome.pauseMs, tries - 1, lease.due.crashes);
  }
  if (outcome.type === "failed" && tries < meta.attempts) {
    return planner.again(room.now() + backOff(room.options, tries, room.random()), tries);
  }
  if (outcome.type === "failed") await planner.bury(outcome.error);
  const what = outcome.type === "failed" ? "dead" : "handled";
  if (meta.everyMs !== undefined) {
    const isChanged = meta.revision !== attempt.revision;
    const at = isChanged ? meta.at : nextTime(meta.at, meta.everyMs, attempt.startedAt);
    return await planner.repeat(what, at, attempt);
  }
  return await planner.leave({ what }, attempt);
}

class Planner {
  readonly #room: QueueRoom;
  readonly #lease: Lease;
  readonly #held: Held;
  readonly #now: number;
  readonly #checks: RowCheck[];
  readonly #writes: RowWrite[];
  readonly #gone: Meta[] = [];
  #isMore = false;

  constructor(room: QueueRoom, lease: Lease, held: Held) {
    this.#room = room;
    this.#lease = lease;
    this.#held = held;
    this.#now = room.now();
    const { row } = lease;
    this.#checks = [row];
    this.#writes = [{ key: row.key, value: null }];
    const { key, isCopy } = held.body?.meta ?? {};
    // Only the row of a message with a key is ever written again: it may be taken back, or be changed.
    if (key === undefined || isCopy) return;
    this.#checks.push({ key: messageRow(lease.id), versionstamp: held.version });
  }

  /** It is tried again. */
  again(at: number, tries: number, crashes?: number): Plan {
    const { since, place } = this.#lease.due;
    this.#put(at, { since, tries, crashes, place });
    return this.#plan({ what: "again", at, rings: true });
  }

  /** It has its next time, and stands in no line any more. */
  async repeat(what: Plan["what"], at: number, attempt: Attempt): Promise<Plan> {
    const { meta, payload } = this.#held.body!;
    const value = packBody({ meta: { ...meta, at, place: undefined }, payload });
    this.#writes.push({ key: messageRow(this.#lease.id), value });
    this.#put(at, { since: at, tries: 0 });
    return await this.#passOn({ what, at, rings: true }, attempt);
  }

  /** It becomes a dead letter; of a repeated one a copy does. */
  async bury(error: unknown): Promise<void> {
    const { meta } = this.#held.body!;
    const id = meta.everyMs === undefined ? this.#lease.id : await this.#copy();
    const { tries } = this.#lease.due;
    const why = { at: this.#now, tries: Math.min(tries, meta.attempts), error: shortRecord(error) };
    this.#writes.push({ key: whyRow(id), value: packRow(why) });
    this.#writes.push({ key: deadRow(id), value: new Uint8Array(1) });
  }

  /**
   * Makes a copy that is not repeated, in the place of the last one: what fails for ever leaves one dead letter, not one
   * each time. A copy that is being tried anew is left alone.
   */
  async #copy(): Promise<string> {
    const { engine } = this.#room;
    const usual = `${this.#lease.id}-copy`;
    const [dead, last] = await engine.read([deadRow(usual), messageRow(usual)]);
    const isFree = dead!.value !== null || last!.value === null;
    if (isFree) this.#checks.push(dead!, last!);
    const replaced = isFree ? toHeld(last!.value, last!.versionstamp).body : undefined;
    if (replaced === undefined) this.#isMore = true;
    else this.#drop(replaced.meta);
    const id = isFree ? usual : this.#room.newId();
    const payload = await loadPayload(engine, this.#held.body!).catch(() => new Uint8Array());
    const { everyMs: _, revision: __, parts: ___, ...rest } = this.#held.body!.meta;
    const placed = await placeBody(engine, { ...rest, isCopy: true }, payload, this.#now);
    const { checks, writes } = keepStaged(placed.staged);
    this.#checks.push(...checks);
    this.#writes.push(...writes, { key: messageRow(id), value: packBody(placed) });
    return id;
  }

  /** It is out of the queue, and the next of its line comes. */
  async leave(end: Pick<Plan, "what">, attempt?: Attempt): Promise<Plan> {
    const { id } = this.#lease;
    const { body } = this.#held;
    if (end.what === "handled" && body !== undefined) {
      this.#drop(body.meta);
      this.#writes.push({ key: messageRow(id), value: null });
    }
    this.#freeKey(end.what);
    return await this.#passOn(end, attempt);
  }

  /** The next of its line comes, if it stands in one. */
  async #passOn(
    rest: Rest,
    attempt?: Attempt,
  ): Promise<Plan> {
    const { place } = this.#lease.due;
    if (place === undefined) return this.#plan(rest);
    const { next, checks, writes } = await leaveLine(this.#room.engine, place);
    this.#checks.push(...checks);
    this.#writes.push(...writes);
    if (next === undefined) return this.#plan(rest);
    const isMine = next.at <= this.#now && attempt?.mayGoOn() === true;
    if (!isMine) {
      const due = packRow({ since: next.at, tries: 0, place: next.place });
      this.#writes.push({ key: dueRow(next.at, next.id), value: due });
      return this.#plan({ ...rest, rings: true });
    }
    const until = this.#now + this.#room.options.leaseMs;
    const due: Due = { owner: this.#room.newId(), since: next.at, tries: 1, place: next.place };
    this.#writes.push({ key: dueRow(until, next.id), value: packRow(due) });
    return this.#plan({
      ...rest,
      next: (version) => new Lease(next.id, due, until, version),
    });
  }

  #freeKey(what: Plan["what"]): void {
    const { key, isCopy } = this.#held.body?.meta ?? {};
    if (key === undefined || isCopy) return;
    const row = keyRow(nameOf(key));
    if (what !== "handled") return void this.#writes.push({ key: row, value: null });
    const { keepKeysMs } = this.#room.options;
    const holder = { id: this.#lease.id, until: this.#now + keepKeysMs };
    this.#writes.push({ key: row, value: packRow(holder), expireInMs: keepKeysMs });
  }

  #put(at: number, due: Due): void {
    this.#writes.push({ key: dueRow(at, this.#lease.id), value: packRow(due) });
  }

  #drop(meta: Meta): void {
    this.#gone.push(meta);
    this.#writes.push(...dropParts(meta, this.#now));
  }

  #plan(rest: Rest): Plan {
    const [checks, writes, gone, isMore] = [this.#checks, this.#writes, this.#gone, this.#isMore];
    return { checks, writes, gone, isMore, ...rest };
  }
}

/** A record whose texts and causes are few enough for a row. */
function shortRecord(error: unknown): ErrorRecord {
  const cut = (record: ErrorRecord, depth: number): ErrorRecord => ({
    name: record.name,
    message: record.message.slice(0, MOST_TEXT),
    code: record.code,
    stack: record.stack?.slice(0, MOST_TEXT),
    cause: record.cause && depth < MOST_CAUSES ? cut(record.cause, depth + 1) : undefined,
  });
  return cut(toErrorRecord(error), 0);
}
