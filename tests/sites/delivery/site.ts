/**
 * A site whose pages and pagelets send messages to a receiver that the address names. `?store=` says where the
 * data is, `?peers=` whom it may reach.
 *
 * @module
 */

import { createSite } from "../../../mod.ts";
import { QUEUE_LIMIT } from "./cases.ts";

const doc = (path: string) => new URL(path, import.meta.url);
const { searchParams } = new URL(import.meta.url);
const peers = searchParams.getAll("peer");

export default createSite({
  name: "delivery",
  store: { url: searchParams.get("store") ?? ":memory:" },
  peers: { secrets: ["a secret of the tests"], allow: peers },
  pages: doc("./pages.ts"),
  pagelets: {
    document: doc("./pagelets.ts"),
    workers: 1,
    deadlineMs: 120_000,
    xbox: { to: [...peers, "box-1", "box-2", "boxes"] },
  },
  xbox: { document: doc("./xbox.ts"), workers: 1, queueLimit: QUEUE_LIMIT },
});
