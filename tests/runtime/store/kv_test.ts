import assert from "node:assert/strict";
import type { KvStore } from "../../../runtime/store/mod.ts";
import { openStore } from "../../../runtime/store/mod.ts";
import type { StoreKey } from "../../../runtime/types/store.ts";
import { keysOf, memoryStore, rejectsWith, tempDir } from "./support.ts";

Deno.test("KvStore.get() resolves to a private copy of what was set", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  const value = { list: [1], bytes: new Uint8Array([1]) };
  assert.equal(await store.set("k", value), undefined);
  value.list.push(2);
  const first = await store.get<typeof value>(["k"]);
  assert.deepEqual(first, { list: [1], bytes: new Uint8Array([1]) });
  first!.list.push(3);
  first!.bytes[0] = 9;
  assert.deepEqual(await store.get("k"), { list: [1], bytes: new Uint8Array([1]) });
  assert.equal(await store.get("other"), undefined);
});

Deno.test("KvStore.has() tells a stored undefined from a miss", async () => {
  await using opened = await memoryStore();
  await opened.store.set("k", undefined);
  assert.equal(await opened.store.get("k"), undefined);
  assert.equal(await opened.store.has("k"), true);
  assert.equal(await opened.store.has("other"), false);
});

Deno.test("KvStore.getMany() takes any number of keys and keeps their order", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  for (let n = 0; n < 25; n++) await store.set(["n", n], n);
  const keys = Array.from({ length: 51 }, (_, n) => ["n", 50 - n]);
  const expected = keys.map(([, n]) => Number(n) < 25 ? n : undefined);
  assert.deepEqual(await store.getMany(keys), expected);
  assert.deepEqual(await store.getMany([]), []);
  await assert.rejects(store.getMany("abc" as unknown as StoreKey[]), TypeError);
});

Deno.test("KvStore.add() and delete() say whether they did it", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  assert.equal(await store.add("k", 1), true);
  assert.equal(await store.add("k", 2), false);
  assert.equal(await store.get("k"), 1);
  assert.equal(await store.delete("k"), true);
  assert.equal(await store.delete("k"), false);
  const added = await Promise.all(Array.from({ length: 20 }, (_, n) => store.add("race", n)));
  assert.equal(added.filter(Boolean).length, 1);
});

Deno.test("KvStore takes an entry for absent as soon as it expires", async () => {
  await using opened = await memoryStore();
  const { store, clock } = opened;
  await store.set("k", 1, { ttlMs: 60_000 });
  await store.set(["list", 1], 1, { ttlMs: 60_000 });
  await store.set(["list", 2], 2);
  clock.time += 59_999;
  assert.equal(await store.get("k"), 1);
  assert.equal(await store.add("k", 2), false);
  clock.time += 1;
  assert.equal(await store.get("k"), undefined);
  assert.deepEqual(await store.getMany(["k"]), [undefined]);
  assert.equal(await store.has("k"), false);
  assert.equal(await store.increment("k"), false);
  assert.equal(await store.delete("k"), false);
  assert.deepEqual(await keysOf(store.list({ prefix: "list" })), [["list", 2]]);
  assert.equal(await store.add("k", 3), true);
  clock.time += 1e12;
  assert.equal(await store.get("k"), 3);
});

Deno.test("KvStore refuses a life that is none", async () => {
  await using opened = await memoryStore();
  for (const ttlMs of [0, -1, NaN, Infinity, "5" as unknown as number, null as unknown as number]) {
    for (const call of ["set", "add"] as const) {
      await assert.rejects(opened.store[call]("k", 1, { ttlMs }), {
        name: "RangeError",
        message:
          /^Cannot store a value under "k": ttlMs is .*, allowed are finite numbers above 0$/,
      });
    }
  }
  assert.equal(await opened.store.has("k"), false);
  await opened.store.set("k", 1, { ttlMs: 0.25 });
  await opened.store.set("long", 1, { ttlMs: Number.MAX_VALUE });
  assert.equal(await opened.store.get("long"), 1);
});

Deno.test("KvStore.increment() adds to numbers only and leaves the life alone", async () => {
  await using opened = await memoryStore();
  const { store, clock } = opened;
  assert.equal(await store.increment("k"), false);
  assert.equal(await store.has("k"), false);
  await store.set("k", 1.5, { ttlMs: 60_000 });
  clock.time += 30_000;
  assert.equal(await store.increment("k"), 2.5);
  assert.equal(await store.increment("k", -4), -1.5);
  clock.time += 30_000;
  assert.equal(await store.get("k"), undefined);
  for (const value of ["1", 1n, null, { n: 1 }, new Uint8Array(100_000)]) {
    await store.set("k", value);
    assert.equal(await store.increment("k"), false);
    assert.deepEqual(await store.get("k"), value);
  }
  for (const step of [NaN, Infinity, "1" as unknown as number]) {
    await assert.rejects(store.increment("k", step), { name: "RangeError", message: /step is/ });
  }
});

Deno.test("KvStore.increment() loses nothing among 64 callers of two handles", async () => {
  await using dir = await tempDir();
  await using a = await openStore({ url: `${dir.path}/a.db` });
  await using b = await openStore({ url: `${dir.path}/a.db` });
  await a.set("n", 0);
  const sums = await Promise.all(
    Array.from({ length: 64 }, (_, index) => (index % 2 ? a : b).increment("n")),
  );
  assert.deepEqual(
    sums.map(Number).sort((x, y) => x - y),
    Array.from({ length: 64 }, (_, n) => n + 1),
  );
  assert.equal(await b.get("n"), 64);
});

Deno.test("KvStore.list() yields whole prefixes in order, the prefix itself first", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  const keys: StoreKey[] = [["a"], ["a", 1], ["a", "b"], ["a", "b", "c"], ["ab"], ["b"]];
  for (const key of keys.toReversed()) await store.set(key, key);
  const all = [["a"], ["a", "b"], ["a", "b", "c"], ["a", 1], ["ab"], ["b"]];
  assert.deepEqual(await keysOf(store.list()), all);
  assert.deepEqual(await keysOf(store.list({ prefix: "a" })), all.slice(0, 4));
  assert.deepEqual(await keysOf(store.list({ prefix: ["a", "b"] })), all.slice(1, 3));
  assert.deepEqual(await keysOf(store.list({ prefix: "none" })), []);
  assert.deepEqual(await keysOf(store.list({ limit: 2 })), all.slice(0, 2));
  assert.deepEqual(await keysOf(store.list({ limit: 0 })), []);
  for (let n = 0; n <= all.length; n++) {
    const after = n === 0 ? undefined : all[n - 1];
    assert.deepEqual(await keysOf(store.list({ after })), all.slice(n));
  }
  assert.deepEqual(await keysOf(store.list({ prefix: "a", after: ["a"] })), all.slice(1, 4));
  assert.deepEqual(await keysOf(store.list({ prefix: "a", after: ["a", "aa"] })), all.slice(1, 4));
  await assert.rejects(keysOf(store.list({ prefix: "a", after: "b" })), TypeError);
  for (const limit of [-1, 1.5, NaN]) {
    await assert.rejects(keysOf(store.list({ limit })), {
      name: "RangeError",
      message: /limit is/,
    });
  }
  for await (const entry of store.list<string[]>()) {
    entry.value.push("changed");
    break;
  }
  assert.deepEqual(await store.get("a"), ["a"]);
});

Deno.test("KvStore.list() goes on over more entries than KV reads at once", async () => {
  await using opened = await memoryStore();
  for (let n = 0; n < 250; n++) await opened.store.set(["n", n], n);
  assert.equal((await keysOf(opened.store.list({ prefix: "n" }))).length, 250);
  assert.equal((await keysOf(opened.store.list({ prefix: "n", limit: 101 }))).length, 101);
});

Deno.test("KvStore refuses a value above maxValueBytes and keeps the old one", async () => {
  await using opened = await memoryStore({ maxValueBytes: 1000 });
  const { store } = opened;
  await store.set("k", 1);
  await assert.rejects(store.set("k", "x".repeat(1000)), {
    name: "RangeError",
    message: /^Cannot store a value under "k": it takes 10\d\d bytes, at most 1000 are allowed$/,
  });
  await assert.rejects(store.set("k", () => 1), { name: "DataCloneError" });
  assert.equal(await store.get("k"), 1);
});

Deno.test("KvStore refuses every call once it is closed", async () => {
  const { store } = await memoryStore();
  const calls: ((store: KvStore) => Promise<unknown>)[] = [
    (store) => store.get("k"),
    (store) => store.getMany(["k"]),
    (store) => store.set("k", 1),
    (store) => store.add("k", 1),
    (store) => store.delete("k"),
    (store) => store.has("k"),
    (store) => store.increment("k"),
    (store) => keysOf(store.list()),
  ];
  // It may have been answered just before.
  const underWay = store.get("k").catch((error) => error.code);
  const listing = store.list();
  store.close();
  store.close();
  assert.ok([undefined, "STORE_CLOSED"].includes(await underWay as undefined));
  await rejectsWith(listing.next(), "STORE_CLOSED", /is closed$/);
  for (const call of calls) await rejectsWith(call(store), "STORE_CLOSED", /is closed$/);
  store[Symbol.dispose]();
  await store[Symbol.asyncDispose]();
});

Deno.test("KvStore wraps what fails below it", async () => {
  await using dir = await tempDir();
  const url = `${dir.path}/a.db`;
  const kv = await Deno.openKv(url);
  await kv.set(["tandem", "data", "k"], "not ours");
  await using store = await openStore({ url }, { openKv: () => Promise.resolve(kv) });
  const error = await rejectsWith(store.get("k"), "STORE_FAILED", /^Cannot read "k": .*no form/);
  assert.ok(error.cause instanceof Error);
  await rejectsWith(keysOf(store.list()), "STORE_FAILED", /^Cannot list the store: /);
});
