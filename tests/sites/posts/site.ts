/**
 * A site whose pages post durable messages and tell what has become of them.
 *
 * @module
 */

import { createSite } from "../../../mod.ts";

const doc = (path: string) => new URL(path, import.meta.url);

export default createSite({
  name: "posts",
  store: { url: ":memory:", near: false },
  pages: doc("./pages.ts"),
  xbox: { document: doc("./xbox.ts"), workers: 4 },
  posts: { leaseMs: 500, backOffMs: 20 },
});
