/**
 * Where things stand in an engine: the row of a user's key, parts of large values, markers.
 *
 * Deno KV takes keys of 2 KiB, the store takes longer ones. Behind the first KiB of a key, each part
 * of text or bytes that is not short is replaced by its digest. That depends on the parts before it
 * and on itself alone, so that a key still begins with the rows of its prefixes. What the key really
 * is stands in the record. No user's part begins as a digest does: `keys.ts` refuses it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { describeKey, type KvKey, partBytes, RESERVED } from "./keys.ts";
import type { StoreKeyPart } from "../types/store.ts";

/** Below this the rows of users' keys stand. */
export const DATA: KvKey = ["tandem", "data"];
/** Below this the markers of unnamed parts stand. */
export const PENDING: KvKey = ["tandem", "pending"];

const PLAIN_BYTES = 1024;
const SHORT_BYTES = 80;
const MAX_ROW_BYTES = 2000;
const DATA_BYTES = 16;
const DIGEST_BYTES = 2 + 4 + 1 + 64;

/** The row of a key, and whether the key can be read from it. */
export interface DataRow {
  /** The key of the row. */
  row: KvKey;
  /** Whether parts were replaced, so that the record has to say what the key is. */
  isShortened: boolean;
  /** The bytes that the key of the row takes, about. */
  bytes: number;
}

/**
 * Finds the row of a key, or the common beginning of the rows below a prefix.
 *
 * @throws {RangeError} If the key has too many parts to be shortened so that it fits.
 */
export function dataRow(key: KvKey): DataRow {
  let bytes = 0;
  let rowBytes = 0;
  let isShortened = false;
  const parts = key.map((part): StoreKeyPart => {
    const own = partBytes(part);
    bytes += own;
    const isKept = bytes <= PLAIN_BYTES || own <= SHORT_BYTES || typeof part === "bigint";
    rowBytes += isKept ? own : DIGEST_BYTES;
    if (isKept) return part;
    isShortened = true;
    return digestOf(part as string | Uint8Array);
  });
  if (rowBytes <= MAX_ROW_BYTES) {
    return { row: [...DATA, ...parts], isShortened, bytes: rowBytes + DATA_BYTES };
  }
  throw new RangeError(
    `Cannot use ${describeKey(key)} as a store key: it has ${key.length} parts, ` +
      "which are too many for its length",
  );
}

/** Whether a row of {@linkcode dataRow} does not tell its key. */
export function isShortened(row: KvKey): boolean {
  return row.some((part) => typeof part === "string" && part.startsWith(RESERVED));
}

/** The key that a row of {@linkcode dataRow} stands for, if nothing was replaced. */
export function keyOfRow(row: KvKey): KvKey {
  return row.slice(DATA.length);
}

/** The row of one part of a large value. */
export function partRow(id: Uint8Array, part: number): KvKey {
  return ["tandem", "part", id, part];
}

/** The row of the marker of parts that no entry names. */
export function pendingRow(id: Uint8Array): KvKey {
  return [...PENDING, id];
}

function digestOf(part: string | Uint8Array): string {
  const kind = typeof part === "string" ? "t" : "b";
  return `${RESERVED}${kind}${createHash("sha256").update(part).digest("hex")}`;
}
