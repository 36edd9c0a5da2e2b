/**
 * Pagelets that do what only a process survives, and that tell where they run.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";
import { resources, type TandemEnv } from "../../../mod.ts";

const app = new Hono<TandemEnv>();
app.get("/well", (c) => c.text("well"));
app.get(
  "/where",
  (c) =>
    c.json({
      pid: Deno.pid,
      ppid: Deno.ppid,
      name: self.name,
      env: state("env"),
      read: state("read"),
    }),
);
app.get("/spin", async (c) => {
  await c.var.store.set("spins", true);
  for (;;);
});
app.get("/bomb", () => {
  const held: number[][] = [];
  for (;;) held.push(new Array(1000).fill(Math.random()));
});
app.get("/waits", async (c) => {
  await c.var.store.set(["entered", Deno.pid], true);
  while (!await c.var.store.has("go on")) await new Promise((resolve) => setTimeout(resolve, 3));
  return c.text("waited");
});
app.get("/resource", (c) => {
  const path = c.req.query("path")!;
  const dtor = () => Deno.writeTextFileSync(path, "destroyed");
  resources.resource(resources.allocateId("processes.file", { ctor: () => ({}), dtor }));
  return c.text(`${resources.threadCount()}`);
});
app.post("/length", async (c) => c.text(`${(await c.req.arrayBuffer()).byteLength}`));
app.post("/echo", (c) => new Response(c.req.raw.body));
app.post("/nested", async (c) => {
  const body = await c.req.text();
  const answer = await c.var.pagelets.start("/echo", { body }).response();
  return new Response(answer.body);
});
app.get("/near", async (c) => {
  await c.var.store.set("near", 1);
  await c.var.store.get("near");
  return c.json(c.var.store.peek("near") ?? null);
});

function state(name: "env" | "read"): string {
  return Deno.permissions.querySync({ name }).state;
}

export default app;
