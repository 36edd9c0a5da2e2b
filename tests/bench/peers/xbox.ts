/**
 * Messages that come back as they are, and messages that have a worker use the store.
 *
 * @module
 */

import type { XboxContext } from "../../../mod.ts";

/** What the worker is to do, and how often. */
export interface StoreMessage {
  /** Read or write. */
  use: "get" | "set";
  /** The key. */
  key: string;
  /** How often, one after the other. */
  times: number;
}

/** Answers with the message, after the work that it asks for. */
export default async function message(
  message: StoreMessage | string,
  { store }: XboxContext,
): Promise<unknown> {
  if (typeof message === "string") return message;
  const { use, key, times } = message;
  for (let i = 0; i < times; i++) {
    if (use === "get") await store.get(key);
    else await store.set(key, { i });
  }
  return times;
}
