/**
 * Reads and writes of a small object. What happens in a worker is done `times` times for one message,
 * so that the message weighs little; its baselines are done in the same worker. All files lie in the
 * same temporary folder.
 *
 * @module
 */

import { atEnd, tempFolder } from "./peers/ending.ts";
import { openRoom } from "./peers/room.ts";
import { openComlink } from "./peers/workers.ts";
import type { StoreUse } from "./peers/xbox.ts";

const TIMES = 50;
const MANY = 20_000;
const IN_FLIGHT = 64;
const VALUE = { id: 7, name: "Switzerland", tags: ["alps", "lakes"], size: { km2: 41284 } };

const folder = await tempFolder();
const { variables: { store, xbox } } = await openRoom(`${folder}/tandem.kv`);
const kv = await Deno.openKv(`${folder}/raw.kv`);
atEnd(() => kv.close());
const echo = await openComlink();
const map = new Map<string, unknown>([["k", VALUE]]);
await kv.set(["k"], VALUE);
await store.set("k", VALUE);

const inTurn = (times: number, call: (i: number) => unknown) => async () => {
  for (let i = 0; i < times; i++) await call(i);
};
const inWorker = (use: StoreUse["use"], times: number) => async () => {
  await xbox.send({ use, key: "k", times } satisfies StoreUse);
};

const far = { group: `store, ${TIMES} reads of the store itself` };
Deno.bench("raw kv.get", { ...far, baseline: true }, inTurn(TIMES, () => kv.get(["k"])));
Deno.bench(
  "get, near: false, in the entry",
  far,
  inTurn(TIMES, () => {
    return store.get("k", { near: false });
  }),
);
Deno.bench("get, near: false, in a worker", far, inWorker("read", TIMES));
Deno.bench("Comlink round trip", far, inTurn(TIMES, () => echo(VALUE)));

const near = { group: `store, ${MANY} reads of a near copy in a worker` };
Deno.bench("structuredClone", { ...near, baseline: true }, inWorker("clone", MANY));
Deno.bench("get", near, inWorker("get", MANY));
Deno.bench("get in the entry", near, inTurn(MANY, () => store.get("k")));

const peek = { group: `store, ${50 * MANY} peeks in a worker` };
Deno.bench("Map.get", { ...peek, baseline: true }, inWorker("map", 50 * MANY));
Deno.bench("peek", peek, inWorker("peek", 50 * MANY));

const write = { group: `store, ${TIMES} writes` };
Deno.bench("Map.set", write, inTurn(TIMES, (i) => map.set("k", { i })));
Deno.bench("raw kv.set", { ...write, baseline: true }, inTurn(TIMES, (i) => kv.set(["k"], { i })));
Deno.bench("set in the entry", write, inTurn(TIMES, (i) => store.set("w", { i })));
Deno.bench("set in a worker", write, inWorker("set", TIMES));

const together = { group: `store, ${IN_FLIGHT} writes in flight` };
const atOnce = (call: (n: number) => Promise<unknown>) => async () => {
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, n) => call(n)));
};
Deno.bench(
  "raw kv.set, 64",
  { ...together, baseline: true },
  atOnce((n) => kv.set(["m", n], VALUE)),
);
Deno.bench("set, 64", together, atOnce((n) => store.set(["m", n], VALUE)));
