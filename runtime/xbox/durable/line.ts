/**
 * The order of messages with one ordering key: a line, of which only the first stands in the due index.
 *
 * Whoever joins writes the line's row, and whoever leaves it empty removes that row as it was read, so that of two
 * boxes one has to look again.
 *
 * @module
 */

import type { Engine, RowCheck, RowWrite } from "../../store/engine.ts";
import {
  HELD,
  type Held,
  heldRow,
  type Line,
  lineRow,
  packRow,
  type Place,
  readRow,
} from "./rows.ts";

/** A part of a commit. */
export interface Step {
  /** What has to hold. */
  checks: RowCheck[];
  /** What is done then. */
  writes: RowWrite[];
}

/** Finds the end of a line. */
export async function joinLine(
  engine: Engine,
  name: string,
): Promise<Step & { place: Place; isFirst: boolean }> {
  const [row] = await engine.read([lineRow(name)]);
  const { key, value, versionstamp } = row!;
  const seq = value === null ? 1 : readRow<Line>(value).tail + 1;
  return {
    place: { name, seq },
    isFirst: value === null,
    checks: [{ key, versionstamp }],
    writes: [{ key, value: packRow({ tail: seq }) }],
  };
}

/** Lets the first of a line leave; the caller puts the next one into the due index. */
export async function leaveLine(
  engine: Engine,
  { name, seq }: Place,
): Promise<Step & { next?: Held & { place: Place } }> {
  // Read before the line is looked through: who joins later makes the check fail.
  const [line] = await engine.read([lineRow(name)]);
  const { key, value, versionstamp } = line!;
  if (value === null) return { checks: [{ key, versionstamp }], writes: [] };
  if (readRow<Line>(value).tail !== seq) {
    for await (const row of engine.scan([...HELD, name], undefined, 1)) {
      const place = { name, seq: row.key[HELD.length + 1] as number };
      return {
        checks: [{ key: row.key, versionstamp: row.versionstamp }],
        writes: [{ key: row.key, value: null }],
        next: { ...readRow<Held>(row.value!), place },
      };
    }
  }
  return { checks: [{ key, versionstamp }], writes: [{ key, value: null }] };
}

/** Puts a message behind the others of its line. */
export function holdBack({ name, seq }: Place, held: Held): RowWrite {
  return { key: heldRow(name, seq), value: packRow(held) };
}
