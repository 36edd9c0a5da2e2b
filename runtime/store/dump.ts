/**
 * Writing a store out, in the lines of `ndjson.ts`. A worker loads this file when it first dumps.
 *
 * @module
 */

import type { StoreKey } from "../types/store.ts";
import type { StoreBackend } from "./backend.ts";
import { endLine, entryLine, headerLine } from "./ndjson.ts";

const PAGE_ENTRIES = 100;
const CHUNK_CHARACTERS = 64 * 1024;

/** Yields a dump of the entries that `backend` shows, in pieces of some size. */
export async function* dumpEntries(backend: StoreBackend): AsyncGenerator<Uint8Array, undefined> {
  const encoder = new TextEncoder();
  let text = headerLine();
  let count = 0;
  let after: StoreKey | null = null;
  do {
    const page = await backend.page(null, after, PAGE_ENTRIES);
    for (const entry of page.entries) {
      text += entryLine(entry);
      if (text.length < CHUNK_CHARACTERS) continue;
      yield encoder.encode(text);
      text = "";
    }
    count += page.entries.length;
    after = page.more ? page.entries.at(-1)?.[0] ?? null : null;
  } while (after !== null);
  yield encoder.encode(text + endLine(count));
}
