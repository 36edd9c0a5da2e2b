/**
 * The xbox document of the measured site: it hands back what it gets, or does one thing many times,
 * with the store or with what its worker has without one.
 *
 * @module
 */

import type { XboxContext } from "../../../mod.ts";

/** What an `xbox.send` of the benchmarks may ask for. */
export interface StoreUse {
  /** What is done: with the store, or beside it. */
  use: "get" | "set" | "read" | "peek" | "map" | "clone";
  /** The key. */
  key: string;
  /** How many times. */
  times: number;
}

/** Hands back `message`, or does what it says with the store. */
export default async function processMessage(
  message: unknown,
  { store }: XboxContext,
): Promise<unknown> {
  if (!isStoreUse(message)) return message;
  const { use, key, times } = message;
  if (use === "set") {
    for (let i = 0; i < times; i++) await store.set(key, { i });
  } else if (use === "get") {
    for (let i = 0; i < times; i++) await store.get(key);
  } else if (use === "read") {
    for (let i = 0; i < times; i++) await store.get(key, { near: false });
  } else {
    const value = await store.get(key);
    let found = 0;
    if (use === "peek") {
      for (let i = 0; i < times; i++) if (store.peek(key) !== undefined) found++;
    } else if (use === "clone") {
      for (let i = 0; i < times; i++) if (structuredClone(value) !== undefined) found++;
    } else {
      const map = new Map([[key, value]]);
      for (let i = 0; i < times; i++) if (map.get(key) !== undefined) found++;
    }
    if (found !== times) throw new Error(`${use} found ${found} of ${times}`);
  }
  return undefined;
}

function isStoreUse(message: unknown): message is StoreUse {
  return typeof message === "object" && message !== null && "use" in message;
}
