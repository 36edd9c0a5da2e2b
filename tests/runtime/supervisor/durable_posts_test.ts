import assert from "node:assert/strict";
import { postWhileBoxesDie } from "../../support/posts.ts";

Deno.test("Durable posts outlive the boxes of a machine", async () => {
  const { busyKills } = await postWhileBoxesDie({ posts: 500, poisoned: 2 });
  assert.ok(busyKills >= 1);
});
