/**
 * Pagelets that wait as long as they are told, and pagelets whose markup wants out.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";

const app = new Hono<TandemEnv>();

app.get("/wait/:ms", async (c) => {
  const ms = Number(c.req.param("ms"));
  await new Promise((resolve) => setTimeout(resolve, ms));
  return c.html(`<p>waited ${ms}</p>`);
});

/** Answers with the markup that it is sent. */
app.post("/say", async (c) => c.html(await c.req.text()));

export default app;
