/**
 * Watching keys, by asking for their state again and again: each question says which state is known,
 * and is answered when it is another one. So no change is missed between two questions.
 *
 * Workers load this file, so it imports little.
 *
 * @module
 */

import type { StoreBackend, StoreState } from "./backend.ts";
import { decodeValue } from "./decode.ts";
import type { StoreKey } from "../types/store.ts";

/** The values of some keys, at once and after each change. */
export class StateWatch<T> implements AsyncIterableIterator<(T | undefined)[]> {
  readonly #backend: StoreBackend;
  readonly #keys: readonly StoreKey[];
  readonly #closed = Promise.withResolvers<undefined>();
  readonly #abort = new AbortController();
  #known: string | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** Begins when it is first asked. */
  constructor(backend: StoreBackend, keys: readonly StoreKey[]) {
    this.#backend = backend;
    this.#keys = Array.isArray(keys) ? [...keys] : keys;
  }

  /** Waits for the next state. */
  next(): Promise<IteratorResult<(T | undefined)[], undefined>> {
    const next = this.#last.then(() => this.#next());
    this.#last = next.catch(() => this.return());
    return next;
  }

  /** Ends the watch, also while a state is waited for. */
  return(): Promise<IteratorResult<(T | undefined)[], undefined>> {
    this.#closed.resolve(undefined);
    this.#abort.abort();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #next(): Promise<IteratorResult<(T | undefined)[], undefined>> {
    while (!this.#abort.signal.aborted) {
      const asked = this.#backend.state(this.#keys, this.#known, this.#abort.signal);
      const state: StoreState | undefined = await Promise.race([asked, this.#closed.promise]);
      if (state === undefined) {
        asked.catch(() => {}); // nobody waits for it any more
      } else if (state.version !== this.#known) {
        this.#known = state.version;
        const values = state.values.map((value) =>
          value === null ? undefined : decodeValue(value[0])
        );
        return { done: false, value: values as (T | undefined)[] };
      }
    }
    return { done: true, value: undefined };
  }
}
