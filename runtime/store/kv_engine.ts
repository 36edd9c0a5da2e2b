/**
 * Rows in Deno KV: a file, memory, or a KV Connect server.
 *
 * @module
 */

import type { Engine, Row, RowCheck, RowWatch, RowWrite } from "./engine.ts";
import { hasPrefix, keyId, type KvKey } from "./keys.ts";
import { whileLocked } from "./locked.ts";
import { Pulse } from "./pulse.ts";

const KEYS_PER_READ = 10;
const KEYS_PER_WATCH = 10;
const BATCH = 100;
const MAX_EXPIRE_IN = 1e15; // KV refuses much larger ones, and nobody waits for it

/** An engine on Deno KV, which it closes in the end. */
export class KvEngine implements Engine {
  readonly kind: string;
  // Below 64 KiB a value, and 800 KiB, 80 KiB of keys, 100 checks and 1000 writes a commit.
  readonly limits = {
    rowBytes: 61 * 1024,
    commitBytes: 700 * 1024,
    commitKeyBytes: 64 * 1024,
    commitRows: 100,
  };
  readonly #kv: Deno.Kv;
  // KV tells of states, not of changes: a row that is as it was before is not told of. For changes of
  // this process that is made up for here.
  readonly #watches = new Map<string, Set<Pulse>>();

  /** Takes over `kv`. */
  constructor(kv: Deno.Kv, kind: "file" | "memory" | "connect") {
    this.#kv = kv;
    this.kind = kind;
  }

  async read(keys: readonly KvKey[]): Promise<Row[]> {
    if (keys.length === 1) return [await this.#kv.get<Uint8Array>(keys[0]!) as Row];
    const batches: Promise<Row[]>[] = [];
    for (let first = 0; first < keys.length; first += KEYS_PER_READ) {
      batches.push(this.#kv.getMany(keys.slice(first, first + KEYS_PER_READ)) as Promise<Row[]>);
    }
    return (await Promise.all(batches)).flat();
  }

  async commit(checks: readonly RowCheck[], writes: readonly RowWrite[]): Promise<string | null> {
    const atomic = this.#kv.atomic();
    for (const check of checks) atomic.check(check as Deno.AtomicCheck);
    for (const { key, value, expireInMs } of writes) {
      if (value === null) atomic.delete(key);
      else if (expireInMs !== undefined && expireInMs <= MAX_EXPIRE_IN) {
        atomic.set(key, value, { expireIn: Math.ceil(expireInMs) });
      } else atomic.set(key, value);
    }
    const result = await whileLocked(() => atomic.commit());
    if (!result.ok) return null;
    if (this.#watches.size > 0) { for (const { key } of writes) this.#raise(key); }
    return result.versionstamp;
  }

  async *scan(prefix: KvKey, after?: KvKey, batch = BATCH): AsyncGenerator<Row, undefined> {
    // To KV a key is not below itself, but it begins with itself and is the first that does.
    if (after === undefined) {
      const [own] = await this.read([prefix]);
      if (own!.value !== null) yield own!;
    }
    const start = after === undefined || after.length === prefix.length ? undefined : after;
    const selector = start === undefined ? { prefix } : { prefix, start };
    const options = { batchSize: Math.min(batch, BATCH) };
    for await (const entry of this.#kv.list<Uint8Array>(selector, options)) {
      // KV begins with the start itself.
      const isStart = start !== undefined && entry.key.length === start.length &&
        hasPrefix(entry.key as KvKey, start);
      if (!isStart) yield entry as Row;
    }
  }

  watch(keys: readonly KvKey[]): RowWatch {
    const pulse = new Pulse();
    const readers: ReadableStreamDefaultReader[] = [];
    const ids = new Set(keys.map(keyId));
    for (const id of ids) this.#watches.set(id, (this.#watches.get(id) ?? new Set()).add(pulse));
    for (let first = 0; first < keys.length; first += KEYS_PER_WATCH) {
      const reader = this.#kv.watch(keys.slice(first, first + KEYS_PER_WATCH)).getReader();
      readers.push(reader);
      follow(reader, pulse);
    }
    return {
      changed: () => pulse.next(),
      close: () => {
        pulse.end();
        for (const id of ids) {
          const pulses = this.#watches.get(id);
          if (pulses?.delete(pulse) && pulses.size === 0) this.#watches.delete(id);
        }
        for (const reader of readers) reader.cancel().catch(() => {}); // KV was closed before
      },
    };
  }

  close(): void {
    this.#kv.close();
  }

  #raise(key: KvKey): void {
    for (const pulse of this.#watches.get(keyId(key)) ?? []) pulse.raise();
  }
}

async function follow(reader: ReadableStreamDefaultReader, pulse: Pulse): Promise<void> {
  try {
    while (!(await reader.read()).done) pulse.raise();
    pulse.fail(new Error("the store was closed"));
  } catch (error) {
    pulse.fail(error);
  }
}
