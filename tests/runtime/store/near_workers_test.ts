import assert from "node:assert/strict";
import type { OpenStore } from "../../../runtime/store/mod.ts";
import { memoryStore } from "./support.ts";
import type { Order, Report } from "./near_worker.ts";

/** Runs a worker to its end, with the store as a box gives it to workers. */
async function run(store: OpenStore, order: Omit<Order, "near">): Promise<Report> {
  using own = store.forWorker({});
  const worker = new Worker(new URL("./near_worker.ts", import.meta.url), {
    type: "module",
    deno: { permissions: "none" },
  });
  try {
    const { promise, resolve, reject } = Promise.withResolvers<Report>();
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.onmessage = async ({ data }) => {
      if ("report" in data) return resolve(data.report);
      const value = await own.services[data.name]!(...data.args);
      worker.postMessage({ id: data.id, value });
    };
    worker.postMessage({ ...order, near: own.near });
    return await promise;
  } finally {
    worker.terminate();
  }
}

Deno.test("a write that has resolved is seen by the next read in every worker", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  await store.set("n", 0);
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const [written, first, second] = await Promise.all([
    run(store, { role: "write", shared, rounds: 2_000 }),
    run(store, { role: "read", shared, rounds: 50_000 }),
    run(store, { role: "read", shared, rounds: 50_000 }),
  ]);
  assert.deepEqual([...written.wrong, ...first.wrong, ...second.wrong], []);
  assert.equal(await store.get("n"), 2_000);
  // It proves something only if copies were used, and were lost.
  for (const { near } of [first, second]) assert.ok(near > 1_000 && near < 50_000, `${near}`);
});
