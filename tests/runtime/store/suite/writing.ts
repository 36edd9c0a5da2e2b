import assert from "node:assert/strict";
import type { StoreKey } from "../../../../runtime/types/store.ts";
import { filled, same } from "../support.ts";
import type { SuiteTest } from "./case.ts";

/** `apc_store`, `apc_add` and `apc_delete`. */
export function writing(test: SuiteTest): void {
  test("set() replaces a value of another kind and size", async ({ store }) => {
    for (const value of [1, "text", filled(100_000, 1), { n: 1n }, filled(60_000, 2), null]) {
      await store.set("k", value);
      same(await store.get("k"), value);
    }
  });

  test("setMany() stores each value under its key", async ({ store }) => {
    assert.equal(await store.setMany(new Map([["a", 1], ["b", 2]])), undefined);
    same(await store.getMany(["a", "b"]), [1, 2]);
    await store.setMany([]);
    await store.setMany(function* () {
      yield [["c", 1], 3] as const;
    }());
    assert.equal(await store.get(["c", 1]), 3);
  });

  test("setMany() takes more entries than a commit", async ({ store }) => {
    const entries = Array.from({ length: 1001 }, (_, n) => [["n", n], n] as const);
    await store.setMany(entries);
    const values = await store.getMany(entries.map(([key]) => key));
    same(values, entries.map(([, n]) => n));
  });

  test("setMany() stores nothing if one value cannot be", async ({ store }) => {
    await store.set("a", "old");
    const entries = [["a", 1], ["b", 2], ["c", () => 3]] as const;
    await assert.rejects(store.setMany(entries), { name: "DataCloneError" });
    same(await store.getMany(["a", "b", "c"]), ["old", undefined, undefined]);
  });

  test("setMany() stores nothing if one key is none", async ({ store }) => {
    await assert.rejects(store.setMany([["a", 1], ["", 2]]), TypeError);
    assert.equal(await store.has("a"), false);
  });

  test("setMany() keeps the last of several values for one key", async ({ store }) => {
    await store.setMany([["a", 1], ["a", 2]]);
    assert.equal(await store.get("a"), 2);
    await store.setMany([["b", filled(200_000, 1)], ["b", "small"]]);
    same(await store.get("b"), "small");
  });

  test("changes to one key that are not waited for are made in their order", async ({ store }) => {
    const set = store.set("a", 1);
    same(await Promise.all([set, store.delete("a")]), [undefined, true]);
    assert.equal(await store.has("a"), false);
    const added = store.add("b", 1);
    same(await Promise.all([added, store.increment("b", 4), store.set("c", 1)]), [
      true,
      5,
      undefined,
    ]);
    await Promise.all([store.set("c", 2), store.setMany([["d", 1], ["c", 3]]), store.delete("d")]);
    same(await store.getMany(["c", "d"]), [3, undefined]);
  });

  test("setMany() gives all the same life", async ({ store, clock }) => {
    await store.setMany([["a", 1], ["b", 2]], { ttlMs: 1000 });
    clock.time += 999;
    same(await store.hasMany(["a", "b"]), ["a", "b"]);
    clock.time += 1;
    same(await store.hasMany(["a", "b"]), []);
  });

  test("add() stores only what is absent, and says so", async ({ store }) => {
    assert.equal(await store.add("k", 1), true);
    assert.equal(await store.add("k", 2), false);
    assert.equal(await store.get("k"), 1);
    await store.delete("k");
    assert.equal(await store.add("k", 3), true);
  });

  test("add() does not replace a stored undefined", async ({ store }) => {
    await store.set("k", undefined);
    assert.equal(await store.add("k", 1), false);
    assert.equal(await store.get("k"), undefined);
  });

  test("add() replaces an expired entry", async ({ store, clock }) => {
    await store.set("k", 1, { ttlMs: 1000 });
    clock.time += 1000;
    assert.equal(await store.add("k", 2), true);
    clock.time += 1e9;
    assert.equal(await store.get("k"), 2);
  });

  test("add() lets one of many in", async ({ store, another }) => {
    const other = await another?.() ?? store;
    for (const size of [1, 100_000]) {
      const added = await Promise.all(
        Array.from(
          { length: 8 },
          (_, n) => (n % 2 ? store : other).add(["k", size], filled(size, n)),
        ),
      );
      assert.equal(added.filter(Boolean).length, 1);
      const winner = added.indexOf(true);
      same(await store.get(["k", size], { near: false }), filled(size, winner));
    }
  });

  test("addMany() resolves to the keys that were there", async ({ store }) => {
    await store.set(["b", 1], "old");
    const entries: [StoreKey, unknown][] = [["a", 1], [["b", 1], 2], ["c", 3]];
    same(await store.addMany(entries), [["b", 1]]);
    same(await store.getMany(["a", ["b", 1], "c"]), [1, "old", 3]);
    same(await store.addMany([["d", 1]]), []);
    same(await store.addMany([]), []);
  });

  test("addMany() adds nothing if one value cannot be stored", async ({ store }) => {
    await assert.rejects(store.addMany([["a", 1], ["b", Symbol()]]), { name: "DataCloneError" });
    same(await store.hasMany(["a", "b"]), []);
  });

  test("delete() removes an entry and says whether there was one", async ({ store }) => {
    await store.set("k", 1);
    assert.equal(await store.delete("k"), true);
    assert.equal(await store.delete("k"), false);
    assert.equal(await store.has("k"), false);
  });

  test("delete() takes an expired entry for absent", async ({ store, clock }) => {
    await store.set("k", 1, { ttlMs: 1000 });
    clock.time += 1000;
    assert.equal(await store.delete("k"), false);
  });

  test("delete() leaves what is below the key", async ({ store }) => {
    await store.setMany([["a", 1], [["a", "b"], 2]]);
    await store.delete("a");
    assert.equal(await store.get(["a", "b"]), 2);
  });

  test("deleteMany() resolves to the keys that were not there", async ({ store }) => {
    await store.setMany([["a", 1], [["b", 1], 2]]);
    same(await store.deleteMany(["a", "none", ["b", 1], ["b", 2]]), ["none", ["b", 2]]);
    same(await store.hasMany(["a", ["b", 1]]), []);
    same(await store.deleteMany([]), []);
  });

  test("what another box did to a key is what add() and delete() find", async ({ store, another }) => {
    const other = await another?.() ?? store;
    assert.equal(await store.add("k", 1), true);
    assert.equal(await store.add("k", 2), false);
    assert.equal(await other.delete("k"), true);
    assert.equal(await store.add("k", 3), true, "the entry was gone");
    assert.equal(await other.delete("k"), true);
    assert.equal(await store.delete("k"), false, "the entry was gone");
    assert.equal(await other.add("k", 4), true);
    assert.equal(await store.delete("k"), true, "the entry was there again");
  });
}
