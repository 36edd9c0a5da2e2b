/** @module */

import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";
import { work } from "./work.ts";

const app = new Hono<TandemEnv>();

app.post("/do", async (c) => {
  const { session, store, globals, signal, onPostSend } = c.var;
  return c.json(
    await work(await c.req.json(), { session, store, globals, signal, onPostSend }) as object,
  );
});

export default app;
