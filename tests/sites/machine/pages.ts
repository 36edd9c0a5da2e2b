import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";

const app = new Hono<TandemEnv>();

/** Two pagelets in one page. */
app.get("/", async (c) => {
  const [a, b] = [c.var.pagelets.start("/part/a"), c.var.pagelets.start("/part/b")];
  const parts = await Promise.all([a.text(), b.text()]);
  return c.html(`<p>${parts.join("")}</p>`);
});

app.get("/pid", (c) => c.text(String(Deno.pid)));

/** Computes for 5 ms in the entry. */
app.get("/compute", (c) => {
  const end = performance.now() + 5;
  while (performance.now() < end);
  return c.text("computed");
});

/** A line every 20 ms. */
app.get("/stream/:lines", (c) => {
  let left = Number(c.req.param("lines"));
  const encoder = new TextEncoder();
  return c.body(
    new ReadableStream({
      async pull(controller) {
        if (left-- <= 0) return controller.close();
        await new Promise((resolve) => setTimeout(resolve, 20));
        controller.enqueue(encoder.encode(`line ${left}\n`));
      },
    }),
  );
});

app.post("/upload", async (c) => c.text(String((await c.req.arrayBuffer()).byteLength)));

app.get("/count", async (c) => {
  await c.var.store.add("count", 0);
  return c.text(String(await c.var.store.increment("count")));
});
app.get("/beats", async (c) => c.json(await c.var.store.get("beats") ?? null));

/** A pagelet that never ends, or takes all memory. */
app.get("/bad/:how", async (c) => {
  try {
    return await c.var.pagelets.start(`/${c.req.param("how")}`).response();
  } catch (error) {
    return c.text((error as Error).message, 500);
  }
});

export default app;
