import assert from "node:assert/strict";
import type { StoreKey } from "../../../../runtime/types/store.ts";
import type { SuiteTest } from "./case.ts";

/** `apc_fetch` and `apc_exists`. */
export function reading(test: SuiteTest): void {
  test("get() resolves to what was set, under the key in both forms", async ({ store }) => {
    assert.equal(await store.set("k", { n: 1 }), undefined);
    assert.deepEqual(await store.get("k"), { n: 1 });
    assert.deepEqual(await store.get(["k"]), { n: 1 });
    await store.set(["k"], 2);
    assert.equal(await store.get("k"), 2);
  });

  test("get() resolves to undefined where there is nothing", async ({ store }) => {
    assert.equal(await store.get("k"), undefined);
    assert.equal(await store.get(["k", 1]), undefined);
    await store.set(["k", 1], 1);
    assert.equal(await store.get("k"), undefined);
  });

  test("get() resolves to a private copy each time", async ({ store }) => {
    const value = { list: [1], bytes: new Uint8Array([1]) };
    await store.set("k", value);
    value.list.push(2);
    value.bytes[0] = 2;
    for (const near of [true, true, false]) {
      const read = await store.get<typeof value>("k", { near });
      assert.deepEqual(read, { list: [1], bytes: new Uint8Array([1]) });
      read!.list.push(3);
      read!.bytes[0] = 9;
    }
  });

  test("set() takes the value as it is when called", async ({ store }) => {
    const value = { n: 1 };
    const setting = store.set("k", value);
    value.n = 2;
    await setting;
    assert.deepEqual(await store.get("k"), { n: 1 });
  });

  test("get() tells falsy values from a miss", async ({ store }) => {
    for (const value of [false, null, 0, "", undefined]) {
      await store.set("k", value);
      assert.equal(await store.get("k"), value);
      assert.equal(await store.has("k"), true);
    }
  });

  test("getMany() keeps the order of the keys, undefined where there is none", async ({ store }) => {
    await store.setMany([["a", 1], ["b", 2]]);
    assert.deepEqual(await store.getMany(["b", "none", "a"]), [2, undefined, 1]);
    assert.deepEqual(await store.getMany(["none"]), [undefined]);
  });

  test("getMany() takes no keys, and one key several times", async ({ store }) => {
    assert.deepEqual(await store.getMany([]), []);
    await store.set("a", [1]);
    const [first, second] = await store.getMany<number[]>(["a", "a"]);
    assert.deepEqual(first, [1]);
    assert.deepEqual(second, [1]);
    assert.notEqual(first, second);
  });

  test("getMany() takes more keys than an engine reads at once", async ({ store }) => {
    await store.setMany(Array.from({ length: 25 }, (_, n) => [["n", n], n] as const));
    const keys = Array.from({ length: 251 }, (_, n) => ["n", 250 - n]);
    const expected = keys.map(([, n]) => Number(n) < 25 ? n : undefined);
    assert.deepEqual(await store.getMany(keys), expected);
    assert.deepEqual(await store.getMany(keys), expected);
    assert.deepEqual(await store.getMany(keys, { near: false }), expected);
  });

  test("getMany() reads what is near and what is not in one order", async ({ store }) => {
    await store.setMany([["a", 1], ["b", 2], ["c", 3]]);
    await store.get("b");
    assert.deepEqual(await store.getMany(["a", "b", "none", "c"]), [1, 2, undefined, 3]);
  });

  test("getMany() reads more bytes than fit into one answer", async ({ store }) => {
    const keys = Array.from({ length: 4 }, (_, n): StoreKey => ["n", n]);
    await Promise.all(keys.map((key, n) => store.set(key, new Uint8Array(4_500_000).fill(n))));
    const values = await store.getMany<Uint8Array>(keys);
    assert.deepEqual(values.map((value) => value?.[4_499_999]), [0, 1, 2, 3]);
  });

  test("has() says whether there is a value", async ({ store }) => {
    assert.equal(await store.has("k"), false);
    await store.set("k", undefined);
    assert.equal(await store.has("k"), true);
    await store.delete("k");
    assert.equal(await store.has("k"), false);
  });

  test("has() agrees with what was read before", async ({ store }) => {
    assert.equal(await store.get("k"), undefined);
    assert.equal(await store.has("k"), false);
    await store.set("k", 1);
    assert.equal(await store.get("k"), 1);
    assert.equal(await store.has("k"), true);
  });

  test("hasMany() resolves to the keys that exist, in the order given", async ({ store }) => {
    await store.setMany([["a", 1], [["b", 1], undefined]]);
    const keys: StoreKey[] = [["b", 1], "none", "a", "b"];
    assert.deepEqual(await store.hasMany(keys), [["b", 1], "a"]);
    assert.deepEqual(await store.hasMany(["none"]), []);
    assert.deepEqual(await store.hasMany([]), []);
  });

  test("a reader never sees a value before it was set, or after it was removed", async ({ store }) => {
    for (let n = 0; n < 20; n++) {
      await store.set("k", n);
      assert.equal(await store.get("k"), n);
      assert.equal(await store.get("k"), n);
      await store.delete("k");
      assert.equal(await store.get("k"), undefined);
    }
  });

  test("near: false reads what another box has written", async ({ store, another }) => {
    const other = await another?.() ?? store;
    await store.set("k", 1);
    assert.equal(await other.get("k"), 1);
    await store.set("k", 2);
    assert.equal(await other.get("k", { near: false }), 2);
    assert.deepEqual(await other.getMany(["k"], { near: false }), [2]);
    await other.delete("k");
    assert.equal(await store.get("k", { near: false }), undefined);
  });
}
