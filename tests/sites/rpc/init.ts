/**
 * Opens the sessions of rpc workers.
 *
 * @module
 */

import type { SessionContext } from "../../../mod.ts";

export async function initRequest({ session, threadType, store }: SessionContext): Promise<void> {
  if (threadType !== "RPC Thread") return;
  if (await store.has("no sessions")) throw new Error("no session today");
  session.locals.threadType = threadType;
}
