import assert from "node:assert/strict";
import fc from "fast-check";
import { openStore } from "../../../runtime/store/mod.ts";
import type { Store } from "../../../runtime/types/store.ts";
import { Model } from "./model.ts";
import { Clock, filled, same, tempDir } from "./support.ts";

/** One thing that is done to a store and to the model: each says what it got. */
interface Step {
  name: string;
  run(store: Store, clock: Clock): unknown;
  expect(model: Model): unknown;
}

const key = fc.constantFrom("a", "b", "c");
const ttlMs = fc.constantFrom(0, 1, 10, 100);
const value = fc.oneof(
  fc.integer({ min: -100, max: 100 }),
  fc.constantFrom(1.5, -2.5, "1", null, undefined, { n: [1] }, new Map([[1, 2]])),
  fc.constant(filled(70_000, 1)),
);
const keys = fc.array(key, { maxLength: 4 });
const life = (ms: number) => ({ ttlMs: ms });

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(key, fc.boolean()).map(([k, near]): Step => ({
    name: `get(${k}, ${near})`,
    run: (store) => store.get(k, { near }),
    expect: (model) => model.get(k),
  })),
  keys.map((ks): Step => ({
    name: `getMany(${ks})`,
    run: (store) => store.getMany(ks),
    expect: (model) => ks.map((k) => model.get(k)),
  })),
  key.map((k): Step => ({
    name: `has(${k})`,
    run: (store) => store.has(k),
    expect: (model) => model.has(k),
  })),
  keys.map((ks): Step => ({
    name: `hasMany(${ks})`,
    run: (store) => store.hasMany(ks),
    expect: (model) => ks.filter((k) => model.has(k)),
  })),
  fc.tuple(key, value, ttlMs).map(([k, v, ms]): Step => ({
    name: `set(${k}, ${fc.stringify(v).slice(0, 30)}, ${ms})`,
    run: (store) => store.set(k, v, life(ms)),
    expect: (model) => model.set(k, v, ms),
  })),
  fc.tuple(fc.array(fc.tuple(key, value), { maxLength: 4 }), ttlMs).map(([entries, ms]): Step => ({
    name: `setMany(${entries.map(([k]) => k)}, ${ms})`,
    run: (store) => store.setMany(entries, life(ms)),
    expect: (model) => entries.forEach(([k, v]) => model.set(k, v, ms)),
  })),
  fc.tuple(key, value, ttlMs).map(([k, v, ms]): Step => ({
    name: `add(${k}, ${fc.stringify(v).slice(0, 30)}, ${ms})`,
    run: (store) => store.add(k, v, life(ms)),
    expect: (model) => model.add(k, v, ms),
  })),
  key.map((k): Step => ({
    name: `delete(${k})`,
    run: (store) => store.delete(k),
    expect: (model) => model.delete(k),
  })),
  fc.uniqueArray(key, { maxLength: 3 }).map((ks): Step => ({
    name: `deleteMany(${ks})`,
    run: (store) => store.deleteMany(ks),
    expect: (model) => ks.filter((k) => !model.delete(k)),
  })),
  fc.tuple(key, fc.integer({ min: -3, max: 3 })).map(([k, n]): Step => ({
    name: `increment(${k}, ${n})`,
    run: (store) => store.increment(k, n),
    expect: (model) => model.increment(k, n),
  })),
  fc.tuple(key, fc.integer({ min: -2, max: 2 }), fc.integer({ min: -2, max: 2 })).map(
    ([k, from, to]): Step => ({
      name: `compareAndSwap(${k}, ${from}, ${to})`,
      run: (store) => store.compareAndSwap(k, from, to),
      expect: (model) => model.compareAndSwap(k, from, to),
    }),
  ),
  fc.tuple(key, ttlMs).map(([k, ms]): Step => ({
    name: `extendTtl(${k}, ${ms})`,
    run: (store) => store.extendTtl(k, ms),
    expect: (model) => model.extendTtl(k, ms),
  })),
  fc.constant<Step>({
    name: "list()",
    run: (store) =>
      Array.fromAsync(store.list(), ({ key, value }): [unknown, unknown] => [key[0], value]),
    expect: (model) => model.list(),
  }),
  fc.constant<Step>({
    name: "clear()",
    run: (store) => store.clear(),
    expect: (model) => model.clear(),
  }),
  fc.constantFrom(1, 9, 90).map((ms): Step => ({
    name: `${ms} ms pass`,
    run: (_, clock) => void (clock.time += ms),
    expect: () => undefined,
  })),
);

/** Steps, each done through one of the handles. */
const steps = fc.array(fc.tuple(step, fc.nat({ max: 1 })), { minLength: 1, maxLength: 25 });

/** Runs sequences on handles on the same data; fast-check prints the seed of one that fails. */
async function check(handles: readonly Store[], clock: Clock, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      await handles[0]!.clear();
      // A copy may be old where another handle has written.
      const near = handles.length === 1;
      const model = new Model(clock.now);
      for (const [{ name, run, expect }, which] of sequence) {
        if (!near && /^(get|has)/.test(name) && !name.includes("false")) continue;
        const got = await run(handles[which % handles.length]!, clock);
        same(got, expect(model), `${name}, after ${sequence.map(([{ name }]) => name).join("; ")}`);
      }
    }),
    { numRuns, interruptAfterTimeLimit: 7000, markInterruptAsFailure: false },
  );
}

Deno.test("A store in memory does what its model does", async () => {
  const clock = new Clock();
  await using store = await openStore({ url: ":memory:" }, { now: clock.now });
  await check([store], clock, 300);
});

Deno.test("Two handles on one file do what one model does", async () => {
  await using dir = await tempDir();
  const clock = new Clock();
  const url = `${dir.path}/a.db`;
  await using a = await openStore({ url }, { now: clock.now });
  await using b = await openStore({ url }, { now: clock.now });
  await check([a, b], clock, 150);
});

Deno.test("The model tells a store that is wrong", async () => {
  const clock = new Clock();
  await using store = await openStore({ url: ":memory:", ttlLimitMs: 50 }, { now: clock.now });
  await assert.rejects(check([store], clock, 1000), /seed: /);
});
