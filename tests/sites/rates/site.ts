/**
 * A site that sends many messages to one receiver and tells how long that took. `?peer=` names a box elsewhere.
 *
 * @module
 */

import { createSite } from "../../../mod.ts";

const doc = (path: string) => new URL(path, import.meta.url);
const { searchParams } = new URL(import.meta.url);

export default createSite({
  name: "rates",
  store: { url: searchParams.get("store") ?? ":memory:" },
  peers: { secrets: ["a secret of the benchmarks"], allow: searchParams.getAll("peer") },
  pages: doc("./pages.ts"),
  xbox: { document: doc("./xbox.ts"), workers: 2, spares: 2 },
});
