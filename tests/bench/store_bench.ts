/**
 * Reads and writes of a small object, one after the other: `TIMES` of them an iteration, so that the
 * message that has a worker do them weighs little. All files lie in the same temporary folder.
 *
 * @module
 */

import { atEnd, tempFolder } from "./peers/ending.ts";
import { openRoom } from "./peers/room.ts";

const TIMES = 50;

const folder = await tempFolder();
const { variables: { store, xbox } } = await openRoom(`${folder}/tandem.kv`);
const kv = await Deno.openKv(`${folder}/raw.kv`);
atEnd(() => kv.close());
const map = new Map<string, unknown>([["k", { i: 0 }]]);
await kv.set(["k"], { i: 0 });
await store.set("k", { i: 0 });

const inTurn = (call: (i: number) => unknown) => async () => {
  for (let i = 0; i < TIMES; i++) await call(i);
};
const inWorker = (use: "get" | "set") => async () => {
  await xbox.send({ use, key: "k", times: TIMES });
};

const read = { group: `store, ${TIMES} reads` };
Deno.bench("Map.get", read, inTurn(() => map.get("k")));
Deno.bench("raw kv.get", { ...read, baseline: true }, inTurn(() => kv.get(["k"])));
Deno.bench("store.get in the entry", read, inTurn(() => store.get("k")));
Deno.bench("store.get in a worker", read, inWorker("get"));

const write = { group: `store, ${TIMES} writes` };
Deno.bench("Map.set", write, inTurn((i) => map.set("k", { i })));
Deno.bench("raw kv.set", { ...write, baseline: true }, inTurn((i) => kv.set(["k"], { i })));
Deno.bench("store.set in the entry", write, inTurn((i) => store.set("k", { i })));
Deno.bench("store.set in a worker", write, inWorker("set"));
