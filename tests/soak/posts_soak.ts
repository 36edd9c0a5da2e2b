/**
 * Durable posts at two boxes of which one is killed every second: nothing is lost, nothing has its effect twice, and
 * only what is poisoned is given up.
 *
 * @module
 */

import assert from "node:assert/strict";
import { crash } from "../runtime/xbox/durable/crash.ts";

const isShort = Deno.env.get("TANDEM_SOAK") === "short";

Deno.test("durable posts outlive a box that is killed every second", async () => {
  const plan = isShort
    ? { posts: 1000, ordered: 50, poisoned: 2, kills: 5, every: 0, longestMs: 60_000 }
    : { posts: 10_000, ordered: 1000, poisoned: 5, kills: 30, every: 0, longestMs: 110_000 };
  const result = await crash(plan);
  console.log(JSON.stringify({ ...plan, ...result }));
  assert.equal(result.kills, plan.kills);
});
