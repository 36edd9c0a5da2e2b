/** @module */

import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";
import { tryAll } from "./ask.ts";

const app = new Hono<TandemEnv>();

app.get("/ask", (c) => c.json(tryAll(c.var.xbox)));

export default app;
