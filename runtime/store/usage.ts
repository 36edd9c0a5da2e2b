/**
 * How much a store with a size limit holds, and which entries go when it holds too much.
 *
 * Each process counts what it sees: what it finds when it opens the store, and what it reads and
 * writes. Near copies are read without it.
 *
 * @module
 */

import { keyId, type KvKey } from "./keys.ts";

/** The entries of a store, the least recently used first. */
export class Usage {
  readonly #maxBytes: number;
  readonly #evict: (key: KvKey) => Promise<void>;
  readonly #entries = new Map<string, { key: KvKey; bytes: number }>();
  #bytes = 0;
  #evictions = 0;

  /** Calls `evict` for entries that have to go, so that the values take at most `maxBytes`. */
  constructor(maxBytes: number, evict: (key: KvKey) => Promise<void>) {
    this.#maxBytes = maxBytes;
    this.#evict = evict;
  }

  /** How many entries had to go. */
  get evictions(): number {
    return this.#evictions;
  }

  /** Whether an entry is counted. */
  has(key: KvKey): boolean {
    return this.#entries.has(keyId(key));
  }

  /** Notes that an entry was read. */
  touch(key: KvKey): void {
    const id = keyId(key);
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#entries.set(id, entry);
  }

  /** Notes how many bytes an entry takes now; `null`: it is gone. */
  set(key: KvKey, bytes: number | null): void {
    const id = keyId(key);
    this.#bytes -= this.#entries.get(id)?.bytes ?? 0;
    this.#entries.delete(id);
    if (bytes !== null) {
      this.#entries.set(id, { key, bytes });
      this.#bytes += bytes;
    }
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) break;
      if (oldest === id) continue; // what was just written stays
      this.#entries.delete(oldest);
      this.#bytes -= entry.bytes;
      this.#evictions++;
      this.#evict(entry.key).catch(() => {}); // the store fails its callers as well, or is closed
    }
  }
}
