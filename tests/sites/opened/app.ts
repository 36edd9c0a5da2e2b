/**
 * Pages or pagelets that tell what request init left, and take bodies.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";
import { flush, type TandemEnv } from "../../../mod.ts";

const app = new Hono<TandemEnv>();
let handled = 0;

app.get("/locals", (c) => {
  handled++;
  return c.json({ ...c.var.session.locals, handled, threadType: c.var.threadType });
});
app.get("/cookies", (c) => {
  c.header("set-cookie", "a=1", { append: true });
  c.header("set-cookie", "b=2", { append: true });
  return c.text(c.req.header("cookie") ?? "none");
});
app.get("/moved", (c) => c.redirect("/locals"));
app.post("/back", (c) => new Response(c.req.raw.body));
app.get("/started", async (c) => {
  const [a, b] = ["1", "2"].map((n) => c.var.pagelets.start(`/text?q=${n}`));
  return c.text(`${await a!.text()} ${await b!.text()}`);
});
app.get("/drip", (c) =>
  flush(c, async (out) => {
    await out.write("drip");
    c.var.log.info("dripping");
    while (!c.var.signal.aborted && !await c.var.store.has(["gate", "drip"])) {
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    if (c.var.signal.aborted) c.var.log.info("drip aborted");
    await out.write(" drop");
  }));
app.get("/throws", () => {
  throw new RangeError("page failed");
});
app.get("/teapot", () => {
  throw new TypeError("teapot");
});
app.get("/nothing", (() => {}) as never);

app.notFound((c) => c.text("the document knows no such page", 404));
app.onError((error, c) => {
  if (error instanceof TypeError) return c.text(`own handler: ${error.message}`, 418);
  throw error;
});

export default app;
