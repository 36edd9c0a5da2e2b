import assert from "node:assert/strict";
import type { StoreKey } from "../../../../runtime/types/store.ts";
import { filled, same, until } from "../support.ts";
import type { SuiteStore, SuiteTest } from "./case.ts";

async function peeked(store: SuiteStore, key: StoreKey): Promise<unknown> {
  let value: unknown;
  await until(() => Promise.resolve((value = store.peek(key)) !== undefined));
  return value;
}

/** Near copies: `peek`, and what `get` keeps. */
export function copies(test: SuiteTest): void {
  test("peek() begins to load, and then returns the value at once", async ({ store }) => {
    await store.set("k", { n: [1] });
    assert.equal(store.peek("k"), undefined);
    same(await peeked(store, "k"), { n: [1] });
    assert.equal(store.peek("k"), store.peek(["k"]));
  });

  test("peek() returns what get() has read", async ({ store }) => {
    await store.set(["k", 1], { n: 1 });
    await store.get(["k", 1]);
    same(store.peek(["k", 1]), { n: 1 });
  });

  test("peek() returns a value that is frozen as deep as it goes", async ({ store }) => {
    await store.set("k", { a: [{ b: 1 }] });
    const value = await peeked(store, "k") as { a: { b: number }[] };
    for (const part of [value, value.a, value.a[0]]) assert.ok(Object.isFrozen(part));
    assert.throws(() => value.a.push({ b: 2 }), TypeError);
    const copy = await store.get<typeof value>("k");
    assert.ok(!Object.isFrozen(copy) && !Object.isFrozen(copy!.a[0]));
    copy!.a[0]!.b = 2;
    same(store.peek("k"), { a: [{ b: 1 }] });
  });

  const COMPLEX: [string, unknown][] = [
    ["a Map", new Map()],
    ["a Date", new Date()],
    ["bytes", new Uint8Array(1)],
    ["an object with a Date inside", { at: new Date() }],
    ["a sparse array", Object.assign([], { 3: 1 })],
    ["undefined", undefined],
  ];
  for (const [name, value] of COMPLEX) {
    test(`peek() never returns ${name}`, async ({ store }) => {
      await store.set("k", value);
      await store.get("k");
      for (let n = 0; n < 3; n++) assert.equal(store.peek("k"), undefined);
      same(await store.get("k"), value);
    });
  }

  for (const value of [1, "text", true, null, 1n, [], {}]) {
    test(`peek() returns ${typeof value === "object" ? JSON.stringify(value) : value}`, async ({ store }) => {
      await store.set("k", value);
      await store.get("k");
      same(store.peek("k"), value);
    });
  }

  const WRITES: [string, (store: SuiteStore) => Promise<unknown>, unknown][] = [
    ["set()", (store) => store.set("k", 2), 2],
    ["setMany()", (store) => store.setMany([["k", 2]]), 2],
    ["increment()", (store) => store.increment("k"), 2],
    ["decrement()", (store) => store.decrement("k"), 0],
    ["compareAndSwap()", (store) => store.compareAndSwap("k", 1, 2), 2],
    ["delete()", (store) => store.delete("k"), undefined],
    ["deleteMany()", (store) => store.deleteMany(["k"]), undefined],
    ["clear()", (store) => store.clear(), undefined],
  ];
  for (const [name, write, after] of WRITES) {
    test(`no copy outlives ${name}`, async ({ store }) => {
      await store.set("k", 1);
      assert.equal(await store.get("k"), 1);
      assert.equal(store.peek("k"), 1);
      await write(store);
      assert.equal(store.peek("k"), undefined);
      assert.equal(await store.get("k"), after);
      assert.equal(store.peek("k"), after);
      assert.equal(await store.has("k"), after !== undefined);
    });
  }

  test("no copy that there was nothing outlives add()", async ({ store }) => {
    assert.equal(await store.get("k"), undefined);
    assert.equal(await store.add("k", 1), true);
    assert.equal(await store.get("k"), 1);
  });

  test("no copy outlives the life of its entry", async ({ store, clock }) => {
    await store.set("k", 1, { ttlMs: 1000 });
    assert.equal(await store.get("k"), 1);
    clock.time += 999;
    assert.equal(store.peek("k"), 1);
    clock.time += 1;
    assert.equal(store.peek("k"), undefined);
    assert.equal(await store.get("k"), undefined);
    assert.equal(await store.has("k"), false);
  });

  test("a copy learns of a longer life", async ({ store, clock }) => {
    await store.set("k", 1, { ttlMs: 1000 });
    await store.get("k");
    await store.extendTtl("k", 5000);
    clock.time += 2000;
    assert.equal(await store.get("k"), 1);
  });

  test("a value that is being read while it is replaced is not kept", async ({ store }) => {
    for (let n = 0; n < 200; n++) {
      const reading = store.get("k");
      const writing = store.set("k", n);
      await Promise.all([reading, writing]);
      assert.equal(await store.get("k"), n);
    }
  });

  test("a near read asks the store nothing", async ({ store }) => {
    await store.set("k", 1);
    await store.get("k");
    const { hits } = await store.info();
    for (let n = 0; n < 10; n++) await store.get("k");
    await store.getMany(["k", "k"]);
    assert.equal((await store.info()).hits, hits);
    await store.get("k", { near: false });
    assert.equal((await store.info()).hits, hits + 1);
  });

  test("near: false of the store keeps no copies", async ({ store }) => {
    await store.set("k", 1);
    for (let n = 0; n < 3; n++) assert.equal(await store.get("k"), 1);
    assert.equal((await store.info()).hits, 3);
    assert.equal(store.peek("k"), undefined);
  }, { near: false });

  test("copies keep below near.maxBytes, those in use the longest", async ({ store }) => {
    await store.set("hot", 1);
    await store.get("hot");
    for (let n = 0; n < 100; n++) {
      await store.set(["n", n], "x".repeat(500));
      await store.get(["n", n]);
      assert.equal(store.peek("hot"), 1);
    }
    await store.set("large", filled(8000, 1));
    await store.get("large");
    assert.equal(store.peek("hot"), 1);
    let kept = 0;
    for (let n = 0; n < 100; n++) if (store.peek(["n", n]) !== undefined) kept++;
    assert.ok(kept > 2 && kept < 20, `${kept} are kept`);
  }, { near: { maxBytes: 10_000 } });

  test("writes by another box are seen once copies are too old", async ({ store, another }) => {
    const other = await another?.() ?? store;
    await store.set("k", 1);
    assert.equal(await other.get("k"), 1);
    await store.set("k", 2);
    await until(async () => await other.get("k") === 2);
    await store.set("k", 3);
    await until(() => Promise.resolve(other.peek("k") === 3));
  }, { near: { maxAgeMs: 50 } });

  test("peek() of what is no key, or of a closed store, is quiet", async ({ store }) => {
    assert.equal(store.peek("" as StoreKey), undefined);
    assert.equal(store.peek(undefined as unknown as StoreKey), undefined);
    assert.equal(store.peek([{}] as unknown as StoreKey), undefined);
    await store.set("k", 1);
    await store.get("k");
    await store.close();
    assert.equal(store.peek("k"), undefined);
  });
}
