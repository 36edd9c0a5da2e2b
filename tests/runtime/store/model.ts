/**
 * What a store is, in the simplest form: a map with lives, by which the property tests judge it.
 *
 * @module
 */

interface Entry {
  value: unknown;
  expiresAt: number;
}

/** A store of one thread that keeps values as they are, which nobody may change. */
export class Model {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  /** Lives go by `now`. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get(key: string): unknown {
    return this.#find(key)?.value;
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  set(key: string, value: unknown, ttlMs: number): void {
    this.#entries.set(key, { value, expiresAt: ttlMs === 0 ? Infinity : this.#now() + ttlMs });
  }

  add(key: string, value: unknown, ttlMs: number): boolean {
    if (this.has(key)) return false;
    this.set(key, value, ttlMs);
    return true;
  }

  delete(key: string): boolean {
    const had = this.has(key);
    this.#entries.delete(key);
    return had;
  }

  increment(key: string, step: number): number | false {
    const entry = this.#find(key);
    if (typeof entry?.value !== "number") return false;
    return entry.value = Math.trunc(entry.value) + step;
  }

  compareAndSwap(key: string, expected: number, value: number): boolean {
    const entry = this.#find(key);
    if (typeof entry?.value !== "number" || Math.trunc(entry.value) !== expected) return false;
    entry.value = value;
    return true;
  }

  extendTtl(key: string, ttlMs: number): boolean {
    const entry = this.#find(key);
    const expiresAt = ttlMs === 0 ? Infinity : this.#now() + ttlMs;
    if (entry === undefined || entry.expiresAt >= expiresAt) return false;
    entry.expiresAt = expiresAt;
    return true;
  }

  list(): [string, unknown][] {
    return [...this.#entries.keys()].sort().flatMap((key): [string, unknown][] =>
      this.has(key) ? [[key, this.get(key)]] : []
    );
  }

  clear(): void {
    this.#entries.clear();
  }

  #find(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.expiresAt > this.#now() ? entry : undefined;
  }
}
