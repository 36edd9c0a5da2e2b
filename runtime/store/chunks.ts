/**
 * Large values, which no engine takes in one piece.
 *
 * The parts of a value are written first, under a fresh id that no reader knows; the entry that
 * names the id follows in one commit. A pending marker stands beside parts that no entry names, be
 * it not yet or no longer, so that what a killed process left behind is found again.
 *
 * @module
 */

import type { Engine, RowWrite } from "./engine.ts";
import type { PartsRef } from "./record.ts";
import { partRow, PENDING, pendingRow } from "./rows.ts";

/** How old a pending marker must be before its parts count as abandoned, in milliseconds. */
export const ABANDONED_AFTER_MS = 10 * 60_000;

const ID_BYTES = 16;
const MARKER_BYTES = 12;
/** What an entry's row holds beside the value. */
const RECORD_BYTES = 9 * 1024;

/** Parts that were written but that no entry names yet. */
export interface StagedParts {
  /** Where they are. */
  ref: PartsRef;
  /** The version of their marker: while it stands, nobody has collected them. */
  version: string;
}

/** The most bytes of a value that is kept in its entry. */
export function inlineBytes({ limits }: Engine): number {
  return limits.rowBytes - RECORD_BYTES;
}

/** What stands in a pending marker: how many parts there may be, and since when. */
export function packMarker(count: number, at: number): Uint8Array {
  const bytes = new Uint8Array(MARKER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, count);
  view.setFloat64(4, at);
  return bytes;
}

/** Writes the parts of `payload`, and a marker with the time `at`. */
export async function writeParts(
  engine: Engine,
  payload: Uint8Array,
  at: number,
  expireInMs?: number,
): Promise<StagedParts> {
  const { rowBytes, commitBytes } = engine.limits;
  const id = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  const count = Math.ceil(payload.length / rowBytes);
  const perCommit = Math.max(1, Math.floor((commitBytes - MARKER_BYTES) / rowBytes));
  // Parts must outlive the entry that names them, whose clean-up may come late.
  const life = expireInMs === undefined ? undefined : expireInMs + ABANDONED_AFTER_MS;
  let version = "";
  for (let first = 0; first < count; first += perCommit) {
    const writes: RowWrite[] = [];
    if (first === 0) writes.push({ key: pendingRow(id), value: packMarker(count, at) });
    for (let part = first; part < count && part < first + perCommit; part++) {
      const value = payload.slice(part * rowBytes, (part + 1) * rowBytes);
      writes.push({ key: partRow(id, part), value, expireInMs: life });
    }
    const written = await engine.commit([], writes);
    if (first === 0) version = written!;
  }
  return { ref: { id, count, bytes: payload.length }, version };
}

/** Reads parts and joins them; resolves to `undefined` when they are no longer all there. */
export async function readParts(engine: Engine, ref: PartsRef): Promise<Uint8Array | undefined> {
  const rows = await engine.read(
    Array.from({ length: ref.count }, (_, part) => partRow(ref.id, part)),
  );
  const payload = new Uint8Array(ref.bytes);
  let offset = 0;
  for (const { value } of rows) {
    if (value === null || offset + value.length > ref.bytes) return undefined;
    payload.set(value, offset);
    offset += value.length;
  }
  return offset === ref.bytes ? payload : undefined;
}

/** Removes parts and, last of all, their marker. */
export async function removeParts(engine: Engine, id: Uint8Array, count: number): Promise<void> {
  const perCommit = engine.limits.commitRows;
  for (let first = 0; first < count; first += perCommit) {
    const length = Math.min(perCommit, count - first);
    const parts = Array.from({ length }, (_, part) => partRow(id, first + part));
    await engine.commit([], parts.map((key) => ({ key, value: null })));
  }
  await engine.commit([], [{ key: pendingRow(id), value: null }]);
}

/** Removes the parts that were abandoned before `now`. A writer that still lives is told by its marker. */
export async function collectAbandoned(engine: Engine, now: number): Promise<void> {
  for await (const marker of engine.scan(PENDING)) {
    const view = new DataView(marker.value!.slice().buffer);
    const [count, at] = [view.getUint32(0), view.getFloat64(4)];
    if (now - at < ABANDONED_AFTER_MS) continue;
    const claim = [{ key: marker.key, value: packMarker(count, now) }];
    if (await engine.commit([marker], claim) === null) continue;
    await removeParts(engine, marker.key[PENDING.length] as Uint8Array, count);
  }
}
