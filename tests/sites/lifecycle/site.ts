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

// Answers with a first word at once, and with the body when the client has sent it.
site.app.post("/echo", (c) => {
  const body = c.req.raw.body!;
  return c.body(
    new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode("begun "));
        for await (const part of body) controller.enqueue(part);
        controller.close();
      },
    }),
  );
});

export default site;
