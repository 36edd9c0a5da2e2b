import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";

const app = new Hono<TandemEnv>();

app.get("/part/:name", (c) => c.html(`<b>${c.req.param("name")}</b>`));

app.get("/spin", () => {
  while (true);
});

app.get("/bomb", () => {
  const kept: unknown[] = [];
  while (true) kept.push(new Array(100_000).fill(kept.length));
});

export default app;
