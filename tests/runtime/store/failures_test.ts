import assert from "node:assert/strict";
import type { Engine, Row } from "../../../runtime/store/engine.ts";
import { openStore } from "../../../runtime/store/mod.ts";
import { StoreRoom } from "../../../runtime/store/room.ts";
import { Clock, keysOf, rejectsWith, tempDir } from "./support.ts";

Deno.test("Store wraps what fails below it", async () => {
  await using dir = await tempDir();
  const url = `${dir.path}/a.db`;
  const kv = await Deno.openKv(url);
  await kv.set(["tandem", "data", "k"], "not ours");
  await using store = await openStore({ url }, { openKv: () => Promise.resolve(kv) });
  const error = await rejectsWith(store.get("k"), "STORE_FAILED", /^Cannot read "k": .*no form/);
  assert.ok(error.cause instanceof Error);
  await rejectsWith(keysOf(store.list()), "STORE_FAILED", /^Cannot list the store: /);
  await rejectsWith(store.increment("k"), "STORE_FAILED", /^Cannot increment "k": /);
  await rejectsWith(store.watch(["k"]).next(), "STORE_FAILED", /^Cannot watch 1 keys: /);
});

Deno.test("openStore() with maxBytes counts what is there already", async () => {
  await using dir = await tempDir();
  const url = `${dir.path}/a.db`;
  const { now } = new Clock();
  {
    await using store = await openStore({ url }, { now });
    await store.setMany(Array.from({ length: 4 }, (_, n) => [["n", n], new Uint8Array(900)]));
  }
  await using store = await openStore({ url, maxBytes: 4000 }, { now });
  await store.set("new", new Uint8Array(900));
  assert.equal((await store.info()).evictions, 1);
});

Deno.test("StoreRoom changes more entries in one call than its queue takes", async () => {
  let writes = 0;
  const engine = {
    kind: "nothing",
    limits: { rowBytes: 1e5, commitBytes: 1e9, commitKeyBytes: 1e9, commitRows: 1e5 },
    read: (keys) =>
      Promise.resolve(keys.map((key): Row => ({ key, value: null, versionstamp: null }))),
    commit: (_, { length }) => Promise.resolve(String(writes += length)),
    async *scan() {},
    watch: () => assert.fail(),
    close() {},
  } satisfies Engine;
  const limits = { maxValueBytes: 100, maxBytes: 0, ttlLimitMs: 0, now: Date.now };
  await using room = new StoreRoom(engine, limits);
  const keys = Array.from({ length: 100_001 }, (_, n) => [n]);
  await room.set(keys.map((key) => ({ key, value: 1, ttlMs: 0 })));
  assert.equal(writes, keys.length);
  assert.equal((await room.delete(keys)).length, keys.length);
});
