import assert from "node:assert/strict";
import { scopeStore, storeServices } from "../../../runtime/store/mod.ts";
import type { Store, StoreKey } from "../../../runtime/types/store.ts";
import { keysOf, memoryStore, rejectsWith } from "./support.ts";

const READS: [string, (store: Store, key: StoreKey) => Promise<unknown>][] = [
  ["get", (store, key) => store.get(key)],
  ["getMany", (store, key) => store.getMany(["facts", key])],
  ["has", (store, key) => store.has(key)],
  ["list", (store, key) => keysOf(store.list({ prefix: key }))],
];

const WRITES: [string, (store: Store, key: StoreKey) => Promise<unknown>][] = [
  ["set", (store, key) => store.set(key, 1)],
  ["add", (store, key) => store.add(key, 1)],
  ["delete", (store, key) => store.delete(key)],
];

Deno.test("scopeStore() allows what the prefixes cover and refuses the rest", async () => {
  await using opened = await memoryStore();
  const inside: StoreKey[] = ["facts", ["facts", 1], ["a", 1n, "x"]];
  const outside: StoreKey[] = ["secret", "fact", "factss", ["a"], ["a", 1], ["a", 1, "x"], [
    "\ufffd",
  ]];
  const prefixes = ["facts", ["a", 1n]];
  const reader = scopeStore(opened.store, { read: prefixes, write: [] });
  const writer = scopeStore(opened.store, { read: [], write: prefixes });
  for (const [, call] of READS) {
    for (const key of inside) await call(reader, key);
    for (const key of outside) {
      await rejectsWith(call(reader, key), "STORE_DENIED", /^Cannot read /);
    }
    await rejectsWith(call(writer, "facts"), "STORE_DENIED", /the worker may read nothing$/);
  }
  for (const [, call] of WRITES) {
    for (const key of inside) await call(writer, key);
    for (const key of outside) {
      await rejectsWith(call(writer, key), "STORE_DENIED", /^Cannot write /);
    }
    await rejectsWith(call(reader, "facts"), "STORE_DENIED", /the worker may write nothing$/);
  }
  await rejectsWith(
    reader.get(["other", 2]),
    "STORE_DENIED",
    /^Cannot read \["other", 2\]: the worker may read \["a", 1n\], "facts"$/,
  );
});

Deno.test("scopeStore() lets increment through only with both rights", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  await store.set("n", 1);
  await rejectsWith(scopeStore(store, { read: [] }).increment("n"), "STORE_DENIED", /read/);
  await rejectsWith(scopeStore(store, { write: [] }).increment("n"), "STORE_DENIED", /write/);
  assert.equal(await scopeStore(store, { read: ["n"], write: ["n"] }).increment("n", 2), 3);
  assert.equal(await scopeStore(store, { read: ["n"] }).increment("n"), 4);
});

Deno.test("scopeStore() lists the allowed prefixes in order, each entry once", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  const keys: StoreKey[] = [["a"], ["a", "b"], ["a", "b", 1], ["b"], ["c"], ["c", 1], ["d", 1]];
  for (const key of keys) await store.set(key, 1);
  const scoped = scopeStore(store, { read: ["d", ["a", "b"], "c", "a", ["c"], "none"] });
  const allowed = keys.filter((key) => key[0] !== "b");
  assert.deepEqual(await keysOf(scoped.list()), allowed);
  assert.deepEqual(await keysOf(scoped.list({ limit: 4 })), allowed.slice(0, 4));
  assert.deepEqual(await keysOf(scoped.list({ prefix: ["a", "b"] })), allowed.slice(1, 3));
  assert.deepEqual(await keysOf(scopeStore(store, { read: [] }).list()), []);
  assert.deepEqual(await keysOf(scopeStore(store, { write: [] }).list()), keys);
  await rejectsWith(keysOf(scoped.list({ prefix: "b" })), "STORE_DENIED", /^Cannot read "b"/);
  const { storeListPage } = storeServices(scoped);
  for (let size = 1; size <= 3; size++) {
    const seen: unknown[] = [];
    for (let after: unknown = null, more = true; more;) {
      const page = await storeListPage!(null, after, size) as {
        entries: { key: unknown }[];
        more: boolean;
      };
      seen.push(...page.entries.map(({ key }) => key));
      after = page.entries.at(-1)!.key;
      more = page.more;
    }
    assert.deepEqual(seen, allowed);
  }
});

Deno.test("scopeStore() refuses a scope that is none, and keeps what it was given", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  assert.equal(scopeStore(store), store);
  assert.throws(() => scopeStore(store, { read: "facts" as unknown as StoreKey[] }), {
    name: "TypeError",
    message: 'Cannot limit the store: read is "facts", allowed are arrays of prefixes',
  });
  assert.throws(() => scopeStore(store, { write: [""] }), TypeError);
  const read: StoreKey[] = ["a"];
  const scoped = scopeStore(store, { read });
  read.push("b");
  await rejectsWith(scoped.get("b"), "STORE_DENIED", /may read "a"$/);
});
