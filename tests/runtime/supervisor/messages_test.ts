import assert from "node:assert/strict";
import { readNews } from "../../../runtime/supervisor/messages.ts";
import { StoreOwner } from "../../../runtime/supervisor/store_owner.ts";
import { TreeWire } from "../../../runtime/supervisor/store_wire.ts";

const STATUS = { leaked: 0, activeRequests: 0, healthLevel: 100, pools: {} };
const POOL = { queued: 0, busy: 1 };
const report = (status: unknown) => ({
  type: "report",
  report: { status, rssBytes: 1, heapBytes: 1 },
});

Deno.test("readNews() takes a report with all figures", () => {
  const news = report({ ...STATUS, pools: { pagelets: POOL } });
  assert.equal(readNews(news), news);
});

Deno.test.each<[string, unknown]>([
  ["no pools", { ...STATUS, pools: undefined }],
  ["a pool that is none", { ...STATUS, pools: { pagelets: null } }],
  ["a figure that is none", { ...STATUS, pools: { pagelets: { ...POOL, busy: "1" } } }],
  ["no health", { ...STATUS, healthLevel: undefined }],
  ["a number that JSON does not know", { ...STATUS, site: 1n }],
  ["too much", { ...STATUS, site: "x".repeat(2 ** 20) }],
])("readNews() refuses a report with %s", (_name, status) => {
  assert.equal(readNews(report(status)), undefined);
});

Deno.test("TreeWire refuses that more was read than was sent", async () => {
  const wire = new TreeWire(1, () => {});
  await wire.write(new Uint8Array(1));
  assert.equal(wire.receive({ type: "store-read", wire: 1, count: 1 }), true);
  assert.equal(wire.receive({ type: "store-read", wire: 1, count: 1 }), false);
  assert.equal(wire.receive({ type: "store-read", wire: 1, count: -1 }), false);
});

Deno.test("StoreOwner refuses a box that opens ever more connections", async () => {
  const owner = new StoreOwner(() => {});
  const open = (box: number, wire: number) =>
    owner.receive(box, { type: "store-open", wire, url: ":memory:" });
  const taken = Array.from({ length: 100 }, (_, wire) => open(1, wire));
  assert.equal(taken[0], true);
  assert.equal(taken.at(-1), false);
  assert.equal(open(2, 0), true);
  for (const box of [1, 2]) owner.forget(box);
  await owner.close();
});
