/**
 * A thread document that attacks while it loads (`?load=name`), before it has started (`?early=name`)
 * or after (`?late=name`).
 *
 * @module
 */

import type { ThreadContext } from "../../../mod.ts";
import { CALLS } from "./attacks.ts";

const attack = new URL(import.meta.url).searchParams;
const at = (moment: string) => attack.has(moment) ? CALLS[attack.get(moment)!]!() : undefined;

at("load");

export default async function ({ started, stopped }: ThreadContext): Promise<void> {
  at("early");
  started();
  await stopped(10);
  at("late");
  await stopped(2 ** 30);
}
