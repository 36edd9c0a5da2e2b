/**
 * Priming 100,000 small entries from lines of JSON into an empty file, beside writing the same values
 * with bare `kv.atomic()`, 1000 of them a commit and nothing checked. All files lie in the same
 * temporary folder; each iteration has a new one.
 *
 * @module
 */

import { openStore } from "../../mod.ts";
import { tempFolder } from "./peers/ending.ts";

const ENTRIES = 100_000;
const PER_COMMIT = 1000;

const folder = await tempFolder();
const lines = new URL(`file://${folder}/entries.ndjson`);
const valueOf = (id: number) => ({ id, name: `entry ${id}` });
await Deno.writeTextFile(
  lines,
  ReadableStream.from((function* () {
    for (let id = 0; id < ENTRIES; id++) {
      yield `${JSON.stringify({ key: ["entry", id], value: valueOf(id) })}\n`;
    }
  })()),
);
let files = 0;
const nextFile = () => `${folder}/${files++}.kv`;

const prime = { group: `prime ${ENTRIES} entries`, n: 5, warmup: 1 };

Deno.bench("bare kv.atomic()", { ...prime, baseline: true }, async (b) => {
  const kv = await Deno.openKv(nextFile());
  b.start();
  for (let first = 0; first < ENTRIES; first += PER_COMMIT) {
    const atomic = kv.atomic();
    for (let id = first; id < first + PER_COMMIT; id++) atomic.set(["entry", id], valueOf(id));
    await atomic.commit();
  }
  b.end();
  kv.close();
});

Deno.bench("store.prime() of NDJSON", prime, async (b) => {
  await using store = await openStore({ url: nextFile() });
  b.start();
  await store.prime(lines);
  b.end();
});

const dump = { group: `dump ${ENTRIES} entries` };
const primed = await openStore({ url: nextFile() });
await primed.prime(lines);
const kv = await Deno.openKv(nextFile());
for (let first = 0; first < ENTRIES; first += PER_COMMIT) {
  const atomic = kv.atomic();
  for (let id = first; id < first + PER_COMMIT; id++) atomic.set(["entry", id], valueOf(id));
  await atomic.commit();
}

Deno.bench("bare kv.list()", { ...dump, baseline: true, n: 5, warmup: 1 }, async () => {
  for await (const _ of kv.list({ prefix: [] }, { batchSize: 500 }));
});

Deno.bench("store.dump()", { ...dump, n: 5, warmup: 1 }, async () => {
  for await (const _ of primed.dump());
});
