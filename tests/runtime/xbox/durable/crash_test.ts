import assert from "node:assert/strict";
import { crash } from "./crash.ts";

Deno.test("durable posts survive boxes that are killed: nothing lost, in order, effects once", async () => {
  const { kills, ends } = await crash({
    ...{ posts: 300, ordered: 25, poisoned: 1, kills: 5 },
    ...{ every: 60, longestMs: 40_000 },
  });
  assert.equal(kills, 5);
  // What kills its box is tried as often as anything else, and kills no other then.
  assert.ok(ends >= 1 && ends <= 8, `${ends} boxes ended`);
});
