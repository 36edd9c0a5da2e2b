/**
 * News of commits in a Redis, whoever made them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { RowWatch } from "./engine.ts";
import { keyFromBytes, keyToBytes } from "./key_bytes.ts";
import type { KvKey } from "./keys.ts";
import { Pulse } from "./pulse.ts";
import { unpackMessage } from "./redis_scripts.ts";

/** Hears of commits once it is needed. */
export class RedisFeed {
  readonly #writer: string;
  readonly #start: () => void;
  readonly #watches = new Set<Pulse>();
  readonly #byKey = new Map<string, Set<Pulse>>();
  readonly #listeners: ((keys: readonly KvKey[] | null) => void)[] = [];
  readonly #heard = Promise.withResolvers<void>();

  /** Takes the commits of `writer` for its own; `start` opens the connection and may be called often. */
  constructor(writer: string, start: () => void) {
    this.#writer = writer;
    this.#start = start;
  }

  /** See the engine's `watch`. */
  watch(keys: readonly KvKey[]): RowWatch {
    const pulse = new Pulse();
    const ids = new Set(keys.map((key) => idOf(keyToBytes(key))));
    this.#watches.add(pulse);
    for (const id of ids) {
      const watches = this.#byKey.get(id);
      if (watches === undefined) this.#byKey.set(id, new Set([pulse]));
      else watches.add(pulse);
    }
    this.#start();
    return {
      changed: () => pulse.next(),
      close: () => {
        pulse.end();
        this.#watches.delete(pulse);
        for (const id of ids) {
          const watches = this.#byKey.get(id);
          if (watches?.delete(pulse) && watches.size === 0) this.#byKey.delete(id);
        }
      },
    };
  }

  /** See the engine's `onForeignCommit`. */
  listen(listener: (keys: readonly KvKey[] | null) => void): void {
    this.#listeners.push(listener);
    this.#start();
  }

  /** Resolves once commits are heard of, or when it is known that they cannot be. */
  get heard(): Promise<void> {
    return this.#heard.promise;
  }

  /** Takes the message of a commit. */
  take(message: Uint8Array): void {
    const { writer, keys } = unpackMessage(Buffer.from(message));
    if (keys === null) {
      for (const pulse of this.#watches) pulse.raise();
    } else if (this.#byKey.size > 0) {
      for (const key of keys) this.#byKey.get(idOf(key))?.forEach((pulse) => pulse.raise());
    }
    if (writer !== this.#writer && this.#listeners.length > 0) this.#tell(keys && readKeys(keys));
  }

  /** Says that commits may have been missed. */
  gap(): void {
    this.#heard.resolve();
    for (const pulse of this.#watches) pulse.raise();
    this.#tell(null);
  }

  /** Tells whoever watches that it is of no use. */
  fail(error: unknown): void {
    this.#heard.resolve();
    for (const pulse of this.#watches) pulse.fail(error);
  }

  /** Tells whoever watches why it ends. */
  close(error: unknown): void {
    this.fail(error);
    this.#watches.clear();
    this.#byKey.clear();
    this.#listeners.length = 0;
  }

  #tell(keys: readonly KvKey[] | null): void {
    for (const listener of this.#listeners) listener(keys);
  }
}

function readKeys(keys: readonly Uint8Array[]): KvKey[] | null {
  try {
    return keys.map(keyFromBytes);
  } catch {
    return null; // no commit of ours says that
  }
}

function idOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}
