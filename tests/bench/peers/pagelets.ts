/**
 * Pagelets that do nothing.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";

const app = new Hono();
app.get("/empty", (c) => c.html("<p></p>"));

export default app;
