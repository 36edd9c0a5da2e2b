/**
 * A pagelet that computes for a moment and says how many its worker has run.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";

let served = 0;

const app = new Hono();
app.get("/work", (c) => {
  served++;
  let sum = 0;
  for (let i = 0; i < 200_000; i++) sum += Math.sqrt(i);
  return c.json({ served, sum });
});

export default app;
