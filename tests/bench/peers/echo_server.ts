/**
 * A program without Tandem that echoes JSON over HTTP: Hono on `Deno.serve`, and nothing else.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";

const app = new Hono();
app.post("/echo", async (c) => c.json(await c.req.json()));

Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`),
}, (request) => app.fetch(request));
