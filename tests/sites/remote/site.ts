import { createSite, slots } from "../../../mod.ts";

const site = createSite({
  store: { url: ":memory:" },
  threads: [new URL("./thread.ts", import.meta.url)],
  pagelets: new URL("./pagelets.ts", import.meta.url),
  xbox: new URL("./xbox.ts", import.meta.url),
});

site.app.get("/", (c) => {
  const layout = { before: "<!doctype html>", grid: '<slot name="part"></slot>', after: "" };
  return slots(c, layout, { part: c.var.pagelets.start("/part") });
});

site.app.get("/xbox", async (c) => {
  const { value } = await c.var.xbox.start("hello").result();
  return c.text(`xbox heard ${value}, the thread ${await c.var.store.get("thread")}`);
});

export default site;
