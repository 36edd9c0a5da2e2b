/**
 * A site that shows how a box comes and goes. `?store=` names the file of its store; with
 * `&fails=1` its first boot fails.
 *
 * @module
 */

import { createSite } from "../../../mod.ts";
import { createOptions } from "./options.ts";

const { searchParams } = new URL(import.meta.url);
const site = createSite(
  createOptions(searchParams.get("store") ?? ":memory:", searchParams.has("fails")),
);

site.app.get("/", async (c) => {
  const [boots, before, told] = await c.var.store.getMany<unknown>(["boots", "before", "told"]);
  return c.json({ boots, before, told });
});

// Answers with a first word at once, and with the last when the store says so.
site.app.get("/held", (c) => {
  const { store } = c.var;
  const encoder = new TextEncoder();
  return c.body(
    new ReadableStream({
      async start(controller) {
        controller.enqueue(encoder.encode("begun "));
        while (!await store.get("go")) await new Promise((resolve) => setTimeout(resolve, 5));
        controller.enqueue(encoder.encode("done"));
        controller.close();
      },
    }),
  );
});

// Leaves what fails when nobody is there to catch it.
site.app.get("/faults", (c) => {
  Promise.reject(new RangeError("left alone"));
  setTimeout(() => {
    throw new TypeError("thrown alone");
  });
  return c.text("left");
});

export default site;
