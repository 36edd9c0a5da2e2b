import assert from "node:assert/strict";
import { filled, same } from "../support.ts";
import type { SuiteTest } from "./case.ts";

const KIB = 1024;
const SIZES = [0, 50 * KIB, 52 * KIB - 20, 52 * KIB, 61 * KIB, 122 * KIB, 721 * KIB, 3 * KIB * KIB];

/** Group commits, and values that no engine takes whole. */
export function groups(test: SuiteTest): void {
  test("64 writers of 64 keys are all heard", async ({ store }) => {
    const keys = Array.from({ length: 64 }, (_, n) => ["n", n]);
    await Promise.all(keys.map((key, n) => store.set(key, n)));
    same(await store.getMany(keys), keys.map((_, n) => n));
  });

  test("64 writers of one key leave what one of them wrote", async ({ store }) => {
    await Promise.all(Array.from({ length: 64 }, (_, n) => store.set("k", { n })));
    const value = await store.get<{ n: number }>("k");
    same(value, { n: 63 });
  });

  test("changes of one key that go into one commit follow each other", async ({ store }) => {
    await store.set("k", 1);
    const results = await Promise.all([
      store.increment("k", 4),
      store.compareAndSwap("k", 5, 10),
      store.compareAndSwap("k", 5, 11),
      store.decrement("k"),
      store.delete("k"),
      store.increment("k"),
      store.delete("k"),
    ]);
    same(results, [5, true, false, 9, true, false, false]);
    assert.equal(await store.has("k"), false);
  });

  test("one who cannot be served does not hold up the others", async ({ store }) => {
    await store.set("max", Number.MAX_SAFE_INTEGER);
    const results = await Promise.allSettled([
      ...Array.from({ length: 30 }, (_, n) => store.set(["n", n], n)),
      store.set("bad", () => 1),
      store.increment("max"),
      store.decrement("max"),
      store.increment("max", 1),
      store.set("" as string, 1),
      ...Array.from({ length: 30 }, (_, n) => store.set(["n", 30 + n], n)),
    ]);
    const failed = results.flatMap(({ status }, n) => status === "rejected" ? [n] : []);
    same(failed, [30, 31, 34]);
    assert.equal(await store.get("max"), Number.MAX_SAFE_INTEGER);
    assert.equal((await store.info()).entries, 61);
  });

  test("values that together are too large for a commit are all stored", async ({ store }) => {
    const keys = Array.from({ length: 64 }, (_, n) => ["n", n]);
    await Promise.all(keys.map((key, n) => store.set(key, filled(45 * KIB, n))));
    const values = await store.getMany<Uint8Array>(keys);
    same(values.map((value) => value![0]), keys.map((_, n) => n));
  });

  test("small values that large ones replace at once are all stored", async ({ store }) => {
    const keys = Array.from({ length: 40 }, (_, n) => ["n", n]);
    await Promise.all([
      ...keys.map((key) => store.set(key, 0)),
      ...keys.map((key, n) => store.set(key, filled(45 * KIB, n))),
    ]);
    const values = await store.getMany<Uint8Array>(keys);
    same(values.map((value) => value![0]), keys.map((_, n) => n));
  });

  test("one key may be written more often than a commit has rows", async ({ store }) => {
    await store.set("k", 0);
    await Promise.all(Array.from({ length: 500 }, () => store.increment("k")));
    assert.equal(await store.get("k"), 500);
  });

  test("two boxes that write the same keys both get through", async ({ store, another }) => {
    const other = await another?.() ?? store;
    const keys = Array.from({ length: 10 }, (_, n) => ["n", n]);
    await store.setMany(keys.map((key) => [key, 0]));
    await Promise.all([store, other].flatMap((one) =>
      Array.from({ length: 20 }, async () => {
        for (const key of keys) await one.increment(key);
      })
    ));
    same(await store.getMany(keys, { near: false }), keys.map(() => 40));
  });

  for (const size of SIZES) {
    test(`keeps a value of ${size} bytes`, async ({ store }) => {
      await store.set("k", filled(size, 1));
      same(await store.get("k"), filled(size, 1));
      same(await store.get("k", { near: false }), filled(size, 1));
      assert.equal(await store.add("k", 1), false);
      await store.set("k", filled(size, 2));
      same(await store.get("k"), filled(size, 2));
      assert.equal(await store.delete("k"), true);
      assert.equal(await store.has("k"), false);
    });
  }

  test("keeps a value of as many bytes as are allowed by default", async ({ store }) => {
    const most = 16 * KIB * KIB;
    await store.set("k", filled(most - 100, 7));
    assert.equal((await store.get<Uint8Array>("k"))!.length, most - 100);
    await assert.rejects(store.set("k", filled(most, 7)), RangeError);
    assert.equal((await store.get<Uint8Array>("k"))!.length, most - 100);
  });

  test("a reader sees one whole large value while others replace it", async ({ store, another }) => {
    const other = await another?.() ?? store;
    await store.set("k", filled(150 * KIB, 0));
    let writing = true;
    let reads = 0;
    async function write(one: typeof store, first: number): Promise<void> {
      for (let n = 0; n < 10; n++) await one.set("k", filled((70 + 20 * n) * KIB, first + n));
    }
    async function read(): Promise<void> {
      while (writing) {
        const value = await other.get<Uint8Array>("k", { near: false });
        assert.ok(value !== undefined && value.every((byte) => byte === value[0]));
        reads++;
      }
    }
    const readers = Promise.all([read(), read()]);
    await Promise.all([write(store, 1), write(store, 101), write(other, 201)]);
    writing = false;
    await readers;
    assert.ok(reads > 0);
  });

  test("setMany() of large values stores all of them", async ({ store }) => {
    const entries = Array.from({ length: 12 }, (_, n) => [["n", n], filled(300 * KIB, n)] as const);
    await store.setMany(entries);
    const values = await store.getMany<Uint8Array>(entries.map(([key]) => key));
    same(values, entries.map(([, value]) => value));
  });
}
