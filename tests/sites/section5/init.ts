/** @module */

import type { SessionContext } from "../../../mod.ts";

export function initRequest({ session, threadType }: SessionContext): void {
  session.locals.threadType = threadType;
}
