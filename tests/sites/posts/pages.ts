/**
 * Posts durable messages, and tells which of them have had their effect.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";

const app = new Hono<TandemEnv>();

app.post("/post", async (c) => {
  const { from, count, poisoned } = c.req.query();
  const posts = Array.from({ length: Number(count) }, (_, index) => {
    const n = Number(from) + index;
    const message = { n, isPoisoned: n < Number(poisoned) };
    return c.var.xbox.post(message, { durable: true, key: `post-${n}` });
  });
  await Promise.all(posts);
  return c.text("OK\n");
});

app.get("/effects", async (c) => {
  let count = 0;
  for await (const _ of c.var.store.list({ prefix: ["effect"] })) count++;
  return c.json({ count, twice: await c.var.store.get<number>(["twice"]) ?? 0 });
});

export default app;
