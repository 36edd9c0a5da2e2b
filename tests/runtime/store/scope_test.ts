import assert from "node:assert/strict";
import { createStoreClient } from "../../../runtime/store/client.ts";
import type { OpenStore } from "../../../runtime/store/mod.ts";
import type { StoreScope } from "../../../runtime/types/site.ts";
import type { Store, StoreKey } from "../../../runtime/types/store.ts";
import { keysOf, memoryStore, rejectsWith } from "./support.ts";

const READS: [string, (store: Store, key: StoreKey) => Promise<unknown>][] = [
  ["get", (store, key) => store.get(key)],
  ["getMany", (store, key) => store.getMany(["facts", key])],
  ["has", (store, key) => store.has(key)],
  ["hasMany", (store, key) => store.hasMany(["facts", key])],
  ["list", (store, key) => keysOf(store.list({ prefix: key }))],
  ["watch", (store, key) => store.watch(["facts", key]).next()],
];

const WRITES: [string, (store: Store, key: StoreKey) => Promise<unknown>][] = [
  ["set", (store, key) => store.set(key, 1)],
  ["setMany", (store, key) => store.setMany([["facts", 1], [key, 1]])],
  ["add", (store, key) => store.add(key, 1)],
  ["addMany", (store, key) => store.addMany([["facts", 1], [key, 1]])],
  ["delete", (store, key) => store.delete(key)],
  ["deleteMany", (store, key) => store.deleteMany(["facts", key])],
  ["extendTtl", (store, key) => store.extendTtl(key, 1)],
];

const BOTH: [string, (store: Store, key: StoreKey) => Promise<unknown>][] = [
  ["increment", (store, key) => store.increment(key)],
  ["decrement", (store, key) => store.decrement(key)],
  ["compareAndSwap", (store, key) => store.compareAndSwap(key, 1, 2)],
];

/** What a worker with this scope holds. */
function scoped(store: OpenStore, scope: StoreScope): Store {
  const { services } = store.forWorker(scope);
  return createStoreClient((name, ...args) => services[name]!(...args));
}

const INSIDE: StoreKey[] = ["facts", ["facts", 1], ["a", 1n, "x"], ["a", 1n]];
const OUTSIDE: StoreKey[] = ["secret", "fact", "factss", ["a"], ["a", 1], ["a", 1, "x"], [
  "\ufffd",
]];
const PREFIXES: StoreKey[] = ["facts", ["a", 1n]];

for (const [name, call] of READS) {
  Deno.test(`A scope decides where ${name}() may read`, async () => {
    await using opened = await memoryStore();
    const reader = scoped(opened.store, { read: PREFIXES, write: [] });
    const writer = scoped(opened.store, { read: [], write: PREFIXES });
    for (const key of INSIDE) await call(reader, key);
    for (const key of OUTSIDE) {
      await rejectsWith(
        call(reader, key),
        "STORE_DENIED",
        /^Cannot read .*may read \["a", 1n\], "facts"$/,
      );
    }
    await rejectsWith(call(writer, "facts"), "STORE_DENIED", /the worker may read nothing$/);
  });
}

for (const [name, call] of WRITES) {
  Deno.test(`A scope decides where ${name}() may write`, async () => {
    await using opened = await memoryStore();
    const { store } = opened;
    const writer = scoped(store, { read: [], write: PREFIXES });
    const reader = scoped(store, { read: PREFIXES, write: [] });
    for (const key of INSIDE) await call(writer, key);
    await store.clear();
    await store.set("secret", "old");
    for (const key of OUTSIDE) {
      await rejectsWith(call(writer, key), "STORE_DENIED", /^Cannot write /);
    }
    await rejectsWith(call(reader, "facts"), "STORE_DENIED", /the worker may write nothing$/);
    assert.deepEqual(await Array.fromAsync(store.list()), [{ key: ["secret"], value: "old" }]);
  });
}

for (const [name, call] of BOTH) {
  Deno.test(`A scope lets ${name}() through only with both rights`, async () => {
    await using opened = await memoryStore();
    const { store } = opened;
    await store.set("n", 1);
    await rejectsWith(call(scoped(store, { read: [] }), "n"), "STORE_DENIED", /read/);
    await rejectsWith(call(scoped(store, { write: [] }), "n"), "STORE_DENIED", /write/);
    assert.equal(await store.get("n"), 1);
    assert.notEqual(await call(scoped(store, { read: ["n"], write: ["n"] }), "n"), false);
  });
}

Deno.test("A scope lists the allowed prefixes in order, each entry once", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  const keys: StoreKey[] = [["a"], ["a", "b"], ["a", "b", 1], ["b"], ["c"], ["c", 1], ["d", 1]];
  for (const key of keys) await store.set(key, 1);
  const read: StoreKey[] = ["d", ["a", "b"], "c", "a", ["c"], "none"];
  const reader = scoped(store, { read });
  const allowed = keys.filter((key) => key[0] !== "b");
  assert.deepEqual(await keysOf(reader.list()), allowed);
  assert.deepEqual(await keysOf(reader.list({ limit: 4 })), allowed.slice(0, 4));
  assert.deepEqual(await keysOf(reader.list({ prefix: ["a", "b"] })), allowed.slice(1, 3));
  assert.deepEqual(await keysOf(scoped(store, { read: [] }).list()), []);
  assert.deepEqual(await keysOf(scoped(store, { write: [] }).list()), keys);
  await rejectsWith(keysOf(reader.list({ prefix: "b" })), "STORE_DENIED", /^Cannot read "b"/);
  const { storePage } = store.forWorker({ read }).services;
  for (let size = 1; size <= 3; size++) {
    const seen: unknown[] = [];
    for (let after: unknown = null, more = true; more;) {
      const page = await storePage!(null, after, size) as { entries: unknown[][]; more: boolean };
      seen.push(...page.entries.map(([key]) => key));
      after = page.entries.at(-1)![0];
      more = page.more;
    }
    assert.deepEqual(seen, allowed);
  }
});

Deno.test("A scope decides what clear() removes and info() counts", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  await store.setMany([["a", 1], [["a", 1], 2], ["b", 3], ["c", 4]]);
  const worker = scoped(store, { read: ["a", "c"], write: ["a", "b"] });
  assert.equal((await worker.info()).entries, 3);
  await worker.clear();
  assert.deepEqual(await keysOf(store.list()), [["c"]]);
  await scoped(store, { write: [] }).clear();
  assert.equal(await store.has("c"), true);
});

Deno.test("forWorker() refuses a scope that is none, and keeps what it was given", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  assert.throws(() => store.forWorker({ read: "facts" as unknown as StoreKey[] }), {
    name: "TypeError",
    message: 'Cannot limit the store: read is "facts", allowed are arrays of prefixes',
  });
  assert.throws(() => store.forWorker({ write: [""] }), TypeError);
  const read: StoreKey[] = ["a"];
  const reader = scoped(store, { read });
  read.push("b");
  await rejectsWith(reader.get("b"), "STORE_DENIED", /may read "a"$/);
});

Deno.test("forWorker() gives near copies to those who may read, until they are disposed", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  assert.equal(store.forWorker({ read: [] }).near, undefined);
  const { services, near, [Symbol.dispose]: end } = store.forWorker({});
  const worker = createStoreClient((name, ...args) => services[name]!(...args), near);
  await store.set("k", 1);
  assert.equal(await worker.get("k"), 1);
  assert.equal(worker.peek("k"), 1);
  await store.set("k", 2);
  assert.equal(worker.peek("k"), undefined, "the word was raised before set() resolved");
  assert.equal(await worker.get("k"), 2);
  end();
  const before = Atomics.load(near!.table, 0);
  await store.clear();
  assert.equal(Atomics.load(near!.table, 0), before);
});
