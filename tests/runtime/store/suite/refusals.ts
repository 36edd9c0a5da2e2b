import assert from "node:assert/strict";
import type { Store, StoreKey } from "../../../../runtime/types/store.ts";
import { keysOf } from "../support.ts";
import type { SuiteTest } from "./case.ts";

const NO_KEYS: [string, unknown, string][] = [
  ["empty text", "", "TypeError"],
  ["an empty array", [], "TypeError"],
  ["an empty part", ["a", ""], "TypeError"],
  ["undefined", undefined, "TypeError"],
  ["null", null, "TypeError"],
  ["a number", 1, "TypeError"],
  ["an object", {}, "TypeError"],
  ["NaN for a part", [NaN], "TypeError"],
  ["null for a part", ["a", null], "TypeError"],
  ["an array for a part", [["a"]], "TypeError"],
  ["another typed array for a part", [new Uint16Array(1)], "TypeError"],
  ["text that is not well-formed", "\ud800", "TypeError"],
  ["what the store keeps for itself", "\u{10FFFF}t", "TypeError"],
  ["text that is too long", "x".repeat(9000), "RangeError"],
  ["parts that are too long together", Array(9).fill("x".repeat(1000)), "RangeError"],
  ["a bigint that is too large", [2n ** 3000n], "RangeError"],
];

const KEYED: [string, (store: Store, key: StoreKey) => Promise<unknown>][] = [
  ["get", (store, key) => store.get(key)],
  ["getMany", (store, key) => store.getMany(["k", key])],
  ["set", (store, key) => store.set(key, 2)],
  ["setMany", (store, key) => store.setMany([["k", 2], [key, 2]])],
  ["add", (store, key) => store.add(key, 2)],
  ["addMany", (store, key) => store.addMany([["new", 2], [key, 2]])],
  ["delete", (store, key) => store.delete(key)],
  ["deleteMany", (store, key) => store.deleteMany(["k", key])],
  ["has", (store, key) => store.has(key)],
  ["hasMany", (store, key) => store.hasMany(["k", key])],
  ["increment", (store, key) => store.increment(key)],
  ["decrement", (store, key) => store.decrement(key)],
  ["compareAndSwap", (store, key) => store.compareAndSwap(key, 1, 2)],
  ["extendTtl", (store, key) => store.extendTtl(key, 1)],
  ["watch", (store, key) => store.watch(["k", key]).next()],
];

const NO_LIVES: [string, unknown][] = [
  ["negative", -1],
  ["NaN", NaN],
  ["fractional", 0.5],
  ["infinite", Infinity],
  ["text", "5"],
  ["null", null],
  ["a bigint", 5n],
  ["unsafe", 2 ** 53],
];

const NO_OPTIONS: unknown[] = [null, 1, "ttlMs", [], new Map(), new Date(), { ttl: 1 }];

/** Wrong arguments: each with its error, and nothing changed. */
export function refusals(test: SuiteTest): void {
  for (const [name, key, error] of NO_KEYS) {
    test(`refuses ${name} as a key`, async ({ store }) => {
      await store.set("k", 1);
      for (const [call, run] of KEYED) {
        await assert.rejects(
          run(store, key as StoreKey),
          { name: error, message: /^Cannot / },
          call,
        );
      }
      if (key !== undefined && key !== null) {
        await assert.rejects(keysOf(store.list({ prefix: key as StoreKey })), { name: error });
      }
      assert.deepEqual(await Array.fromAsync(store.list()), [{ key: ["k"], value: 1 }]);
    });
  }

  for (const [name, ttlMs] of NO_LIVES) {
    test(`refuses a life that is ${name}`, async ({ store }) => {
      await store.set("k", 1, { ttlMs: 1000 });
      const life = { ttlMs: ttlMs as number };
      const message =
        /^Cannot store a value under "k": ttlMs is .*, allowed are whole numbers from 0$/;
      for (
        const call of [
          store.set("k", 2, life),
          store.add("k", 2, life),
          store.setMany([["k", 2]], life),
          store.addMany([["k", 2]], life),
          store.extendTtl("k", ttlMs as number),
        ]
      ) {
        await assert.rejects(call, { name: "RangeError", message });
      }
      assert.equal(await store.get("k"), 1);
    });
  }

  test("refuses options that are none", async ({ store }) => {
    for (const options of NO_OPTIONS) {
      await assert.rejects(store.set("k", 1, options as object), TypeError);
      await assert.rejects(store.add("k", 1, options as object), TypeError);
    }
    await assert.rejects(store.extendTtl("k", undefined as unknown as number), {
      name: "TypeError",
      message: 'Cannot extend "k": no ttlMs is given',
    });
    assert.equal(await store.has("k"), false);
  });

  for (const number of [NaN, Infinity, 0.5, 2 ** 53, "1", null, 1n, {}]) {
    test(`refuses ${typeof number === "bigint" ? "1n" : JSON.stringify(number)} (${typeof number} ${number}) for a number`, async ({ store }) => {
      const wrong = number as number;
      await store.set("k", 1);
      for (
        const call of [
          store.increment("k", wrong),
          store.decrement("k", wrong),
          store.compareAndSwap("k", wrong, 1),
          store.compareAndSwap("k", 1, wrong),
        ]
      ) {
        await assert.rejects(call, {
          name: "RangeError",
          message: /^Cannot .* "k": .* are safe integers$/,
        });
      }
      assert.equal(await store.get("k"), 1);
    });
  }

  for (const limit of [-1, 1.5, NaN, "1", null]) {
    test(`list() refuses ${limit} (${typeof limit}) for a limit`, async ({ store }) => {
      await assert.rejects(keysOf(store.list({ limit: limit as number })), {
        name: "RangeError",
        message: /^Cannot list store entries: limit is /,
      });
    });
  }

  for (const keys of [undefined, null, "abc", 1, {}, new Set(["k"])]) {
    const name = keys instanceof Set ? "a Set" : JSON.stringify(keys);
    test(`refuses ${name} for an array of keys`, async ({ store }) => {
      const wrong = keys as unknown as StoreKey[];
      for (
        const call of [
          store.getMany(wrong),
          store.getMany(wrong, { near: false }),
          store.deleteMany(wrong),
          store.hasMany(wrong),
          store.watch(wrong).next(),
        ]
      ) {
        await assert.rejects(call, { name: "TypeError", message: /no array of keys$/ });
      }
    });
  }

  test("watch() refuses no keys and more than 100", async ({ store }) => {
    for (const count of [0, 101]) {
      await assert.rejects(store.watch(Array(count).fill("k")).next(), {
        name: "RangeError",
        message: `Cannot watch ${count} keys: allowed are 1 to 100`,
      });
    }
  });
}
