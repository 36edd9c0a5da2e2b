/**
 * A page of three pagelets.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";
import { slots, type TandemEnv } from "../../../mod.ts";

const app = new Hono<TandemEnv>();

app.get("/", (c) => {
  const page = c.req.query("page");
  const start = (name: string) => c.var.pagelets.start(`/${name}?page=${page}`);
  return slots(c, {
    before: "<!doctype html><html><title>Soak</title><body>",
    grid: '<slot name="one"></slot><slot name="two"></slot><slot name="three"></slot>',
    after: "</body></html>",
    fallback: (name) => `fallback of ${name}`,
  }, { one: start("one"), two: start("two"), three: start("three") });
});

export default app;
