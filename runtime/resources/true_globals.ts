/**
 * True globals: values that the startup document writes before any thread exists and that every
 * isolate then reads (HHVM's process state, TSRM's plain C globals).
 *
 * Isolates share no objects: each gets a copy, and freezes it.
 *
 * @module
 */

import type { WritableGlobals } from "../types/document.ts";

/** The true globals of one isolate. */
export class TrueGlobals implements WritableGlobals {
  readonly #values = new Map<string, unknown>();
  #sealed = false;

  /** Whether nothing can be set any more. */
  get sealed(): boolean {
    return this.#sealed;
  }

  set(key: string, value: unknown): void {
    if (typeof key !== "string" || key === "") {
      throw new TypeError(
        `Cannot set a global: its name must be a text, and ${typeof key} was given`,
      );
    }
    if (this.#sealed) {
      throw new TypeError(
        `Cannot set global "${key}": the globals are sealed once startup has ended`,
      );
    }
    this.#values.set(key, structuredClone(value));
  }

  get<T = unknown>(key: string): T | undefined {
    return this.#values.get(key) as T | undefined;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  keys(): string[] {
    return [...this.#values.keys()];
  }

  /** Freezes every value, as deep as plain objects and arrays go, and takes no more. */
  seal(): void {
    this.#sealed = true;
    for (const value of this.#values.values()) freezeDeep(value);
  }

  /** The values, for other isolates. */
  entries(): Record<string, unknown> {
    return Object.fromEntries(this.#values);
  }
}

/** The true globals inside a worker, from what the entry sent. */
export function createGlobalsClient(values: Record<string, unknown>): TrueGlobals {
  const globals = new TrueGlobals();
  for (const [key, value] of Object.entries(values)) globals.set(key, value);
  globals.seal();
  return globals;
}

function freezeDeep(root: unknown): void {
  const open = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== "object" || value === null || Object.isFrozen(value)) continue;
    // A view over memory cannot be frozen.
    if (ArrayBuffer.isView(value)) continue;
    Object.freeze(value);
    open.push(...Object.values(value));
  }
}
