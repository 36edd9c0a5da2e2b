/** @module */

import type { XboxContext } from "../../../mod.ts";
import { events, type Order } from "./trace.ts";
import { work } from "./work.ts";

events.push("main evaluated");

export default function processMessage(order: Order, context: XboxContext): Promise<unknown> {
  return work(order, context);
}
