/**
 * Opens sessions in the way that the store asks for: well, with phases, or not at all.
 *
 * @module
 */

import type { SessionContext } from "../../../mod.ts";
import "./stains_kept.ts";
import { counts, events, gate } from "./trace.ts";

events.push("init evaluated");

export async function initRequest(
  { session, store, threadType, log, onShutdown, onPostSend, onCleanup }: SessionContext,
): Promise<void> {
  // The test's own page.
  if (threadType === "Web Request") return;
  counts.calls++;
  events.push("function");
  session.locals.init = { calls: counts.calls };
  switch (await store.get<string>("init")) {
    case "throws":
      onCleanup(() => log.info("T init cleanup"));
      throw new RangeError("no session today");
    case "Deno.exit":
      log.info("exits");
      Deno.exit(3);
      break;
    case "self.close":
      self.close();
      await new Promise(() => {});
      break;
    case "waits":
      log.info("waits");
      await gate(store, "init");
      break;
    case "phases":
      onShutdown(() => log.info("T init shutdown"));
      onPostSend(() => log.info("T init post-send"));
      onCleanup(() => log.info("T init cleanup"));
  }
}
