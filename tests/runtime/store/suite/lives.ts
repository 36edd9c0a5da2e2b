import assert from "node:assert/strict";
import { filled, keysOf, same } from "../support.ts";
import type { SuiteTest } from "./case.ts";

/** Lives: `ttl`, `apc_extend_ttl`, `TTLLimit`, primed entries. */
export function lives(test: SuiteTest): void {
  test("an entry lives until the millisecond at which it expires", async ({ store, clock }) => {
    await store.set("k", 1, { ttlMs: 1000 });
    clock.time += 999;
    assert.equal(await store.get("k"), 1);
    assert.equal(await store.get("k", { near: false }), 1);
    assert.equal(await store.has("k"), true);
    clock.time += 1;
    assert.equal(await store.get("k"), undefined);
    assert.equal(await store.get("k", { near: false }), undefined);
    assert.equal(await store.has("k"), false);
  });

  test("an expired entry is absent for every way to read it", async ({ store, clock }) => {
    await store.set(["k", 1], 1, { ttlMs: 1 });
    await store.set(["k", 2], 2);
    clock.time += 1;
    same(await store.getMany([["k", 1]]), [undefined]);
    same(await store.hasMany([["k", 1], ["k", 2]]), [["k", 2]]);
    same(await keysOf(store.list()), [["k", 2]]);
    assert.equal((await store.info()).entries, 1);
  });

  test("a life of 0, or none, has no end", async ({ store, clock }) => {
    await store.set("a", 1, { ttlMs: 0 });
    await store.set("b", 1, {});
    await store.set("c", 1, { ttlMs: undefined });
    clock.time += 1e13;
    same(await store.hasMany(["a", "b", "c"]), ["a", "b", "c"]);
  });

  test("a life may be as long as a number tells", async ({ store, clock }) => {
    await store.set("k", 1, { ttlMs: Number.MAX_SAFE_INTEGER });
    await store.set("large", filled(100_000, 1), { ttlMs: Number.MAX_SAFE_INTEGER });
    clock.time += 1e13;
    same(await store.hasMany(["k", "large"]), ["k", "large"]);
  });

  test("a value that is set again gets a new life", async ({ store, clock }) => {
    await store.set("k", 1, { ttlMs: 1000 });
    clock.time += 999;
    await store.set("k", 2, { ttlMs: 1000 });
    clock.time += 999;
    assert.equal(await store.get("k"), 2);
    await store.set("k", 3);
    clock.time += 1e9;
    assert.equal(await store.get("k"), 3);
    await store.set("k", 4, { ttlMs: 1 });
    clock.time += 1;
    assert.equal(await store.get("k"), undefined);
  });

  test("a value that was read before it expired does not outlive it", async ({ store, clock }) => {
    await store.set("k", { n: 1 }, { ttlMs: 1000 });
    for (let n = 0; n < 3; n++) same(await store.get("k"), { n: 1 });
    clock.time += 1000;
    assert.equal(await store.get("k"), undefined);
  });

  test("a large value expires whole", async ({ store, clock }) => {
    await store.set("k", filled(200_000, 1), { ttlMs: 1000 });
    clock.time += 999;
    same(await store.get("k", { near: false }), filled(200_000, 1));
    clock.time += 1;
    assert.equal(await store.get("k", { near: false }), undefined);
    assert.equal(await store.add("k", filled(200_000, 2)), true);
    same(await store.get("k"), filled(200_000, 2));
  });

  test("extendTtl() lengthens a life from now on", async ({ store, clock }) => {
    await store.set("k", 1, { ttlMs: 1000 });
    clock.time += 500;
    assert.equal(await store.extendTtl("k", 1000), true);
    clock.time += 999;
    assert.equal(await store.get("k"), 1);
    clock.time += 1;
    assert.equal(await store.get("k"), undefined);
  });

  test("extendTtl() does not shorten a life", async ({ store, clock }) => {
    await store.set("k", 1, { ttlMs: 1000 });
    assert.equal(await store.extendTtl("k", 999), false);
    assert.equal(await store.extendTtl("k", 1000), false);
    clock.time += 999;
    assert.equal(await store.get("k"), 1);
  });

  test("extendTtl() with 0 takes the end away, and then never lengthens", async ({ store, clock }) => {
    await store.set("k", 1, { ttlMs: 1000 });
    assert.equal(await store.extendTtl("k", 0), true);
    assert.equal(await store.extendTtl("k", 0), false);
    assert.equal(await store.extendTtl("k", 1e9), false);
    clock.time += 1e12;
    assert.equal(await store.get("k"), 1);
  });

  test("extendTtl() does nothing for what is missing, expired or endless", async ({ store, clock }) => {
    await store.set("expired", 1, { ttlMs: 1 });
    await store.set("endless", 1);
    clock.time += 1;
    for (const key of ["missing", "expired", "endless"]) {
      assert.equal(await store.extendTtl(key, 1000), false, key);
      assert.equal(await store.extendTtl(key, 0), false, key);
    }
    same(await store.hasMany(["missing", "expired", "endless"]), ["endless"]);
  });

  test("extendTtl() keeps the value, a large one too", async ({ store, clock }) => {
    await store.set("small", { n: 1 }, { ttlMs: 1000 });
    await store.set("large", filled(200_000, 1), { ttlMs: 1000 });
    assert.equal(await store.get("small") !== undefined, true);
    for (const key of ["small", "large"]) {
      assert.equal(await store.extendTtl(key, 900), false);
      assert.equal(await store.extendTtl(key, 2000), true);
    }
    clock.time += 1999;
    same(await store.getMany(["small", "large"]), [{ n: 1 }, filled(200_000, 1)]);
    clock.time += 1;
    same(await store.hasMany(["small", "large"]), []);
  });

  test("extendTtl() never brings an older value back", async ({ store }) => {
    for (let n = 0; n < 20; n++) {
      await store.set("k", filled(100_000, 1), { ttlMs: 1000 });
      const extended = store.extendTtl("k", 2000);
      await store.set("k", filled(100_000, 2), { ttlMs: 1000 });
      await extended;
      assert.equal((await store.get<Uint8Array>("k"))![0], 2);
    }
  });

  test("extendTtl() lengthens many lives at once", async ({ store, clock }) => {
    const keys = Array.from({ length: 60 }, (_, n) => ["k", n]);
    await store.setMany(keys.map((key) => [key, filled(45_000, 1)] as const), { ttlMs: 1000 });
    const extended = await Promise.all(keys.map((key) => store.extendTtl(key, 2000)));
    assert.ok(extended.every(Boolean));
    clock.time += 1500;
    assert.equal((await store.hasMany(keys)).length, 60);
  });

  test("ttlLimitMs bounds every life", async ({ store, clock }) => {
    await store.set("endless", 1);
    await store.set("zero", 1, { ttlMs: 0 });
    await store.set("long", 1, { ttlMs: 5000 });
    await store.set("short", 1, { ttlMs: 500 });
    await store.add("added", 1);
    const keys = ["endless", "zero", "long", "short", "added"];
    clock.time += 499;
    same(await store.hasMany(keys), keys);
    clock.time += 1;
    same(await store.hasMany(keys), ["endless", "zero", "long", "added"]);
    clock.time += 499;
    assert.equal((await store.hasMany(keys)).length, 4);
    clock.time += 1;
    same(await store.hasMany(keys), []);
  }, { ttlLimitMs: 1000 });

  test("ttlLimitMs bounds what extendTtl() may give", async ({ store, clock }) => {
    await store.set("k", 1, { ttlMs: 500 });
    assert.equal(await store.extendTtl("k", 0), true);
    assert.equal(await store.extendTtl("k", 1e9), false);
    clock.time += 999;
    assert.equal(await store.extendTtl("k", 2000), true);
    clock.time += 999;
    assert.equal(await store.has("k"), true);
    clock.time += 1;
    assert.equal(await store.has("k"), false);
  }, { ttlLimitMs: 1000 });

  test("ttlLimitMs does not bound primed entries", async ({ store, clock, prime }) => {
    await prime([["k", 1], ["large", filled(100_000, 1)]]);
    clock.time += 1e12;
    same(await store.getMany(["k", "large"]), [1, filled(100_000, 1)]);
    assert.equal(await store.increment("k"), 2);
    clock.time += 1e12;
    assert.equal(await store.get("k"), 2);
    await store.set("k", 3);
    clock.time += 1000;
    assert.equal(await store.get("k"), undefined);
  }, { ttlLimitMs: 1000 });

  test("a primed entry is never extended, and one that is set again is ordinary", async ({ store, prime }) => {
    await prime([["k", 1], ["large", filled(100_000, 1)]]);
    assert.equal(await store.extendTtl("k", 1000), false);
    assert.equal(await store.extendTtl("large", 0), false);
    await store.set("k", 2, { ttlMs: 1000 });
    assert.equal(await store.extendTtl("k", 2000), true);
  });
}
