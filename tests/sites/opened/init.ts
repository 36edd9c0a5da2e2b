/**
 * Opens sessions: leaves something for the handlers, counts itself, and fails when asked to.
 *
 * @module
 */

import type { SessionContext } from "../../../mod.ts";

let evaluated = 0;
evaluated++;
let calls = 0;

export async function initRequest(
  { session, request, store, threadType, globals, log }: SessionContext,
): Promise<void> {
  calls++;
  session.locals.init = { evaluated, calls, threadType };
  log.info(`init ${threadType}`);
  const wanted = new URL(request?.url ?? "http://localhost/").searchParams.get("init");
  const stored = await store.get("init");
  if (wanted === "fails" || stored === threadType) throw new RangeError("init failed");
  session.locals.path = request && new URL(request.url).pathname;
  session.locals.motd = globals.get("motd");
}
