/**
 * Changes to entries, made together: whatever is asked for while a commit is under way goes into the
 * next one, and each is answered when its own commit is done.
 *
 * Every change is decided by what the entry is at that moment, and committed only if it still is that.
 *
 * @module
 */

import { RuntimeError } from "../errors.ts";
import { packMarker, removeParts, type StagedParts } from "./chunks.ts";
import type { Engine, Row, RowCheck, RowWrite } from "./engine.ts";
import { encodeKey } from "./codec.ts";
import { describeKey, keyId, type KvKey, MAX_KEY_BYTES } from "./keys.ts";
import { pause } from "./locked.ts";
import { pack, type PartsRef, type StoredRecord, unpack } from "./record.ts";
import { type DataRow, dataRow, pendingRow } from "./rows.ts";

/** What becomes of an entry: removed, or this in its place. */
export type Change = "remove" | { record: StoredRecord; staged?: StagedParts };

/**
 * Sees the living entry and says what becomes of it, or `undefined` to leave it. May be asked again.
 * `isStored`: the entry is as it was before this commit.
 */
export type Decide = (record: StoredRecord | undefined, isStored: boolean) => Change | undefined;

/** What is known of a change before it is decided. */
export interface Outlook {
  /** About how many bytes its value will take in the entry. @default 0 */
  bytes?: number;
  /** Whether it comes with parts, whose marker is one more row. @default false */
  isStaged?: boolean;
}

/** An entry that is to be made where there is none. */
export interface NewRecord {
  /** Its key. */
  key: KvKey;
  /** What `keyId()` makes of the key. */
  id: string;
  /** What is kept. */
  record: StoredRecord & { form: "inline" };
}

/** An entry that a commit has changed. */
export interface Changed {
  /** Its key. */
  key: KvKey;
  /** The bytes that it takes now; `null` when it is gone. */
  bytes: number | null;
}

/** Answers of {@linkcode Committer.change}. */
type Outcome = { changed: boolean };

interface Job {
  key: KvKey;
  id: string;
  at: DataRow;
  decide: Decide;
  bytes: number;
  isStaged: boolean;
  answer: PromiseWithResolvers<Outcome>;
}

/** What one commit will do to one entry, for all jobs that want something of it. */
interface Plan {
  jobs: Job[];
  row: Row;
  /** Whether the row was not read for this commit. */
  isGuess: boolean;
  change: Change | undefined;
  garbage: PartsRef[];
  outcomes: { job: Job; changed?: boolean; error?: unknown }[];
}

const COMMIT_ATTEMPTS = 100;
const ATTEMPTS_TOGETHER = 3;
const MAX_QUEUED = 100_000;
const MAX_JOBS = 10_000;
/** What a row takes beside its value and its key, about. */
const ROW_BYTES = 64;
const MARKER_KEY_BYTES = 48;
const MAX_KNOWN = 4096;
const MAX_KNOWN_BYTES = 2048;

/** Makes the changes of one store. */
export class Committer {
  readonly #engine: Engine;
  readonly #now: () => number;
  readonly #onCommit: (changed: Changed[]) => void;
  readonly #known = new Map<string, Row>(); // what was committed last; a check tells when it is old
  #queue: Job[] = [];
  #running = false;

  /** Works on `engine`, by the clock `now`; `onCommit` runs before anybody is answered. */
  constructor(engine: Engine, now: () => number, onCommit: (changed: Changed[]) => void) {
    this.#engine = engine;
    this.#now = now;
    this.#onCommit = onCommit;
  }

  /**
   * Changes an entry atomically.
   *
   * @param outlook What is known of it, so that no commit gets too large.
   * @returns Whether there was a change.
   */
  async change(key: KvKey, decide: Decide, outlook: Outlook = {}): Promise<boolean> {
    if (this.#queue.length >= MAX_QUEUED) {
      throw new RuntimeError(
        "QUEUE_FULL",
        `Cannot change ${describeKey(key)}: ${MAX_QUEUED} changes wait to be made`,
      );
    }
    const answer = Promise.withResolvers<Outcome>();
    const at = dataRow(key);
    const { bytes = 0, isStaged = false } = outlook;
    const size = bytes + rowBytes(at);
    this.#queue.push({ key, id: keyId(key), at, decide, bytes: size, isStaged, answer });
    if (!this.#running) this.#run();
    return (await answer.promise).changed;
  }

  /**
   * Makes entries whose keys are absent, without reading and without a place in the queue. Once one of a
   * commit was there, that commit makes none of its entries; if that is the first commit, no other follows.
   *
   * @param entries Each with another key.
   * @returns Those that were not made.
   */
  async insert(entries: readonly NewRecord[]): Promise<NewRecord[]> {
    const [first, ...others] = this.#split(entries);
    if (first === undefined || !await this.#insert(first)) return [...entries];
    const made = await Promise.all(others.map((some) => this.#insert(some)));
    return others.filter((_, index) => !made[index]).flat();
  }

  /** Divides entries by what fits into a commit. */
  #split(entries: readonly NewRecord[]): NewRecord[][] {
    const { commitRows, commitBytes, commitKeyBytes } = this.#engine.limits;
    const commits: NewRecord[][] = [];
    let [bytes, keyBytes] = [Infinity, 0];
    for (const entry of entries) {
      const at = dataRow(entry.key);
      const own = entry.record.payload.length + rowBytes(at);
      bytes += own;
      keyBytes += at.bytes;
      const isFull = bytes > commitBytes || keyBytes > commitKeyBytes;
      if (isFull || commits.at(-1)!.length === commitRows) {
        commits.push([]);
        [bytes, keyBytes] = [own, at.bytes];
      }
      commits.at(-1)!.push(entry);
    }
    return commits;
  }

  async #insert(entries: readonly NewRecord[]): Promise<boolean> {
    const rows = entries.map(({ key }) => dataRow(key));
    const checks = rows.map(({ row }) => ({ key: row, versionstamp: null }));
    const writes = entries.map(({ key, record }, index) => {
      const { row, isShortened } = rows[index]!;
      return this.#write(row, isShortened ? { ...record, key: encodeKey(key) } : record);
    });
    if (await this.#engine.commit(checks, writes) === null) return false;
    for (const { id } of entries) this.#known.delete(id);
    this.#onCommit(entries.map(({ key, record }) => ({ key, bytes: record.payload.length })));
    return true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Not at once: what is asked for in this turn goes into the first commit, too.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const jobs = this.#take();
      try {
        await this.#make(jobs);
      } catch (error) {
        for (const { id, answer } of jobs) {
          this.#known.delete(id);
          answer.reject(error);
        }
      }
    }
    this.#running = false;
  }

  /** Takes as many of the first as fit into one commit. Jobs for the same entry weigh but once. */
  #take(): Job[] {
    const { commitRows, commitBytes, commitKeyBytes } = this.#engine.limits;
    const ids = new Set<string>();
    const left = { rows: commitRows, bytes: commitBytes, keyBytes: commitKeyBytes };
    let count = 0;
    for (const { id, at, bytes, isStaged } of this.#queue) {
      const isNew = !ids.has(id);
      left.rows -= Number(isNew) + Number(isStaged); // parts have a marker
      left.bytes -= bytes;
      left.keyBytes -= (isNew ? at.bytes : 0) + MARKER_KEY_BYTES;
      const isFull = Math.min(left.rows, left.bytes, left.keyBytes) < 0;
      if (isFull && count > 0 || count === MAX_JOBS) break;
      ids.add(id);
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #make(jobs: Job[]): Promise<void> {
    const groups = [...Map.groupBy(jobs, ({ id }) => id).values()];
    for (let attempt = 0; attempt < ATTEMPTS_TOGETHER; attempt++) {
      if (attempt > 0) await pause(attempt);
      if (await this.#commit(groups)) return;
      if (groups.length === 1) break;
    }
    // Others change some of these as well: each for itself, so that one does not hold up the rest.
    await Promise.all(groups.map(async (group) => {
      try {
        await this.#makeAlone(group);
      } catch (error) {
        this.#known.delete(group[0]!.id);
        for (const { answer } of group) answer.reject(error);
      }
    }));
  }

  async #makeAlone(group: Job[]): Promise<void> {
    for (let attempt = 1; attempt < COMMIT_ATTEMPTS; attempt++) {
      await pause(attempt);
      if (await this.#commit([group])) return;
    }
    throw new RuntimeError(
      "STORE_FAILED",
      `Cannot change ${
        describeKey(group[0]!.key)
      }: others changed it first ${COMMIT_ATTEMPTS} times`,
    );
  }

  async #commit(groups: Job[][]): Promise<boolean> {
    const plans = await this.#plan(groups);
    const checks: RowCheck[] = [];
    const writes: RowWrite[] = [];
    for (const { row, isGuess, change, garbage } of plans) {
      if (change !== undefined || isGuess) checks.push(row);
      if (change === undefined) continue;
      if (change === "remove") {
        writes.push({ key: row.key, value: null });
      } else {
        const { record, staged } = change;
        writes.push(this.#write(row.key, record));
        if (staged !== undefined) {
          const marker = pendingRow(staged.ref.id);
          checks.push({ key: marker, versionstamp: staged.version });
          writes.push({ key: marker, value: null });
        }
      }
      for (const { id, count } of garbage) {
        writes.push({ key: pendingRow(id), value: packMarker(count, this.#now()) });
      }
    }
    const isIdle = checks.length + writes.length === 0;
    const version = isIdle ? "" : await this.#engine.commit(checks, writes);
    if (version === null) {
      for (const { jobs } of plans) this.#known.delete(jobs[0]!.id);
      if (plans.length === 1) await this.#checkMarker(plans[0]!);
      return false;
    }
    this.#remember(plans, writes, version);
    this.#onCommit(plans.filter(({ change }) => change !== undefined).map(toChanged));
    for (const plan of plans) this.#answer(plan);
    return true;
  }

  #write(key: KvKey, record: StoredRecord): RowWrite {
    const expireInMs = record.expiresAt === Infinity
      ? undefined
      : Math.max(0, Math.ceil(record.expiresAt - this.#now()));
    return { key, value: pack(record), expireInMs };
  }

  async #plan(groups: Job[][]): Promise<Plan[]> {
    const unknown = groups.filter(([job]) => !this.#known.has(job!.id));
    const rows = new Map<string, Row>();
    if (unknown.length > 0) {
      const read = await this.#engine.read(unknown.map(([job]) => job!.at.row));
      for (const [index, [job]] of unknown.entries()) rows.set(job!.id, read[index]!);
    }
    return groups.map((jobs) => {
      const { id, at } = jobs[0]!;
      const read = rows.get(id);
      const { value, versionstamp } = read ?? this.#known.get(id)!;
      return this.#decide(jobs, { key: at.row, value, versionstamp }, read === undefined);
    });
  }

  #decide(jobs: Job[], row: Row, isGuess: boolean): Plan {
    const stored = row.value === null ? undefined : unpack(row.value);
    let living = stored !== undefined && stored.expiresAt > this.#now() ? stored : undefined;
    const plan: Plan = { jobs, row, isGuess, change: undefined, garbage: [], outcomes: [] };
    for (const job of jobs) {
      try {
        const change = job.decide(living, plan.change === undefined);
        plan.outcomes.push({ job, changed: change !== undefined });
        if (change === undefined) continue;
        // Parts that were written for a value that the same commit replaces.
        if (plan.change !== undefined && plan.change !== "remove" && plan.change.staged) {
          plan.garbage.push(plan.change.staged.ref);
        }
        plan.change = change;
        living = change === "remove" ? undefined : change.record;
      } catch (error) {
        plan.outcomes.push({ job, error });
      }
    }
    if (plan.change !== undefined && plan.change !== "remove") {
      const { key, at } = jobs[0]!;
      const record = { ...plan.change.record, key: at.isShortened ? encodeKey(key) : undefined };
      plan.change = { ...plan.change, record };
    }
    if (plan.change !== undefined && stored?.form === "parts") plan.garbage.push(stored.parts);
    return plan;
  }

  #remember(plans: Plan[], writes: RowWrite[], version: string): void {
    const written = new Map(writes.map(({ key, value }) => [key, value]));
    for (const { jobs, row, change } of plans) {
      const { id } = jobs[0]!;
      this.#known.delete(id);
      const value = change === undefined ? row.value : written.get(row.key)!;
      if (value !== null && value.length > MAX_KNOWN_BYTES) continue;
      const isGone = change !== undefined && value === null;
      const now = change === undefined ? row.versionstamp : isGone ? null : version;
      this.#known.set(id, { key: row.key, value, versionstamp: now });
    }
    for (const id of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) break;
      this.#known.delete(id);
    }
  }

  async #answer({ outcomes, garbage }: Plan): Promise<void> {
    await Promise.all(garbage.map((parts) => this.#removeQuietly(parts)));
    for (const { job, changed, error } of outcomes) {
      if (changed === undefined) job.answer.reject(error);
      else job.answer.resolve({ changed });
    }
  }

  /** When its parts were collected meanwhile it is of no use to try again. */
  async #checkMarker({ jobs, change }: Plan): Promise<void> {
    if (change === undefined || change === "remove" || change.staged === undefined) return;
    const [marker] = await this.#engine.read([pendingRow(change.staged.ref.id)]);
    if (marker!.versionstamp === change.staged.version) return;
    throw new RuntimeError(
      "STORE_FAILED",
      `Cannot store a value under ${describeKey(jobs[0]!.key)}: it took so long that its parts ` +
        "were collected",
    );
  }

  /** The marker stands, so that what fails here is made up for by the next collection. */
  async #removeQuietly(parts: PartsRef): Promise<void> {
    try {
      await removeParts(this.#engine, parts.id, parts.count);
    } catch {
      // As above.
    }
  }
}

/** What a row takes beside its value, about; of a shortened key the whole stands in the record. */
function rowBytes({ isShortened, bytes }: DataRow): number {
  return ROW_BYTES + bytes + (isShortened ? MAX_KEY_BYTES : 0);
}

function toChanged({ jobs, change }: Plan): Changed {
  const { key } = jobs[0]!;
  if (change === undefined || change === "remove") return { key, bytes: null };
  const { record } = change;
  return { key, bytes: record.form === "inline" ? record.payload.length : record.parts.bytes };
}
