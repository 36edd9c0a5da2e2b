/**
 * True globals: values that the startup document writes before any thread exists and that every
 * isolate then reads (HHVM's process state, TSRM's plain C globals).
 *
 * Isolates share no objects: each gets a copy, and freezes it. Elements of typed arrays cannot be frozen: to write
 * them changes the copy of one isolate.
 *
 * @module
 */

import type { WritableGlobals } from "../types/document.ts";
import { checkPlain, freezeDeep } from "./deep.ts";
import { TrueGlobalError } from "./errors.ts";

/** The true globals of one isolate. */
export class TrueGlobals implements WritableGlobals {
  readonly #values = new Map<string, unknown>();
  #sealed = false;

  /** Makes globals with these values, which must be nobody else's. */
  constructor(values: Record<string, unknown> = {}) {
    for (const key of Object.keys(values)) this.#values.set(key, values[key]);
  }

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
      throw new TrueGlobalError(
        `Cannot set global "${key}": the globals are sealed once startup has ended`,
      );
    }
    checkPlain(key, value);
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

  /** Freezes every value, however deep, and takes no more. */
  seal(): void {
    if (this.#sealed) return;
    this.#sealed = true;
    for (const value of this.#values.values()) freezeDeep(value);
  }

  /** The values, for other isolates. */
  entries(): Record<string, unknown> {
    return Object.fromEntries(this.#values);
  }
}

/** The true globals inside a worker, from what the entry sent: the copy that the message made is kept. */
export function createGlobalsClient(values: Record<string, unknown>): TrueGlobals {
  const globals = new TrueGlobals(values);
  globals.seal();
  return globals;
}
