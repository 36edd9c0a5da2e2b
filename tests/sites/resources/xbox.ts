/** @module */

import type { XboxContext } from "../../../mod.ts";
import { keep } from "./kit.ts";
import { type Kit, work } from "./work.ts";

export default function processMessage(
  order: { do: string },
  { session, store, signal, onPostSend, log }: XboxContext,
): Promise<unknown> {
  keep(log);
  const globals = { get: () => undefined } as unknown as Kit["globals"];
  return work(order, { session, store, globals, signal, onPostSend });
}
