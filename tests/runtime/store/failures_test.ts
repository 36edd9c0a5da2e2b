import assert from "node:assert/strict";
import { openStore } from "../../../runtime/store/mod.ts";
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
