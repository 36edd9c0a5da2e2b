/**
 * An app that `basePath()` returned: it has no router of its own to copy.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";

const app = new Hono<TandemEnv>().basePath("/api");

app.get("/who", (c) => c.text(c.var.threadType));

export default app;
