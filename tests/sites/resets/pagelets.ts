/**
 * A pagelet that reads the store, renders a list and says how many requests its worker has run.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";

let served = 0;

const app = new Hono<TandemEnv>();
app.get("/list", async (c) => {
  served++;
  const names = await c.var.store.get<string[]>("names", { near: false }) ?? [];
  const html = `<ul>${names.map((name) => `<li>${name}</li>`).join("")}</ul>`;
  return c.json({ served, html });
});

export default app;
