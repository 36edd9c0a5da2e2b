/**
 * A pagelet that leaves something behind wherever it can, and renders a list.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";

const app = new Hono<TandemEnv>();
app.get("/list", async (c) => {
  const { store, session, requestId } = c.var;
  const left = globalThis as unknown as Record<string, unknown>;
  left[`left by ${requestId}`] = new Array(100).fill(requestId);
  addEventListener("error", () => left);
  setTimeout(() => left, 60_000);
  session.locals.last = requestId;
  const names = await store.get<string[]>("names") ?? ["nobody"];
  return c.html(`<ul>${names.map((name) => `<li>${name}</li>`).join("")}</ul>`);
});

export default app;
