/**
 * The startup document: runs once a box, before any thread exists. It leaves the site's parameters
 * in the store, where every later part finds them: pages in the entry, loops in their workers.
 *
 * @module
 */

import type { StartupContext } from "../mod.ts";

/** What the rest of the site is told. */
export interface Parameters {
  /** The name in the header and in titles. */
  title: string;
  /** The country of the day moves on by so many places each day. */
  dayStep: number;
  /** How many countries "visited lately" shows. */
  visitedCount: number;
  /** How long a visit counts as lately, in milliseconds. */
  visitTtlMs: number;
}

/** What the parameters are in this site. */
export const PARAMETERS: Parameters = {
  title: "Atlas",
  dayStep: 83, // shares no factor with 250, so every country has its day
  visitedCount: 8,
  visitTtlMs: 60 * 60 * 1000,
};

/** Puts the parameters into the store. */
export default async function startup({ store, log }: StartupContext): Promise<void> {
  await store.set("parameters", PARAMETERS);
  log.info("parameters are in the store", { ...PARAMETERS });
}
