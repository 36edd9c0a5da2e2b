/**
 * Keeps "visited lately". Pages note each visit under a key of its own, so that they never wait for
 * one another; this loop condenses the notes into one short list, so that a page reads one key. It
 * is a loop, because it is the same small work again and again: each round is run afresh, and one
 * that fails is only tried again.
 * @module
 */

import type { ThreadLoopContext } from "../../mod.ts";
import { parametersOf } from "../startup.ts";

/** One round: the newest visits, newest first, as codes of countries. */
export default async function visited({ store, globals }: ThreadLoopContext): Promise<void> {
  const visits: { code: string; at: number }[] = [];
  for await (const { key, value } of store.list<number>({ prefix: "visit" })) {
    visits.push({ code: String(key[1]), at: value });
  }
  const newest = visits.sort((a, b) => b.at - a.at).slice(0, parametersOf(globals).visitedCount);
  await store.set("visited", newest.map(({ code }) => code));
}
