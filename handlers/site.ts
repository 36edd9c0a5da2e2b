/**
 * The atlas: the site that `deno task start` serves, and the first one to copy. It says which
 * documents exist and how they may run; each document says why it is what it is.
 * @module
 */

import { createSite, type Site } from "../mod.ts";

/** The site. */
const site: Site = createSite({
  name: "atlas",
  startup: new URL("./startup.ts", import.meta.url),
  // What they make is in the store, for every box of the machine: one is enough.
  threads: [{
    document: new URL("./threads/search_index.ts", import.meta.url),
    once: true,
    store: { read: ["search"], write: ["search"] },
  }],
  threadLoops: [{
    document: new URL("./loops/visited.ts", import.meta.url),
    once: true,
    pauseMs: 3000,
    store: { read: ["visit"], write: ["visited"] },
  }],
  requestInit: {
    document: new URL("./request_init.ts", import.meta.url),
    function: "initRequest",
  },
  // Pages are ours and short: in the entry they cost no worker. What they start runs beside them.
  pages: { document: new URL("./pages.ts", import.meta.url), isolation: "entry" },
  // Four workers, all ready in advance, because a page starts up to five pagelets. They draw from
  // what they import and from their URL: no permission, and nothing in the store to read or to write.
  pagelets: {
    document: new URL("./pagelets.ts", import.meta.url),
    workers: 4,
    spares: 4,
    queueLimit: 128,
    permissions: "none",
    store: { read: [], write: [] },
  },
  xbox: {
    document: new URL("./xbox.ts", import.meta.url),
    workers: 2,
    spares: 2,
    permissions: "none",
    store: { read: ["search"], write: [] },
  },
});

export default site;
