import assert from "node:assert/strict";
import { createStoreClient, scopeStore, storeServices } from "../../../runtime/store/mod.ts";
import type { Store } from "../../../runtime/types/store.ts";
import { filled, keysOf, memoryStore, rejectsWith } from "./support.ts";

type Carry = <T>(value: T) => T;

/** A client of `store`, whose arguments and results pass through `carry`. */
function clientOf(store: Store, carry: Carry, calls: string[] = []): Store {
  const services = storeServices(store);
  return createStoreClient(async (name, ...args) => {
    calls.push(name);
    return carry(await services[name]!(...carry(args)));
  });
}

const CARRIES: [string, Carry][] = [["as they are", (value) => value], ["cloned", structuredClone]];

Deno.test.each(CARRIES)(
  "createStoreClient() does what the store does, arguments %s",
  async (_, carry) => {
    await using opened = await memoryStore();
    const { store, clock } = opened;
    const client = clientOf(store, carry);
    await client.set("k", new Map([[1, filled(100_000, 1)]]), { ttlMs: 1000 });
    assert.deepEqual(await client.get(["k"]), new Map([[1, filled(100_000, 1)]]));
    assert.equal(await client.add("k", 1), false);
    clock.time += 1000;
    assert.equal(await client.get("k"), undefined);
    assert.equal(await client.add("k", 1, { ttlMs: 1000 }), true);
    assert.equal(await client.increment("k"), 2);
    assert.equal(await client.increment("k", 3), 5);
    assert.equal(await client.has("k"), true);
    assert.equal(await client.delete("k"), true);
    assert.equal(await client.delete("k"), false);
    assert.equal(await client.increment("k"), false);
    const bytes = new Uint8Array([1]);
    await client.set([bytes, 1n, true, 0.5], "mixed");
    assert.deepEqual(await client.getMany([[bytes, 1n, true, 0.5], "none"]), ["mixed", undefined]);
    await rejectsWith(
      clientOf(scopeStore(store, { read: [] }), carry).get("k"),
      "STORE_DENIED",
      /^Cannot read "k"/,
    );
  },
);

Deno.test("createStoreClient() reads long lists of keys and entries in several calls", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  for (let n = 0; n < 201; n++) await store.set(["n", n], [n]);
  await store.set("n", "self");
  const calls: string[] = [];
  const client = clientOf(store, structuredClone, calls);
  const keys = Array.from({ length: 2001 }, (_, n) => ["n", n % 201]);
  assert.deepEqual(await client.getMany(keys), keys.map(([, n]) => [n]));
  assert.deepEqual(calls.splice(0), Array(3).fill("storeGetMany"));
  const all = await keysOf(store.list());
  assert.equal(all.length, 202);
  assert.deepEqual(await keysOf(client.list()), all);
  assert.deepEqual(calls.splice(0), Array(3).fill("storeListPage"));
  assert.deepEqual(await keysOf(client.list({ prefix: "n", limit: 150 })), all.slice(0, 150));
  assert.deepEqual(await keysOf(client.list({ prefix: ["n", 7] })), [["n", 7]]);
  calls.length = 0;
  for await (const { value } of client.list({ limit: 0 })) assert.fail(String(value));
  assert.deepEqual(calls, []);
  await assert.rejects(keysOf(client.list({ limit: -1 })), RangeError);
  for await (const entry of client.list({ prefix: "n" })) {
    assert.deepEqual(entry, { key: ["n"], value: "self" });
    break;
  }
  assert.deepEqual(calls, ["storeListPage"]);
});

Deno.test("storeServices() has the eight calls, frozen and without a prototype", async () => {
  await using opened = await memoryStore();
  const services = storeServices(opened.store);
  assert.deepEqual(Object.keys(services), [
    "storeGet",
    "storeGetMany",
    "storeSet",
    "storeAdd",
    "storeDelete",
    "storeHas",
    "storeIncrement",
    "storeListPage",
  ]);
  assert.equal(Object.getPrototypeOf(services), null);
  assert.ok(Object.isFrozen(services));
});

Deno.test("storeServices() refuses hostile arguments before the store sees them", async () => {
  const untouched = new Proxy({} as Store, {
    get(_, name) {
      return () => assert.fail(`store.${String(name)} was called`);
    },
  });
  const services = storeServices(untouched);
  const badKeys = [undefined, null, 1, "", [], [NaN], [[]], [{}], {}, "x".repeat(3000), [
    2n ** 3000n,
  ]];
  const cases: [string, unknown[]][] = [];
  for (const key of badKeys) {
    for (const name of ["storeGet", "storeDelete", "storeHas", "storeIncrement"]) {
      cases.push([name, [key]]);
    }
    cases.push(["storeGetMany", [["k", key]]], ["storeSet", [key, 1]], ["storeAdd", [key, 1]]);
    if (key !== null) {
      cases.push(["storeListPage", [key, null, 1]], ["storeListPage", [null, key, 1]]);
    }
  }
  for (const name of Object.keys(services)) {
    cases.push([name, []], [name, ["k", 1, {}, 1]], [name, Array(100_000).fill("k")]);
  }
  for (const name of ["storeGet", "storeGetMany", "storeDelete", "storeHas"]) {
    cases.push([name, ["k", undefined]]);
  }
  const many = Array(1001).fill("k");
  for (const keys of [undefined, "k", {}, { length: 1 }, new Set(["k"]), many, Array(4e9)]) {
    cases.push(["storeGetMany", [keys]]);
  }
  const badOptions = [null, 1, "ttlMs", [], new Map([["ttlMs", 1]]), new Date(), { ttl: 1 }];
  const badTtls = [0, -1, NaN, Infinity, "1", null, {}, 1n].map((ttlMs) => ({ ttlMs }));
  const hidden = Object.defineProperty({}, "extra", { value: 1 });
  for (const options of [...badOptions, ...badTtls, hidden, { [Symbol("s")]: 1 }]) {
    cases.push(["storeSet", ["k", 1, options]], ["storeAdd", ["k", 1, options]]);
  }
  for (const step of [null, "1", NaN, Infinity, 1n, {}]) {
    cases.push(["storeIncrement", ["k", step]]);
  }
  for (const limit of [undefined, null, -1, 1.5, 101, Infinity, NaN, "1", 1n]) {
    cases.push(["storeListPage", [null, null, limit]]);
  }
  cases.push(["storeListPage", ["a", "b", 1]], ["storeListPage", [["a", "b"], ["a"], 1]]);
  for (const [name, args] of cases) {
    await assert.rejects(services[name]!(...args), (error: Error) => {
      const shown = `${name}: ${error}`;
      assert.ok(error instanceof TypeError || error instanceof RangeError, shown);
      assert.match(error.message, /^Cannot .*: .*[^.]$/, shown);
      assert.ok(error.message.length < 1000, shown);
      return true;
    });
  }
});

Deno.test("storeListPage() resumes after a key that is gone, and says whether more follows", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  for (const n of [1, 2, 4]) await store.set(["n", n], n);
  const { storeListPage } = storeServices(store);
  const page = (after: unknown, limit: number) => storeListPage!("n", after, limit);
  const entries = [1, 2, 4].map((n) => ({ key: ["n", n], value: n }));
  assert.deepEqual(await page(null, 2), { entries: entries.slice(0, 2), more: true });
  assert.deepEqual(await page(null, 3), { entries, more: false });
  assert.deepEqual(await page(["n", 3], 2), { entries: entries.slice(2), more: false });
  assert.deepEqual(await page(["n", 4], 2), { entries: [], more: false });
  assert.deepEqual(await page(["n"], 1), { entries: entries.slice(0, 1), more: true });
});
