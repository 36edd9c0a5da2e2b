/**
 * Stores too large to be held in memory: what priming, listing and dumping them takes does not grow with them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openStore, type PrimeEntry } from "../../mod.ts";

const FEW = 10_000;
const MANY = 100_000;
const VALUE_CHARACTERS = 3000;
/** Far below the 300 MB that the values take. */
const SLACK_BYTES = 160 * 1024 * 1024;

function* entries(first: number, count: number): Generator<PrimeEntry> {
  for (let n = first; n < first + count; n++) {
    yield [["entry", n], { n, text: `${n}`.padEnd(VALUE_CHARACTERS, "x") }];
  }
}

/** The most memory, above that at the beginning, while `work` goes on. */
async function growth(work: () => AsyncIterable<unknown>): Promise<number> {
  const before = Deno.memoryUsage().rss;
  let most = before;
  let count = 0;
  for await (const _ of work()) {
    if (count++ % 100 === 0) most = Math.max(most, Deno.memoryUsage().rss);
  }
  return most - before;
}

Deno.test(`${MANY} entries are primed, listed and dumped in the memory of ${FEW}`, async () => {
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "tandem-soak-" });
  try {
    await using store = await openStore({ url: `${folder}/store.kv`, near: false });
    await using copy = await openStore({ url: `${folder}/copy.kv`, near: false });
    await store.prime(entries(0, FEW));
    const work = {
      prime: async function* () {
        for (let first = 0; first < MANY; first += FEW) {
          yield await store.prime(entries(first, FEW));
        }
      },
      list: () => store.list({ prefix: "entry" }),
      dump: () => store.dump(),
      restore: async function* () {
        yield await copy.prime(
          store.dump().pipeThrough(
            new TransformStream<Uint8Array, Uint8Array>({
              transform(chunk, controller) {
                peak = Math.max(peak, Deno.memoryUsage().rss);
                controller.enqueue(chunk);
              },
            }),
          ),
        );
      },
    };
    let peak = 0;
    for (const [name, run] of Object.entries(work)) {
      // Once before, so that the heap has the size that it keeps: what is looked for grows again.
      await growth(run);
      const before = Deno.memoryUsage().rss;
      peak = before;
      const grown = Math.max(await growth(run), peak - before);
      console.log(`${name}: ${(grown / 1024 / 1024).toFixed(1)} MiB`);
      assert.ok(grown < SLACK_BYTES, `${name} took ${grown} bytes more`);
    }
    assert.equal((await copy.info()).entries, MANY);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
