import assert from "node:assert/strict";
import type { StoreKey } from "../../../../runtime/types/store.ts";
import { filled, keysOf, same } from "../support.ts";
import type { SuiteTest } from "./case.ts";

const LONG = 8 * 1024;

const KINDS: [string, StoreKey][] = [
  ["text", "héllo → 😀"],
  ["text with zeros", "a\0b"],
  ["numbers", ["n", 1.5]],
  ["an infinite number", [-Infinity]],
  ["bigints", [12345678901234567890n, -5n]],
  ["booleans", [true, false]],
  ["bytes", [new Uint8Array([0, 255])]],
  ["no bytes", [new Uint8Array()]],
  ["all of them", ["a", 1, 2n, true, new Uint8Array([1])]],
  ["many parts", Array.from({ length: 200 }, (_, n) => n)],
  ["1 KiB of text", "x".repeat(1022)],
  ["8 KiB of text", "x".repeat(LONG)],
  ["8 KiB of two-byte text", "é".repeat(LONG / 2)],
  ["8 KiB of bytes", ["k", filled(LONG - 10, 7)]],
  ["8 KiB in several parts", Array.from({ length: 8 }, (_, n) => `${n}`.repeat(1000))],
];

/** Keys of every kind and length. */
export function keys(test: SuiteTest): void {
  for (const [name, key] of KINDS) {
    test(`takes a key of ${name} for every operation`, async ({ store, clock }) => {
      const parts = typeof key === "string" ? [key] : key;
      assert.equal(await store.add(key, 1, { ttlMs: 1000 }), true);
      assert.equal(await store.get(key), 1);
      assert.equal(await store.get(key), 1);
      assert.equal(await store.increment(key), 2);
      assert.equal(await store.extendTtl(key, 2000), true);
      clock.time += 1500;
      same(await store.getMany(["none", key]), [undefined, 2]);
      same(await store.hasMany([key]), [key]);
      same(await keysOf(store.list()), [parts]);
      same(await keysOf(store.list({ prefix: key })), [parts]);
      await store.set(key, filled(100_000, 1));
      same(await store.get(key), filled(100_000, 1));
      assert.equal(await store.delete(key), true);
      assert.equal(await store.has(key), false);
    });
  }

  test("keys of one look are several keys", async ({ store }) => {
    const alike: StoreKey[] = ["1", [1], [1n], [true], ["true"], [new Uint8Array([1])], ["1", 1]];
    await store.setMany(alike.map((key, n) => [key, n]));
    for (let round = 0; round < 2; round++) {
      same(await store.getMany(alike), alike.map((_, n) => n));
    }
  });

  test("0 and -0 are one key", async ({ store }) => {
    await store.set([-0], 1);
    assert.equal(await store.get([0]), 1);
    assert.equal(await store.get([-0]), 1);
  });

  test("takes the key as it is when called", async ({ store }) => {
    const bytes = new Uint8Array([1]);
    const key = ["a", bytes];
    const setting = store.set(key, 1);
    bytes[0] = 2;
    key.push("b");
    await setting;
    assert.equal(await store.get(["a", new Uint8Array([1])]), 1);
  });

  test("long keys that differ only at their end are several keys", async ({ store }) => {
    const alike = ["a", "b", "c"].map((end) => "x".repeat(LONG - 1) + end);
    await store.setMany(alike.map((key, n) => [key, n]));
    for (let round = 0; round < 2; round++) {
      same(await store.getMany(alike), [0, 1, 2]);
    }
    same((await keysOf(store.list())).length, 3);
    assert.equal(await store.delete(alike[1]!), true);
    same(await store.hasMany(alike), [alike[0], alike[2]]);
  });

  test("lists long keys below their prefixes, short and long", async ({ store }) => {
    const long = "x".repeat(2000);
    const all: StoreKey[] = [["a", long], ["a", long, 1], ["a", long, long], ["a", `${long}y`], [
      "b",
    ]];
    for (const key of all) await store.set(key, 1);
    const below = async (prefix: StoreKey) => new Set(await keysOf(store.list({ prefix })));
    same(await below("a"), new Set(all.slice(0, 4)));
    same(await below(["a", long]), new Set(all.slice(0, 3)));
    same(await below(["a", long, long]), new Set([all[2]]));
    same(await below(["a", `${long}z`]), new Set());
  });

  test("pages through many long keys", async ({ store }) => {
    const long = "x".repeat(3000);
    const all = Array.from({ length: 230 }, (_, n) => ["k", `${n}${long}`]);
    await store.setMany(all.map((key, n) => [key, n]));
    const listed = await keysOf(store.list({ prefix: "k" })) as string[][];
    assert.equal(listed.length, 230);
    same(new Set(listed.map(([, text]) => text)), new Set(all.map(([, text]) => text)));
  });

  const MANY: [string, (n: number) => StoreKey][] = [
    ["1 KiB", (n) => `${n}`.padEnd(980, "x")],
    ["8 KiB", (n) => `${n}`.padEnd(LONG, "x")],
    ["200 parts", (n) => Array.from({ length: 200 }, (_, part) => part * n)],
  ];
  for (const [name, make] of MANY) {
    test(`writes many keys of ${name} at once`, async ({ store }) => {
      const all = Array.from({ length: 64 }, (_, n) => make(n));
      await Promise.all(all.map((key, n) => store.set(key, n)));
      same(await store.getMany(all), all.map((_, n) => n));
      same(await store.deleteMany(all), []);
    });
  }
}
