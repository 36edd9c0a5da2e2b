import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";
import { runCases } from "./cases.ts";

const app = new Hono<TandemEnv>();

app.get("/cases", async (c) => {
  const { xbox, store } = c.var;
  return c.json(await runCases({ xbox, store, to: c.req.query("to") ?? "" }));
});

export default app;
