/**
 * A request init document that ends its worker while it opens the session of a request whose URL holds
 * the word of the query (`?on=word&do=name`).
 *
 * @module
 */

import type { SessionContext } from "../../../mod.ts";

const query = new URL(import.meta.url).searchParams;

/** Opens a session, or does not; pages run in the entry, which nobody may end. */
export function begin({ request, threadType }: SessionContext): void {
  if (threadType !== "Pagelet Thread" || !request?.url.includes(query.get("on")!)) return;
  if (query.get("do") === "exit") Deno.exit(3);
  self.close();
}
