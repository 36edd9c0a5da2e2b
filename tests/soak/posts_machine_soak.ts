/**
 * Durable posts at two boxes under a supervisor, of which one is killed about every second.
 *
 * @module
 */

import assert from "node:assert/strict";
import { postWhileBoxesDie } from "../support/posts.ts";

const isShort = Deno.env.get("TANDEM_SOAK") === "short";

Deno.test("durable posts outlive a box of the machine that is killed every second", async () => {
  const { busyKills } = await postWhileBoxesDie({ posts: isShort ? 3000 : 20_000, poisoned: 5 });
  assert.ok(busyKills >= 2);
});
