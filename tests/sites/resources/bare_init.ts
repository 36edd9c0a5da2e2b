/**
 * Registers nothing but in its function, as the first of its worker.
 *
 * @module
 */

import { resources, type SessionContext } from "../../../mod.ts";

const BARE = { scope: "request" as const, ctor: () => ({ seen: 0 }) };

export function initRequest({ session, threadType }: SessionContext): void {
  if (threadType === "Web Request") return;
  const id = resources.allocateId<{ seen: number }>("bare.init", BARE);
  session.locals.seen = ++resources.resource<{ seen: number }>(id).seen;
}
