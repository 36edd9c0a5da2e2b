/**
 * Pagelets that write as fast as they are read, or read nothing.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";

const CHUNK = 64 << 10;

const app = new Hono<TandemEnv>();
app.get("/endless", (c) => {
  const { store } = c.var;
  return c.body(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        await store.increment("written", CHUNK);
        controller.enqueue(new Uint8Array(CHUNK));
      },
    }, { highWaterMark: 0 }),
  );
});
app.post("/deaf", async (c) => {
  const reader = c.req.raw.body!.getReader();
  await reader.read();
  await c.var.store.set("has begun", true);
  while (!await c.var.store.get("read on", { near: false }));
  let bytes = CHUNK;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes += part.value.byteLength;
  }
  return c.text(`${bytes}`);
});

export default app;
