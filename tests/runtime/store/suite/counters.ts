import assert from "node:assert/strict";
import type { SuiteTest } from "./case.ts";

const NO_NUMBERS: [string, unknown][] = [
  ["text of digits", "1"],
  ["a bigint", 1n],
  ["null", null],
  ["undefined", undefined],
  ["true", true],
  ["an object", { n: 1 }],
  ["a Number object", Object(1)],
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["a large value", new Uint8Array(100_000)],
];

const SUMS: [before: number, step: number | undefined, after: number][] = [
  [1, undefined, 2],
  [1, 5, 6],
  [1, -5, -4],
  [1, 0, 1],
  [2.9, 1, 3],
  [-2.9, 1, -1],
  [-0.5, 0, 0],
  [Number.MAX_SAFE_INTEGER - 1, 1, Number.MAX_SAFE_INTEGER],
];

/** `apc_inc`, `apc_dec` and `apc_cas`. */
export function counters(test: SuiteTest): void {
  for (const [before, step, after] of SUMS) {
    test(`increment() makes ${after} of ${before} and ${step ?? "nothing"}`, async ({ store }) => {
      await store.set("k", before);
      const sum = await store.increment("k", step);
      assert.ok(Object.is(Number(sum) + 0, after), String(sum));
      assert.equal(Number(await store.get("k")) + 0, after);
    });
  }

  test("decrement() takes away", async ({ store }) => {
    await store.set("k", 10);
    assert.equal(await store.decrement("k"), 9);
    assert.equal(await store.decrement("k", 4), 5);
    assert.equal(await store.decrement("k", -2), 7);
    assert.equal(await store.get("k"), 7);
  });

  for (const [name, value] of NO_NUMBERS) {
    test(`increment() and its like leave ${name} alone`, async ({ store }) => {
      await store.set("k", value);
      assert.equal(await store.increment("k"), false);
      assert.equal(await store.decrement("k"), false);
      assert.equal(await store.compareAndSwap("k", 1, 2), false);
      assert.deepEqual(await store.get("k"), value);
    });
  }

  test("increment() and its like create nothing", async ({ store }) => {
    assert.equal(await store.increment("k"), false);
    assert.equal(await store.decrement("k"), false);
    assert.equal(await store.compareAndSwap("k", 0, 1), false);
    assert.equal(await store.has("k"), false);
  });

  test("increment() and its like take an expired number for absent", async ({ store, clock }) => {
    await store.set("k", 1, { ttlMs: 1000 });
    clock.time += 1000;
    assert.equal(await store.increment("k"), false);
    assert.equal(await store.decrement("k"), false);
    assert.equal(await store.compareAndSwap("k", 1, 2), false);
    assert.equal(await store.has("k"), false);
  });

  test("increment() and its like leave the life alone", async ({ store, clock }) => {
    await store.set("k", 1, { ttlMs: 1000 });
    clock.time += 500;
    assert.equal(await store.increment("k"), 2);
    assert.equal(await store.decrement("k"), 1);
    assert.equal(await store.compareAndSwap("k", 1, 5), true);
    clock.time += 499;
    assert.equal(await store.get("k"), 5);
    clock.time += 1;
    assert.equal(await store.get("k"), undefined);
  });

  test("increment() refuses a sum that is no safe integer and keeps the number", async ({ store }) => {
    await store.set("k", Number.MAX_SAFE_INTEGER);
    await assert.rejects(store.increment("k"), {
      name: "RangeError",
      message: /^Cannot increment "k": 9007199254740991 and 1 together are no safe integer$/,
    });
    assert.equal(await store.get("k"), Number.MAX_SAFE_INTEGER);
    await store.set("k", 1e300);
    await assert.rejects(store.decrement("k"), RangeError);
    assert.equal(await store.get("k"), 1e300);
  });

  test("compareAndSwap() replaces only what is expected", async ({ store }) => {
    await store.set("k", 1);
    assert.equal(await store.compareAndSwap("k", 2, 3), false);
    assert.equal(await store.get("k"), 1);
    assert.equal(await store.compareAndSwap("k", 1, 3), true);
    assert.equal(await store.get("k"), 3);
    assert.equal(await store.compareAndSwap("k", 3, 3), true);
  });

  test("compareAndSwap() compares the whole part of a fraction", async ({ store }) => {
    await store.set("k", 2.9);
    assert.equal(await store.compareAndSwap("k", 3, 0), false);
    assert.equal(await store.compareAndSwap("k", 2, 7), true);
    assert.equal(await store.get("k"), 7);
  });

  test("compareAndSwap() lets one of many through", async ({ store, another }) => {
    const other = await another?.() ?? store;
    await store.set("k", 0);
    const swapped = await Promise.all(
      Array.from({ length: 16 }, (_, n) => (n % 2 ? store : other).compareAndSwap("k", 0, n + 1)),
    );
    assert.equal(swapped.filter(Boolean).length, 1);
    assert.equal(await store.get("k", { near: false }), swapped.indexOf(true) + 1);
  });

  test("increment() loses nothing among 64 callers", async ({ store, another }) => {
    const other = await another?.() ?? store;
    await store.set("k", 0);
    const sums = await Promise.all(
      Array.from({ length: 64 }, (_, n) => (n % 2 ? store : other).increment("k")),
    );
    const expected = Array.from({ length: 64 }, (_, n) => n + 1);
    assert.deepEqual(sums.map(Number).sort((a, b) => a - b), expected);
    assert.equal(await store.get("k", { near: false }), 64);
  });

  test("increment() never counts on from what it remembers", async ({ store, another }) => {
    const other = await another?.() ?? store;
    await store.set("k", 1);
    assert.equal(await store.increment("k"), 2);
    await other.set("k", "text");
    assert.equal(await store.increment("k"), false);
    await other.set("k", 10);
    assert.equal(await store.increment("k"), 11, "it was a number again");
    await other.delete("k");
    assert.equal(await store.increment("k"), false);
    await other.set("k", 20);
    assert.equal(await store.compareAndSwap("k", 20, 21), true, "it was there again");
    await other.set("k", 30);
    assert.equal(await store.compareAndSwap("k", 21, 0), false);
  });

  test("increment() counts from what a get() here has not seen", async ({ store, another }) => {
    const other = await another?.() ?? store;
    await store.set("k", 1);
    assert.equal(await store.get("k"), 1);
    assert.equal(await other.increment("k", 10), 11);
    assert.equal(await store.increment("k"), 12);
    assert.equal(await store.get("k"), 12);
  });
}
