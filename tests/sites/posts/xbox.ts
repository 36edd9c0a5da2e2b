/**
 * Has its effect once for each key, and fails for what is poisoned.
 *
 * @module
 */

import type { XboxContext } from "../../../mod.ts";

/** A message of the site. */
export interface Post {
  /** Its number. */
  n: number;
  /** Whether it can never be handled. */
  isPoisoned: boolean;
}

export default async function ({ n, isPoisoned }: Post, { store, key }: XboxContext) {
  if (isPoisoned) throw new TypeError(`${n} is poisoned`);
  const isFirst = await store.add(["effect", key!], n);
  if (!isFirst) await store.increment(["twice"]);
}
