import assert from "node:assert/strict";
import type { StoreKey } from "../../../../runtime/types/store.ts";
import { filled, keysOf, same } from "../support.ts";
import type { SuiteTest } from "./case.ts";

const TREE: StoreKey[] = [["a"], ["a", "b"], ["a", "b", "c"], ["a", 1], ["ab"], ["b"]];

const PREFIXES: [string, StoreKey | undefined, StoreKey[]][] = [
  ["no prefix", undefined, TREE],
  ["a prefix that is a key itself", "a", TREE.slice(0, 4)],
  ["a prefix of two parts", ["a", "b"], TREE.slice(1, 3)],
  ["a whole key", ["a", "b", "c"], [["a", "b", "c"]]],
  ["a prefix that is only the beginning of a text", ["a", "bb"], []],
  ["a prefix of another kind", ["a", 1n], []],
  ["a prefix that nothing has", "none", []],
];

/** `list`. */
export function listing(test: SuiteTest): void {
  for (const [name, prefix, expected] of PREFIXES) {
    test(`list() yields in order what has ${name}`, async ({ store }) => {
      for (const key of TREE.toReversed()) await store.set(key, key);
      const entries = await Array.fromAsync(store.list({ prefix }));
      same(entries, expected.map((key) => ({ key, value: key })));
    });
  }

  test("list() orders kinds as Deno KV does", async ({ store }) => {
    const keys: StoreKey[] = [
      [new Uint8Array([1])],
      [new Uint8Array([1, 0])],
      ["a"],
      ["a\0"],
      ["\uffff"],
      ["😀"],
      [-300n],
      [-5n],
      [0n],
      [2n ** 80n],
      [-Infinity],
      [-1.5],
      [0],
      [Infinity],
      [false],
      [true],
    ];
    for (const key of keys.toReversed()) await store.set(key, 1);
    same(await keysOf(store.list()), keys);
  });

  for (const limit of [0, 1, 5, 100, 101, 300]) {
    test(`list() yields at most ${limit} of 250 entries`, async ({ store }) => {
      await store.setMany(Array.from({ length: 250 }, (_, n) => [["n", n], n] as const));
      const keys = await keysOf(store.list({ prefix: "n", limit }));
      assert.equal(keys.length, Math.min(limit, 250));
      same(keys, keys.map((_, n) => ["n", n]));
    });
  }

  test("list() yields private copies, large values too", async ({ store }) => {
    await store.setMany([["a", [1]], ["b", filled(150_000, 1)]]);
    for (let n = 0; n < 2; n++) {
      const values = await Array.fromAsync(store.list<number[]>(), ({ value }) => value);
      same(values, [[1], filled(150_000, 1)]);
      values[0]!.push(2);
      values[1]!.fill(9);
    }
  });

  test("list() can be left, and goes on over what is removed meanwhile", async ({ store }) => {
    await store.setMany(Array.from({ length: 250 }, (_, n) => [["n", n], n] as const));
    const seen: unknown[] = [];
    for await (const { key } of store.list()) {
      seen.push(key);
      await store.delete(key);
    }
    assert.equal(seen.length, 250);
    same(await keysOf(store.list()), []);
    await store.set("a", 1);
    for await (const { key } of store.list()) {
      same(key, ["a"]);
      break;
    }
  });

  test("list() yields more bytes than fit into one answer", async ({ store }) => {
    for (let n = 0; n < 4; n++) await store.set(["n", n], filled(4_500_000, n));
    const sizes = await Array.fromAsync(store.list<Uint8Array>(), ({ value }) => value.length);
    same(sizes, Array(4).fill(4_500_000));
  });

  test("list() skips what has expired, over whole pages", async ({ store, clock }) => {
    const entries = Array.from({ length: 250 }, (_, n) => [["n", n], n] as const);
    await store.setMany(entries, { ttlMs: 1 });
    await store.set(["z"], 1);
    clock.time += 1;
    same(await keysOf(store.list()), [["z"]]);
    same(await keysOf(store.list({ limit: 1 })), [["z"]]);
  });
}
