/**
 * Handling messages: those that this box has just accepted, and those that have come due, which boxes take from each
 * other's way by moving their rows.
 *
 * @module
 */

import { LONGEST_TIMER_MS } from "../../checks.ts";
import { messageOf, RuntimeError } from "../../errors.ts";
import type { Row } from "../../store/engine.ts";
import { Pulse } from "../../store/pulse.ts";
import { Commits } from "./commits.ts";
import { type Body, decodeMessage, type Held, loadPayload, toHeld } from "./body.ts";
import type { Hands } from "./intake.ts";
import { blameOf } from "../blame.ts";
import { Lease } from "./lease.ts";
import type { Outcome } from "./plan.ts";
import { crashesOf, Quarantine } from "./quarantine.ts";
import { type Deliver, pauseFor, type QueueRoom, troublePause } from "./room.ts";
import { BELL, DUE, type Due, dueRow, messageRow, packRow, readRow } from "./rows.ts";
import { readHeld, settle } from "./settle.ts";

/** What is handled now. */
interface Running {
  lease: Lease;
  abort: AbortController;
  done: Promise<void>;
}

/** What a look at the due index found. */
interface Look {
  /** Milliseconds until the next one comes due. */
  nextMs: number;
  /** Whether more is due than this box has taken. */
  isMore: boolean;
}

/** A box looks for work so often even if nothing tells it to, in milliseconds. */
const LOOK_MS = 500;
/** And so often when there was none at all, in milliseconds. */
const IDLE_MS = 2000;
/** While more than so many messages are handled, a box with few free places waits a moment before it takes more. */
const FEW = 12;
/** So many times so many milliseconds. */
const GATHER_TURNS = 6;
const GATHER_MS = 4;
/** A lease is renewed when this part of it is over. */
const RENEW_AT = 1 / 3;
/** Boxes that meet wait for a part of this before they look again, in milliseconds. */
const PART_MS = 5;
/** So often a box tries to take what is left of what it has seen. */
const CLAIMS = 3;
/** So many looks long a box that has met others goes out of their way. */
const MEETING = 16;
/** A box that meets others looks further ahead, so that they part. */
const LOOK_AHEAD = 3;
const MOST_LOOKED_AT = 256;
/** A message that its pool had no room for is tried again after so long, in milliseconds. */
const NO_ROOM_MS = 200;
const NOT_RUN: ReadonlySet<string> = new Set(["QUEUE_FULL", "QUEUE_TIMEOUT", "STOPPING"]);
/** How long handlers that were aborted have to end, in milliseconds. */
const ABORTED_MS = 250;

/** Handles the messages of one queue in this box. */
export class Dispatcher implements Hands {
  readonly #room: QueueRoom;
  readonly #deliver: Deliver;
  /** Apart from all else that is committed, which would have to be done again when another box was quicker. */
  readonly #claims: Commits;
  readonly #running = new Set<Running>();
  readonly #pulse = new Pulse();
  readonly #stopping = new AbortController();
  #reserved = 0;
  #hasBacklog = false;
  #whenNoneReserved = () => {};
  readonly #hurried = Promise.withResolvers<void>();
  /** For so many looks it goes out of the way of other boxes. */
  #meetsOthers = 0;
  /** Messages that are due and must not be handled beside what is. */
  #heldBack = 0;
  #loops: Promise<unknown> | undefined;
  #renewing: ReturnType<typeof setInterval> | undefined;

  /** Hands messages to `deliver`. */
  constructor(room: QueueRoom, deliver: Deliver) {
    this.#room = room;
    this.#deliver = deliver;
    this.#claims = new Commits(room.engine);
  }

  /** How many messages this box handles now. */
  get running(): number {
    return this.#running.size;
  }

  /** Begins to look for work, once. */
  start(): void {
    if (this.#loops !== undefined || this.#stopping.signal.aborted) return;
    this.#loops = Promise.all([this.#look(), this.#listen()]);
    const every = this.#room.options.leaseMs * RENEW_AT;
    this.#renewing = setInterval(() => this.#renew(), Math.max(10, every / 2));
  }

  reserve(): boolean {
    if (this.#loops === undefined) return false;
    if (this.#hasBacklog || this.#stopping.signal.aborted || this.#free <= 0) return false;
    this.#reserved++;
    return true;
  }

  unreserve(): void {
    this.#release(1);
  }

  begin(lease: Lease, held: { body: Body; version: string }): void {
    this.#release(1);
    this.#begin(lease, held);
  }

  wake(): void {
    this.#pulse.raise();
  }

  /**
   * Takes nothing more, lets what is handled end, for `graceMs` at most, and gives back what has not: other boxes
   * find it at once.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#pulse.end();
    // What is being taken now is given back as soon as this box has it.
    await within(Promise.all([this.#loops, this.#noneReserved()]), ABORTED_MS);
    const done = () => Promise.all([...this.#running].map((one) => one.done));
    await within(Promise.race([done(), this.#hurried.promise]), graceMs);
    for (const { abort } of this.#running) abort.abort(stopping());
    await within(done(), ABORTED_MS);
    await within(Promise.all([...this.#running].map((one) => this.#giveBack(one))), ABORTED_MS);
    clearInterval(this.#renewing);
  }

  /** A stop that goes on waits for no handler any more. */
  hurry(): void {
    this.#hurried.resolve();
  }

  /** Resolves when nothing of it goes on but handlers that do not end; the room is closing by then. */
  async ended(): Promise<void> {
    await this.#loops;
  }

  #release(count: number): void {
    this.#reserved -= count;
    if (this.#reserved === 0) this.#whenNoneReserved();
  }

  #noneReserved(): Promise<void> {
    if (this.#reserved === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenNoneReserved = resolve);
  }

  get #free(): number {
    return this.#room.options.concurrency - this.#running.size - this.#reserved;
  }

  async #look(): Promise<void> {
    const { signal } = this.#stopping;
    const { census, log } = this.#room;
    let failures = 0;
    while (!signal.aborted) {
      let pauseMs = LOOK_MS;
      try {
        // One at a time would be dear: a few that end soon are made up for together.
        await this.#gather();
        const found = this.#free > 0 ? await this.#claimDue() : undefined;
        // Nobody has looked: there may be some, for which the first place that comes free is.
        if (found === undefined) this.#hasBacklog = true;
        else {
          this.#hasBacklog = found.isMore;
          const isAtOnce = found.isMore && this.#free > 0;
          if (!isAtOnce) pauseMs = Math.min(this.#lookMs(found), found.nextMs);
          else pauseMs = this.#meetsOthers > 0 ? this.#room.random() * PART_MS : 0;
        }
        if (census.isDue) census.count().catch(theNextLookSaysIt);
        if (failures > 0) log.info("Durable messages are handled again");
        failures = 0;
      } catch (error) {
        failures++;
        if (signal.aborted) return;
        if (failures === 1) {
          log.error("Durable messages cannot be looked for", { why: messageOf(error) });
        }
        await pauseFor(troublePause(failures), signal);
        continue;
      }
      if (pauseMs > 0) await this.#rest(pauseMs);
    }
  }

  /**
   * How long it may be until it looks again. An empty index may wait, but not for so long that a lease of another box
   * begins and ends meanwhile: who has seen it knows when it ends.
   */
  #lookMs({ nextMs, isMore }: Look): number {
    const isEmpty = nextMs === Infinity && !isMore && this.#running.size === 0;
    return isEmpty ? Math.max(LOOK_MS, Math.min(IDLE_MS, this.#room.options.leaseMs / 2)) : LOOK_MS;
  }

  /** Waits so long, or until there may be something to do. */
  async #rest(ms: number): Promise<void> {
    const timer = setTimeout(() => this.#pulse.raise(), ms);
    await this.#pulse.next();
    clearTimeout(timer);
  }

  /** Hears of what other boxes have accepted. */
  async #listen(): Promise<void> {
    const { signal } = this.#stopping;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        const watch = this.#room.engine.watch([BELL]);
        const stop = () => watch.close();
        signal.addEventListener("abort", stop, { once: true });
        try {
          while (!signal.aborted) {
            await watch.changed();
            failures = 1;
            this.wake();
          }
        } finally {
          signal.removeEventListener("abort", stop);
          watch.close();
        }
      } catch {
        // The look at the index says what is wrong with the store; it goes on without news.
        await pauseFor(troublePause(failures), signal);
      }
    }
  }

  /** What one commit takes. */
  get #mostClaimed(): number {
    return Math.max(1, Math.floor(this.#room.engine.limits.commitRows / 2));
  }

  /** Waits a moment for more free places: taking many at once costs as much as taking one. */
  async #gather(): Promise<void> {
    const { options: { concurrency } } = this.#room;
    for (let turns = 0; turns < GATHER_TURNS && this.#hasBacklog; turns++) {
      if (this.#free >= concurrency / 2 || this.#running.size <= FEW) return;
      await pauseFor(GATHER_MS, this.#stopping.signal);
    }
  }

  async #claimDue(): Promise<Look> {
    const { engine, random } = this.#room;
    const free = this.#free;
    const now = this.#room.now();
    const ahead = this.#meetsOthers > 0 ? LOOK_AHEAD : 1;
    const most = this.#heldBack > 0 ? MOST_LOOKED_AT : Math.min(MOST_LOOKED_AT, free * ahead + 1);
    const rows: Row[] = [];
    let nextMs = Infinity;
    for await (const row of engine.scan(DUE, undefined, most)) {
      const at = row.key[DUE.length] as number;
      if (at > now) nextMs = at - now;
      else rows.push(row);
      if (at > now || rows.length === most) break;
    }
    const first = this.#meetsOthers > 0
      ? Math.floor(random() * Math.max(1, rows.length - free))
      : 0;
    const watch = new Quarantine([...this.#running].map(({ lease }) => lease.due));
    const allowed = rows.slice(first).filter(({ value }) => watch.lets(readRow<Due>(value!)));
    this.#heldBack = rows.length - first - allowed.length;
    const wanted = allowed.slice(0, Math.min(free, this.#mostClaimed));
    if (this.#meetsOthers > 0) this.#meetsOthers--;
    if (wanted.length > 0) await this.#claim(wanted);
    return { nextMs, isMore: allowed.length + first > wanted.length };
  }

  async #claim(rows: readonly Row[]): Promise<void> {
    const { engine } = this.#room;
    this.#reserved += rows.length;
    try {
      const [leases, messages] = await Promise.all([
        this.#lease(rows),
        engine.read(rows.map((row) => messageRow(idOf(row)))),
      ]);
      const read = new Map(messages.map((row, index) => [idOf(rows[index]!), row]));
      for (const lease of leases) {
        const { value, versionstamp } = read.get(lease.id)!;
        this.#begin(lease, toHeld(value, versionstamp));
      }
    } finally {
      this.#release(rows.length);
    }
  }

  /** Takes what it can of some rows, in one commit. */
  async #lease(rows: readonly Row[]): Promise<Lease[]> {
    const { engine, options } = this.#room;
    for (let attempt = 0; attempt < CLAIMS && rows.length > 0; attempt++) {
      const until = this.#room.now() + options.leaseMs;
      const claims = rows.map((row) => {
        const old = readRow<Due>(row.value!);
        const due: Due = {
          ...{ ...old, owner: this.#room.newId(), tries: old.tries + 1 },
          crashes: crashesOf(old) || undefined,
        };
        return { id: idOf(row), due };
      });
      const version = await this.#claims.make({
        checks: rows,
        writes: claims.flatMap(({ id, due }, index) => [
          { key: rows[index]!.key, value: null },
          { key: dueRow(until, id), value: packRow(due) },
        ]),
      });
      if (version !== null) return claims.map(({ id, due }) => new Lease(id, due, until, version));
      this.#meetsOthers = MEETING;
      const now = await engine.read(rows.map(({ key }) => key));
      rows = rows.filter(({ versionstamp }, index) => versionstamp === now[index]!.versionstamp);
    }
    return [];
  }

  #begin(lease: Lease, held: Held): void {
    const running: Running = { lease, abort: new AbortController(), done: Promise.resolve() };
    if (this.#stopping.signal.aborted) running.abort.abort(stopping());
    this.#running.add(running);
    running.done = this.#handle(running, held).finally(() => {
      this.#running.delete(running);
      if (this.#hasBacklog || this.#heldBack > 0) this.wake();
    });
  }

  async #handle({ lease, abort }: Running, held: Held): Promise<void> {
    const { census, log } = this.#room;
    const startedAt = this.#room.now();
    const outcome = await this.#attempt(lease, held, abort.signal);
    const { next, what, at } = await settle(this.#room, lease, held, outcome, {
      startedAt,
      revision: held.body?.meta.revision,
      mayGoOn: () => !this.#stopping.signal.aborted,
    });
    const about = { id: lease.id, key: held.body?.meta.key, attempt: lease.due.tries };
    const { here } = census;
    if (what === "handled") here.handled++;
    if (what === "lost") {
      here.lost++;
      log.warn("A durable message was handled by another box meanwhile", about);
    }
    if (outcome.type === "failed" && what !== "lost") {
      const why = messageOf(outcome.error);
      here.failed++;
      if (what === "dead") {
        here.died++;
        log.error("A durable message is given up", { ...about, why });
      } else if (what === "again") {
        log.warn("A durable message failed", { ...about, why, againInMs: at! - this.#room.now() });
      }
    }
    const isGone = what === "handled" || what === "taken-back";
    if (isGone && at === undefined) census.removed();
    if (at !== undefined) this.wake();
    if (next !== undefined) await this.#goOn(next);
  }

  /** Handles the next of a line, which this box has taken with the one before. */
  async #goOn(lease: Lease): Promise<void> {
    try {
      this.#begin(lease, await readHeld(this.#room, lease.id));
    } catch (error) {
      const why = messageOf(error);
      this.#room.log.warn("A durable message waits for its lease to end", { id: lease.id, why });
    }
  }

  async #attempt(lease: Lease, { body }: Held, signal: AbortSignal): Promise<Outcome> {
    if (body === undefined) return { type: "handled" };
    if (signal.aborted) return { type: "not-run", pauseMs: 0 };
    const { tries } = lease.due;
    const { meta: { attempts, to, key, timeoutMs, priority } } = body;
    if (tries > attempts) return { type: "failed", error: endedWith(attempts) };
    try {
      const message = decodeMessage(await loadPayload(this.#room.engine, body));
      this.#room.census.here.delivered++;
      const delivery = { message, to, key, attempt: tries, timeoutMs, priority };
      await this.#deliver(delivery, signal);
      return { type: "handled" };
    } catch (error) {
      if (signal.aborted) return { type: "not-run", pauseMs: 0 };
      if (error instanceof RuntimeError && NOT_RUN.has(error.code) && !blameOf(error).mayHaveRun) {
        return { type: "not-run", pauseMs: NO_ROOM_MS * (1 + this.#room.random()) };
      }
      return { type: "failed", error };
    }
  }

  /** Keeps what is handled, and lets go of what another box has taken. */
  #renew(): void {
    const { engine, commits, options } = this.#room;
    const now = this.#room.now();
    for (const { lease, abort } of this.#running) {
      const leftMs = lease.until - now;
      // More than a whole one: the clock was set back, and nobody could take the message for as long as that.
      const isFresh = leftMs > options.leaseMs * (1 - RENEW_AT) && leftMs <= options.leaseMs;
      if (abort.signal.aborted || isFresh) continue;
      lease.renew(engine, commits, now + options.leaseMs).then((isHeld) => {
        if (!isHeld) abort.abort(new RuntimeError("CANCELLED", "Another box has the message"));
      }, () => {
        // It is in doubt now, and tried again with the next turn or when the message is settled.
      });
    }
  }

  async #giveBack({ lease }: Running): Promise<void> {
    const { engine, commits } = this.#room;
    if (!await lease.isHeld(engine)) return;
    const { row, due: { since, tries, crashes, place } } = lease;
    const due = packRow({ since, place, crashes, tries: tries - 1 });
    const key = dueRow(this.#room.now(), lease.id);
    lease.doubt();
    await commits.make({
      checks: [row],
      writes: [{ key: row.key, value: null }, { key, value: due }],
      rings: true,
    });
  }
}

function idOf({ key }: Row): string {
  return key[DUE.length + 1] as string;
}

function stopping(): RuntimeError {
  return new RuntimeError("STOPPING", "The box is stopping");
}

/** A count fails as the look at the index does. */
function theNextLookSaysIt(): void {}

/** Why a message is given up of which nobody can say how its last attempt failed. */
function endedWith(attempts: number): Error {
  return new Error(
    `Cannot handle the message: the box that handled it ended or was cut off, at its attempt ${attempts} of ${attempts}`,
  );
}

/** Waits for something, for some milliseconds at most; what becomes of it is somebody else's to hear. */
async function within(work: Promise<unknown>, ms: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, Math.min(LONGEST_TIMER_MS, ms));
  await Promise.race([work.catch(() => {}), late.promise]);
  clearTimeout(timer);
}
