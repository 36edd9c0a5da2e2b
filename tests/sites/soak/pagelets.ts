/**
 * Pagelets that answer at once, that wait, that stream, and that throw once in ten pages.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";

const app = new Hono<TandemEnv>();

app.get("/one", (c) => {
  const page = Number(c.req.query("page"));
  if (page % 10 === 3) throw new RangeError(`page ${page}`);
  return c.html(`<p>one of page ${page}`);
});

app.get("/two", async (c) => {
  const page = c.req.query("page");
  await c.var.store.set(["seen", "two"], page);
  return c.html(`<div>two of page ${page}`);
});

app.get("/three", (c) => {
  const text = `<table><tr><td>three of page ${c.req.query("page")}`;
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      controller.enqueue(bytes.slice(at, at += 12));
      if (at >= bytes.length) controller.close();
    },
  });
  return c.body(stream, 200, { "content-type": "text/html" });
});

export default app;
