/**
 * A site for several boxes: pages with pagelets, pages that compute, stream and count, and pagelets that spin or
 * exhaust the memory. `?isolation=process` puts the pagelets into processes of their own.
 *
 * @module
 */

import { createSite } from "../../../mod.ts";

const doc = (path: string) => new URL(path, import.meta.url);
const { searchParams } = new URL(import.meta.url);

export default createSite({
  name: "machine",
  store: { url: searchParams.get("store") ?? ":memory:" },
  threadLoops: [{ document: doc("./beat.ts"), once: true, pauseMs: 20, reuse: 1_000_000 }],
  pages: doc("./pages.ts"),
  pagelets: {
    document: doc("./pagelets.ts"),
    workers: 4,
    spares: 2,
    deadlineMs: 2000,
    ...(searchParams.has("isolation")
      ? { isolation: searchParams.get("isolation") as "process", maxHeapMb: 64 }
      : {}),
  },
});
