/**
 * Request init: runs when a session begins, in the entry before every page. It settles once what
 * several pages ask: whether this visitor reads areas in square kilometres or square miles.
 * @module
 */

import type { SessionContext } from "../mod.ts";

/** The units of area that the site knows. */
export type Unit = "km" | "mi";

/** Leaves `unit` in the session. Pagelets inherit no header, so pages tell them in the URL. */
export function initRequest({ session, request }: SessionContext): void {
  const unit: Unit = /^en-us\b/i.test(request?.headers.get("accept-language") ?? "") ? "mi" : "km";
  session.locals.unit = unit;
}
