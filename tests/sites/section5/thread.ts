/** @module */

import type { ThreadContext } from "../../../mod.ts";
import { tryAll } from "./ask.ts";

export default async function ({ xbox, store, started, stopped }: ThreadContext): Promise<void> {
  await store.set("asked", tryAll(xbox));
  started();
  while (!await stopped(60_000));
}
