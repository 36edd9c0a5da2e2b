/** @module */

import { resources, type SessionContext } from "../../../mod.ts";
import { keep, note, type Own, register } from "./kit.ts";

const LATE = { dtor: () => note("-late thread") };
let late: number | undefined;

export function initRequest({ session, threadType, log }: SessionContext): void {
  if (threadType === "Web Request") return;
  keep(log);
  late ??= register("late");
  session.locals.late = resources.resource<Own>(late).requestId;
  resources.allocateId("box.late thread", LATE);
}
