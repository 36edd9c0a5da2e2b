import assert from "node:assert/strict";
import { RuntimeError } from "../../../../runtime/errors.ts";
import { filled, same } from "../support.ts";
import type { SuiteStore, SuiteTest } from "./case.ts";

/** Takes the next states until the first value is `last`; returns all first values. */
async function follow(
  states: AsyncIterableIterator<unknown[]>,
  last: unknown,
): Promise<unknown[]> {
  const seen: unknown[] = [];
  while (true) {
    const { value, done } = await states.next();
    assert.ok(!done, "the watch ended");
    seen.push(value[0]);
    if (value[0] === last) return seen;
  }
}

/** `watch`. */
export function watching(test: SuiteTest): void {
  test("watch() yields the present state first", async ({ store }) => {
    await store.set("a", 1);
    const states = store.watch(["a", "none"]);
    same(await states.next(), { done: false, value: [1, undefined] });
    await states.return!();
  });

  const CHANGES: [string, (store: SuiteStore) => Promise<unknown>, unknown][] = [
    ["set()", (store) => store.set("k", 2), 2],
    ["setMany()", (store) => store.setMany([["k", 2]]), 2],
    ["increment()", (store) => store.increment("k"), 2],
    ["compareAndSwap()", (store) => store.compareAndSwap("k", 1, 2), 2],
    ["delete()", (store) => store.delete("k"), undefined],
    ["deleteMany()", (store) => store.deleteMany(["k"]), undefined],
    ["clear()", (store) => store.clear(), undefined],
  ];
  for (const [name, change, after] of CHANGES) {
    test(`watch() yields what ${name} does`, async ({ store }) => {
      await store.set("k", 1);
      const states = store.watch(["k"]);
      same((await states.next()).value, [1]);
      const next = states.next();
      await change(store);
      same((await next).value, [after]);
      await states.return!();
    });
  }

  test("watch() yields that a key is added, and a large value", async ({ store }) => {
    const states = store.watch(["k"]);
    same((await states.next()).value, [undefined]);
    await store.add("k", filled(150_000, 1));
    same((await states.next()).value, [filled(150_000, 1)]);
    await states.return!();
  });

  test("watch() yields a change that came before it was asked", async ({ store }) => {
    const states = store.watch(["k"]);
    await states.next();
    for (let n = 1; n <= 5; n++) await store.set("k", n);
    same((await states.next()).value, [5]);
    await states.return!();
  });

  test("watch() never misses the last change", async ({ store, another }) => {
    const other = await another?.() ?? store;
    const states = store.watch(["k"]);
    for (let round = 0; round < 10; round++) {
      const following = follow(states, `last ${round}`);
      for (let n = 0; n < 10; n++) await other.set("k", n);
      await other.set("k", `last ${round}`);
      await following;
    }
    await states.return!();
  });

  test("watch() yields states in the order in which they came", async ({ store }) => {
    await store.set("k", 0);
    const states = store.watch(["k"]);
    const following = follow(states, 100);
    for (let n = 0; n < 100; n++) await store.increment("k");
    const seen = await following as number[];
    same(seen, [...new Set(seen)].sort((a, b) => a - b));
    await states.return!();
  });

  test("watch() yields that a value has expired", async ({ store, clock }) => {
    await store.set("k", 1, { ttlMs: 20 });
    const states = store.watch(["k"]);
    same((await states.next()).value, [1]);
    const next = states.next();
    clock.time += 20;
    same((await next).value, [undefined]);
    await states.return!();
  });

  test("watch() tells only of its own keys", async ({ store }) => {
    const states = store.watch(["a"]);
    await states.next();
    const next = states.next();
    await store.set("b", 1);
    await store.set(["a", 1], 1);
    await store.set("a", 2);
    same((await next).value, [2]);
    await states.return!();
  });

  test("watch() takes 100 keys, some twice, and tells which changed", async ({ store }) => {
    const keys = Array.from({ length: 100 }, (_, n) => ["n", n % 90]);
    const states = store.watch<number>(keys);
    same((await states.next()).value, Array(100).fill(undefined));
    await store.set(["n", 5], 1);
    const { value } = await states.next() as { value: unknown[] };
    same(value.flatMap((one, n) => one === 1 ? [n] : []), [5, 95]);
    await states.return!();
  });

  test("watch() yields private copies", async ({ store }) => {
    await store.set("k", [1]);
    const a = store.watch<number[]>(["k"]);
    const b = store.watch<number[]>(["k"]);
    (await a.next()).value[0].push(2);
    same((await b.next()).value, [[1]]);
    await a.return!();
    await b.return!();
  });

  test("return() ends a watch that waits", async ({ store }) => {
    const states = store.watch(["k"]);
    await states.next();
    const next = states.next();
    same(await states.return!(), { done: true, value: undefined });
    same(await next, { done: true, value: undefined });
    same(await states.next(), { done: true, value: undefined });
  });

  test("a loop over watch() can be left", async ({ store }) => {
    await store.set("k", 1);
    for await (const [value] of store.watch(["k"])) {
      assert.equal(value, 1);
      break;
    }
    await store.set("k", 2);
  });

  test("closing the store ends a watch that waits with an error", async ({ store }) => {
    const states = store.watch(["k"]);
    await states.next();
    const waiting = states.next().then(() => assert.fail("it went on"), (error) => error);
    await store.close();
    const error = await waiting;
    assert.ok(error instanceof RuntimeError && error.code === "STORE_CLOSED", String(error));
    same(await states.next(), { done: true, value: undefined });
  });
}
