import assert from "node:assert/strict";
import type { Store } from "../../../../runtime/types/store.ts";
import { filled, keysOf, rejectsWith, same, until } from "../support.ts";
import type { SuiteTest } from "./case.ts";

const CALLS: [string, (store: Store) => Promise<unknown>][] = [
  ["get", (store) => store.get("k")],
  ["getMany", (store) => store.getMany(["k"])],
  ["set", (store) => store.set("k", 1)],
  ["setMany", (store) => store.setMany([["k", 1]])],
  ["add", (store) => store.add("k", 1)],
  ["addMany", (store) => store.addMany([["k", 1]])],
  ["delete", (store) => store.delete("k")],
  ["deleteMany", (store) => store.deleteMany(["k"])],
  ["has", (store) => store.has("k")],
  ["hasMany", (store) => store.hasMany(["k"])],
  ["increment", (store) => store.increment("k")],
  ["decrement", (store) => store.decrement("k")],
  ["compareAndSwap", (store) => store.compareAndSwap("k", 1, 2)],
  ["extendTtl", (store) => store.extendTtl("k", 0)],
  ["list", (store) => keysOf(store.list())],
  ["watch", (store) => store.watch(["k"]).next()],
  ["clear", (store) => store.clear()],
  ["info", (store) => store.info()],
];

/** `apc_clear_cache`, `apc_cache_info`, the size limit, and the end. */
export function figures(test: SuiteTest): void {
  test("clear() removes everything, primed, expired and large entries too", async ({ store, clock, prime }) => {
    await prime([["primed", 1]]);
    await store.set("expired", 1, { ttlMs: 1 });
    await store.setMany([["a", 1], [["a", "b"], 2], ["large", filled(200_000, 1)], [
      "x".repeat(3000),
      1,
    ]]);
    clock.time += 1;
    await store.clear();
    same(await keysOf(store.list()), []);
    same(await store.getMany(["primed", "a"]), [undefined, undefined]);
    assert.equal((await store.info()).valueBytes, 0);
    await store.clear();
    await store.set("a", 2);
    assert.equal(await store.get("a"), 2);
  });

  test("clear() removes more entries than a commit takes", async ({ store }) => {
    await store.setMany(Array.from({ length: 1100 }, (_, n) => [["n", n], n] as const));
    await store.clear();
    assert.equal((await store.info()).entries, 0);
  });

  test("info() begins with zeros", async ({ store, clock }) => {
    const { engine, ...rest } = await store.info();
    assert.equal(typeof engine, "string");
    same(rest, {
      startedAt: clock.time,
      ttlLimitMs: 0,
      entries: 0,
      valueBytes: 0,
      hits: 0,
      misses: 0,
      sets: 0,
      deletes: 0,
      evictions: 0,
    });
  });

  test("info() counts what was done", async ({ store }) => {
    await store.set("a", 1);
    await store.setMany([["b", 2], ["c", 3]]);
    await store.add("a", 1);
    await store.add("d", 1);
    await store.getMany(["a", "none", "b"], { near: false });
    await store.delete("none");
    await store.deleteMany(["a", "b"]);
    const { sets, deletes, hits, misses, entries } = await store.info();
    same({ sets, deletes, hits, misses, entries }, {
      sets: 4,
      deletes: 2,
      hits: 2,
      misses: 1,
      entries: 2,
    });
  });

  test("info() adds up the bytes of values, large ones too", async ({ store }) => {
    await store.set("a", filled(1000, 1));
    const small = (await store.info()).valueBytes;
    assert.ok(small >= 1000 && small < 1100, `${small}`);
    await store.set("a", filled(200_000, 1));
    const large = (await store.info()).valueBytes;
    assert.ok(large >= 200_000 && large < 200_100, `${large}`);
  });

  test("info() tells the ttl limit", async ({ store }) => {
    assert.equal((await store.info()).ttlLimitMs, 1000);
  }, { ttlLimitMs: 1000 });

  test("maxBytes removes what was least recently used, and info() counts it", async ({ store }) => {
    for (const key of ["a", "b", "c", "d"]) await store.set(key, filled(900, 1));
    await store.get("a", { near: false });
    await store.set("e", filled(900, 1));
    await until(async () => (await store.info()).entries === 4);
    same(await store.hasMany(["a", "b", "c", "d", "e"]), ["a", "c", "d", "e"]);
    assert.equal((await store.info()).evictions, 1);
    assert.equal(await store.get("b"), undefined);
  }, { maxBytes: 4000 });

  test("maxBytes counts a value that is replaced or removed once", async ({ store }) => {
    for (let n = 0; n < 10; n++) await store.set("a", filled(900, n));
    await store.set("b", filled(900, 1));
    await store.delete("b");
    for (const key of ["b", "c", "d"]) await store.set(key, filled(900, 1));
    assert.equal((await store.info()).evictions, 0);
    assert.equal((await store.info()).entries, 4);
  }, { maxBytes: 4000 });

  test("maxBytes keeps what was just written, and bounds a flood", async ({ store }) => {
    await store.set("large", filled(9000, 1));
    assert.equal(await store.has("large"), true);
    await Promise.all(Array.from({ length: 100 }, (_, n) => store.set(["n", n], filled(900, n))));
    await until(async () => (await store.info()).valueBytes <= 4000);
    const { entries, evictions } = await store.info();
    assert.equal(entries, 4);
    assert.equal(evictions, 97);
    assert.equal(await store.has(["n", 99]), true);
  }, { maxBytes: 4000 });

  test("maxBytes loses no count of an entry that others ask for", async ({ store }) => {
    for (let round = 0; round < 20; round++) {
      await Promise.all(
        Array.from({ length: 8 }, async (_, n) => {
          await store.set(["n", n], filled(900, round));
          await Promise.all([store.add(["n", (n + 4) % 8], 1), store.increment(["n", n])]);
        }),
      );
    }
    await store.set("end", filled(900, 1));
    await until(async () => (await store.info()).valueBytes <= 4000);
  }, { maxBytes: 4000 });

  test("a value above maxValueBytes is refused and the old one kept", async ({ store }) => {
    await store.set("k", 1);
    const large = "x".repeat(1000);
    const message =
      /^Cannot store a value under "k": it takes 10\d\d bytes, at most 1000 are allowed$/;
    await assert.rejects(store.set("k", large), { name: "RangeError", message });
    await assert.rejects(store.add("k", large), { name: "RangeError", message });
    await assert.rejects(store.setMany([["a", 1], ["k", large]]), { name: "RangeError", message });
    same(await store.getMany(["k", "a"]), [1, undefined]);
    await store.set("k", "x".repeat(900));
  }, { maxValueBytes: 1000 });

  for (const [name, call] of CALLS) {
    test(`${name}() rejects once the store is closed`, async ({ store }) => {
      await store.set("k", 1);
      // What is under way may still be answered.
      const underWay = store.get("k").catch(({ code }) => code);
      await store.close();
      assert.ok([1, "STORE_CLOSED"].includes(await underWay as string));
      await rejectsWith(call(store), "STORE_CLOSED", /is closed$/);
      await store.close();
    });
  }
}
