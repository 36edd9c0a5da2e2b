/**
 * The right to handle a message for a while: its row in the due index, with the name of this lease in it. It comes due
 * for others when the time of the row is over. Clocks of boxes may differ by less than a third of the lease.
 *
 * @module
 */

import type { Engine, RowCheck } from "../../store/engine.ts";
import type { KvKey } from "../../store/keys.ts";
import type { Commits } from "./commits.ts";
import { DUE, type Due, dueRow, packRow, readRow } from "./rows.ts";

/** A lease that this box has, or had. */
export class Lease {
  /** The message. */
  readonly id: string;
  /** What its row says. */
  readonly due: Due;
  #key: KvKey;
  #version: string;
  /** Where it may stand, after a commit of which nobody knows whether it was made. */
  #maybe: KvKey[] = [];
  #isSure = true;
  #renewing: Promise<boolean> | undefined;

  /** Stands for a lease that was committed as `version`. */
  constructor(id: string, due: Due, until: number, version: string) {
    this.id = id;
    this.due = due;
    this.#key = dueRow(until, id);
    this.#version = version;
  }

  /** When it ends, in milliseconds since the epoch. */
  get until(): number {
    return this.#key[DUE.length] as number;
  }

  /** The row, and the version by which this box still has it. */
  get row(): RowCheck {
    return { key: this.#key, versionstamp: this.#version };
  }

  /** Says that it is not known any more whether the row is as it was. */
  doubt(): void {
    this.#isSure = false;
  }

  /** Makes it last until `until`; resolves to whether this box still has it. */
  renew(engine: Engine, commits: Commits, until: number): Promise<boolean> {
    return this.#renewing ??= this.#renew(engine, commits, until)
      .finally(() => this.#renewing = undefined);
  }

  /** Resolves to whether this box has it, once that is known. */
  async isHeld(engine: Engine): Promise<boolean> {
    try {
      await this.#renewing;
    } catch {
      // Then it is in doubt, and is looked for.
    }
    return this.#isSure || await this.#find(engine);
  }

  async #renew(engine: Engine, commits: Commits, until: number): Promise<boolean> {
    if (!this.#isSure && !await this.#find(engine)) return false;
    const key = dueRow(until, this.id);
    this.#maybe.push(key);
    this.#isSure = false;
    const version = await commits.make({
      checks: [this.row],
      writes: [{ key: this.#key, value: null }, { key, value: packRow(this.due) }],
    });
    if (version === null) return await this.#find(engine);
    this.#become(key, version);
    return true;
  }

  async #find(engine: Engine): Promise<boolean> {
    const rows = await engine.read([this.#key, ...this.#maybe]);
    const row = rows.find(({ value }) =>
      value !== null && readRow<Due>(value).owner === this.due.owner
    );
    if (row === undefined) return false;
    this.#become(row.key, row.versionstamp!);
    return true;
  }

  #become(key: KvKey, version: string): void {
    this.#key = key;
    this.#version = version;
    this.#maybe = [];
    this.#isSure = true;
  }
}
