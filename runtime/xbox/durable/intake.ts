/**
 * Accepting messages, and taking them back. Accepted means committed: with its key, its place in the order, and either
 * a lease of this box, which then handles it at once, or a place in the due index.
 *
 * @module
 */

import { RuntimeError } from "../../errors.ts";
import { removeParts, type StagedParts } from "../../store/chunks.ts";
import type { Row, RowCheck, RowWrite } from "../../store/engine.ts";
import type { XboxPostOptions } from "../../types/xbox.ts";
import {
  type Body,
  dropParts,
  encodeMessage,
  keepStaged,
  type Meta,
  packBody,
  partsOf,
  placeBody,
  type Placed,
  readBody,
} from "./body.ts";
import { checkPost, checkTerms, checkUnpost, readTime } from "./check.ts";
import { Lease } from "./lease.ts";
import { holdBack, joinLine, type Step } from "./line.ts";
import { pauseFor, type QueueRoom } from "./room.ts";
import {
  type Due,
  dueRow,
  heldRow,
  type KeyHolder,
  keyRow,
  messageRow,
  nameOf,
  packRow,
  readRow,
} from "./rows.ts";
import { Turns } from "./turns.ts";

/** What an intake needs of whoever handles messages. */
export interface Hands {
  /** Takes one of the places of those that are handled at once; says whether there was one. */
  reserve(): boolean;
  /** Gives it back. */
  unreserve(): void;
  /** Handles a message in the place that was taken. */
  begin(lease: Lease, held: { body: Body; version: string }): void;
  /** There may be something to do. */
  wake(): void;
}

/** What became of a message: it was accepted, or there was one of its key. */
type Entered = "accepted" | "duplicate";

const ATTEMPTS = 100;
const LONGEST_CONFLICT_MS = 20;
/** Messages that are being written may take so many times the bytes of the largest one. */
const MOST_LARGE = 16;

/** Takes messages into one queue. */
export class Intake {
  readonly #room: QueueRoom;
  readonly #hands: Hands;
  readonly #turns = new Turns();
  /** What the messages take that are being written. */
  #bytes = 0;

  /** Works in `room`. */
  constructor(room: QueueRoom, hands: Hands) {
    this.#room = room;
    this.#hands = hands;
  }

  /** Accepts a message; see `PostQueue.accept`. */
  async accept(message: unknown, options: XboxPostOptions, by?: string): Promise<void> {
    const room = this.#room;
    checkPost({ ...options, durable: true });
    checkTerms(options);
    const payload = encodeMessage(message, room.maxMessageBytes);
    const now = room.now();
    const { to, key, orderingKey, priority, everyMs } = options;
    // JSON knows no time without end.
    const timeoutMs = options.timeoutMs === Infinity ? undefined : options.timeoutMs;
    const at = options.at === undefined ? now : Math.max(now, readTime(options.at));
    const attempts = options.attempts ?? room.options.attempts;
    const meta: Meta = {
      to,
      key,
      by,
      orderingKey,
      attempts,
      timeoutMs,
      priority,
      everyMs,
      at,
      acceptedAt: now,
    };
    if (everyMs !== undefined) meta.revision = 1;
    const hasTime = options.at !== undefined;
    const enter = () => this.#accept(meta, payload, hasTime);
    const most = MOST_LARGE * room.maxMessageBytes;
    if (this.#bytes + payload.length > most) {
      throw new RuntimeError(
        "QUEUE_FULL",
        `Cannot post a durable message: those that are being written take ${this.#bytes} of ${most} bytes`,
      );
    }
    this.#bytes += payload.length;
    try {
      const entered =
        await (orderingKey === undefined ? enter() : this.#turns.take(orderingKey, enter));
      room.census.here[entered === "accepted" ? "accepted" : "duplicates"]++;
    } finally {
      this.#bytes -= payload.length;
    }
  }

  /**
   * Brings a message into the queue, in one commit with `extra`.
   *
   * @returns Whether it came in; not if its key was taken, or what `extra` checks did not hold.
   */
  async enter(id: string, body: Placed, extra: Step): Promise<boolean> {
    return await this.#enter(id, body, extra, false) === "accepted";
  }

  /** Takes a message back; see `PostQueue.unpost`. */
  async unpost(key: string, by?: string): Promise<boolean> {
    checkUnpost(key);
    const { engine, commits, census } = this.#room;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const [keyed] = await engine.read([keyRow(nameOf(key))]);
      const holder = holderOf(keyed!);
      if (holder === undefined || holder.until !== undefined) return false;
      const [message] = await engine.read([messageRow(holder.id)]);
      if (message!.value !== null) {
        const { meta } = readBody(message!.value);
        if (!isTheirs(meta, by)) return false;
        const job = await this.#removal(holder.id, meta, [keyed!, message!]);
        if (await commits.make(job) !== null) {
          if (job.isWhole) census.removed();
          this.#hands.wake();
          void this.#remove(partsOf(meta));
          return true;
        }
      }
      await this.#partFromRivals(attempt);
    }
    throw conflict("take a durable message back");
  }

  async #accept(meta: Meta, payload: Uint8Array, hasTime: boolean): Promise<Entered> {
    const { engine, census, options } = this.#room;
    if (!await census.enter()) {
      throw new RuntimeError(
        "QUEUE_FULL",
        `Cannot post a durable message: ${options.limit} (posts.limit) are there already, ` +
          `${census.status().dead} of them dead letters`,
      );
    }
    try {
      const body = await placeBody(engine, meta, payload, this.#room.now());
      const nothing = { checks: [], writes: [] };
      const entered = await this.#enter(this.#room.newId(), body, nothing, hasTime);
      if (entered === "duplicate") void this.#remove(body.staged?.ref);
      return entered;
    } finally {
      census.left();
    }
  }

  async #enter(id: string, body: Placed, extra: Step, hasTime: boolean): Promise<Entered> {
    const { commits, census, engine } = this.#room;
    const { key, orderingKey, isCopy } = body.meta;
    const keyName = key === undefined || isCopy ? undefined : nameOf(key);
    const lineName = orderingKey === undefined ? undefined : nameOf(orderingKey);
    let keyVersion: string | null = null;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const line = lineName === undefined ? undefined : await joinLine(engine, lineName);
      const meta = line === undefined ? body.meta : { ...body.meta, place: line.place };
      const now = this.#room.now();
      const isFirst = line?.isFirst ?? true;
      const isMine = isFirst && meta.at <= now && this.#hands.reserve();
      const until = now + this.#room.options.leaseMs;
      const due: Due = {
        ...isMine ? { owner: this.#room.newId(), tries: 1 } : { tries: 0 },
        ...{ since: meta.at, place: meta.place },
      };
      const row = { meta, payload: body.payload };
      const staged = keepStaged(body.staged);
      const checks: RowCheck[] = [...extra.checks, ...staged.checks, ...line?.checks ?? []];
      const writes: RowWrite[] = [
        ...[...extra.writes, ...staged.writes, ...line?.writes ?? []],
        { key: messageRow(id), value: packBody(row) },
        isFirst
          ? { key: dueRow(isMine ? until : meta.at, id), value: packRow(due) }
          : holdBack(line!.place, { id, at: meta.at }),
      ];
      if (keyName !== undefined) {
        checks.push({ key: keyRow(keyName), versionstamp: keyVersion });
        writes.push({ key: keyRow(keyName), value: packRow({ id }) });
      }
      let version: string | null = null;
      try {
        version = await commits.make({ checks, writes, rings: !isMine && isFirst });
      } finally {
        if (isMine && version === null) this.#hands.unreserve();
      }
      if (version !== null) {
        census.added();
        if (isMine) this.#hands.begin(new Lease(id, due, until, version), { body: row, version });
        else this.#hands.wake();
        return "accepted";
      }
      if (keyName !== undefined) {
        const [keyed] = await engine.read([keyRow(keyName)]);
        const taken = await this.#meet(keyed!, body, hasTime);
        if (taken !== undefined) return taken;
        keyVersion = keyed!.versionstamp;
      }
      if (!await this.#holds(extra.checks)) return "duplicate";
      await this.#partFromRivals(attempt);
    }
    throw conflict("post a durable message");
  }

  /** What becomes of a message whose key is taken; nothing if it is free. */
  async #meet(keyed: Row, body: Placed, hasTime: boolean): Promise<Entered | undefined> {
    const holder = holderOf(keyed);
    if (holder === undefined) return undefined;
    const repeats = body.meta.everyMs !== undefined;
    if (holder.until !== undefined) {
      return repeats || holder.until <= this.#room.now() ? undefined : "duplicate";
    }
    if (!repeats) return "duplicate";
    return await this.#change(holder.id, body, hasTime) ? "duplicate" : undefined;
  }

  /** Changes a message that waits or is handled; resolves to whether it was still there. */
  async #change(id: string, { meta, payload, staged }: Placed, hasTime: boolean): Promise<boolean> {
    const { engine, commits, now } = { ...this.#room, now: this.#room.now() };
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const [row] = await engine.read([messageRow(id)]);
      if (row!.value === null) return false;
      const old = readBody(row!.value).meta;
      if (!isTheirs(old, meta.by)) return true;
      const isSame = old.everyMs === meta.everyMs && !hasTime;
      const at = hasTime ? meta.at : isSame ? old.at : Math.min(old.at, now + meta.everyMs!);
      const isMoved = at !== old.at;
      const revision = (old.revision ?? 0) + (isMoved || old.everyMs === undefined ? 1 : 0);
      const kept = keepStaged(staged);
      // One that stands in a line leaves it when it is handled first.
      const { place } = old;
      const changed = { ...meta, at, revision, acceptedAt: old.acceptedAt, place };
      const checks: RowCheck[] = [row!, ...kept.checks];
      const writes: RowWrite[] = [
        ...[...kept.writes, ...dropParts(old, now)],
        { key: messageRow(id), value: packBody({ meta: changed, payload }) },
      ];
      // One that is handled, or waits for its next attempt, takes its new time when that is over.
      const rows = [dueRow(old.at, id), ...place ? [heldRow(place.name, place.seq)] : []];
      const [due, held] = await engine.read(rows);
      const waits = due!.value !== null && readRow<Due>(due!.value).owner === undefined;
      if (isMoved && waits) {
        checks.push(due!);
        writes.push({ key: due!.key, value: null });
        writes.push({ key: dueRow(at, id), value: packRow({ since: at, tries: 0, place }) });
      } else if (isMoved && held !== undefined && held.value !== null) {
        checks.push(held);
        writes.push({ key: held.key, value: packRow({ id, at }) });
      }
      if (
        await commits.make({ checks, writes, rings: isMoved }) !== null
      ) {
        this.#hands.wake();
        void this.#remove(partsOf(old));
        return true;
      }
      await this.#partFromRivals(attempt);
    }
    throw conflict("change a durable message");
  }

  /** What removes a message; one that is handled, or waits for another attempt, leaves its row in the index until then. */
  async #removal(
    id: string,
    meta: Meta,
    rows: readonly Row[],
  ): Promise<Step & { rings: boolean; isWhole: boolean }> {
    const place = meta.place;
    const places = [dueRow(meta.at, id), ...place ? [heldRow(place.name, place.seq)] : []];
    const found = await this.#room.engine.read(places);
    const waiting = found.filter(({ value }, index) =>
      value !== null && (index > 0 || readRow<Due>(value).owner === undefined)
    );
    // The first of a line stays in the index: whoever finds it there lets the next one come.
    const isFirst = place !== undefined && waiting.length > 0 && waiting[0] === found[0];
    const now = this.#room.now();
    const isMoved = isFirst && meta.at > now;
    const gone = isFirst && !isMoved ? [] : waiting;
    const due = packRow({ since: now, tries: 0, place });
    return {
      checks: [...rows, ...gone],
      writes: [
        ...[...rows, ...gone].map(({ key }) => ({ key, value: null })),
        // The others need not wait for its time.
        ...isMoved ? [{ key: dueRow(now, id), value: due }] : [],
        ...dropParts(meta, now),
      ],
      rings: isMoved,
      isWhole: waiting.length > 0 && !isFirst,
    };
  }

  async #holds(checks: readonly RowCheck[]): Promise<boolean> {
    if (checks.length === 0) return true;
    const rows = await this.#room.engine.read(checks.map(({ key }) => key));
    return rows.every(({ versionstamp }, index) => versionstamp === checks[index]!.versionstamp);
  }

  /** What fails here the store's own upkeep makes up for. */
  async #remove(parts: StagedParts["ref"] | undefined): Promise<void> {
    if (parts === undefined) return;
    await removeParts(this.#room.engine, parts.id, parts.count).catch(() => {});
  }

  async #partFromRivals(attempt: number): Promise<void> {
    const { random, closing } = this.#room;
    await pauseFor(random() * Math.min(attempt, LONGEST_CONFLICT_MS), closing);
    if (closing.aborted) throw new RuntimeError("STOPPING", "Cannot post: the box is stopping");
  }
}

/** Whether a kind of worker may change a message; the box's own isolate may change all. */
function isTheirs({ by }: Meta, who: string | undefined): boolean {
  return who === undefined || who === by;
}

function holderOf({ value }: Row): KeyHolder | undefined {
  return value === null ? undefined : readRow<KeyHolder>(value);
}

function conflict(what: string): RuntimeError {
  return new RuntimeError(
    "STORE_FAILED",
    `Cannot ${what}: others changed it first ${ATTEMPTS} times`,
  );
}
