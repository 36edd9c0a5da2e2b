/**
 * The atlas with parts that go wrong on demand: `POST /faults` takes what is wrong with which part.
 *
 * @module
 */

import atlas from "../../../handlers/site.ts";
import { createSite, type Site } from "../../../mod.ts";

/** The site. */
const site: Site = createSite({
  ...atlas.options,
  pagelets: {
    ...atlas.options.pagelets!,
    document: new URL("./pagelets.ts", import.meta.url),
    store: { read: ["faults"], write: [] },
  },
});

site.app.post("/faults", async (c) => {
  await c.var.store.set("faults", await c.req.json());
  return c.body(null, 204);
});

export default site;
