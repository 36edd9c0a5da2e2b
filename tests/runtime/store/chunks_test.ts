import assert from "node:assert/strict";
import { writeParts } from "../../../runtime/store/chunks.ts";
import { KvEngine } from "../../../runtime/store/kv_engine.ts";
import { openStore } from "../../../runtime/store/mod.ts";
import { Clock, countRows, filled, rejectsWith, tempDir, until } from "./support.ts";

const KIB = 1024;

Deno.test("Store leaves no parts behind when a large value is replaced or removed", async () => {
  await using dir = await tempDir();
  const url = `${dir.path}/a.db`;
  await using store = await openStore({ url });
  await store.set("k", filled(200 * KIB, 1));
  assert.equal(await countRows(url, "part"), 4);
  await store.set("k", filled(100 * KIB, 2));
  assert.equal(await countRows(url, "part"), 2);
  assert.equal(await store.add("k", filled(100 * KIB, 3)), false);
  const added = await Promise.all([1, 2, 3].map((n) => store.add("new", filled(100 * KIB, n))));
  assert.equal(added.filter(Boolean).length, 1);
  assert.equal(await countRows(url, "part"), 4);
  await store.set("k", "small");
  assert.equal(await store.delete("new"), true);
  assert.equal(await countRows(url, "part"), 0);
  assert.equal(await countRows(url, "pending"), 0);
});

Deno.test("Store.get() gives up when parts stay missing", async () => {
  await using dir = await tempDir();
  const url = `${dir.path}/a.db`;
  await using store = await openStore({ url });
  await store.set("k", filled(100 * KIB, 1));
  const kv = await Deno.openKv(url);
  for await (const { key } of kv.list({ prefix: ["tandem", "part"] })) await kv.delete(key);
  kv.close();
  await rejectsWith(
    store.get("k"),
    "STORE_FAILED",
    /^Cannot read "k": parts of its value are missing/,
  );
  await store.set("k", 1);
  assert.equal(await store.get("k"), 1);
});

Deno.test("openStore() collects the parts of a writer that died ten minutes ago", async () => {
  await using dir = await tempDir();
  const url = `${dir.path}/a.db`;
  const clock = new Clock();
  const engine = new KvEngine(await Deno.openKv(url), "file");
  await writeParts(engine, filled(200 * KIB, 1), clock.time);
  engine.close();
  clock.time += 10 * 60_000 - 1;
  await (await openStore({ url }, { now: clock.now }))[Symbol.asyncDispose]();
  assert.equal(await countRows(url, "part"), 4);
  clock.time += 1;
  const store = await openStore({ url }, { now: clock.now });
  await until(async () => await countRows(url, "pending") === 0);
  await store[Symbol.asyncDispose]();
  assert.equal(await countRows(url, "part"), 0);
});

Deno.test("Store.set() fails when its parts were collected before it was done", async () => {
  const kv = await Deno.openKv(":memory:");
  // Somebody else's collection, between the parts and the commit that names them.
  const slow = new Proxy(kv, {
    get(target, name) {
      if (name === "get") {
        return async (key: Deno.KvKey) => {
          for await (const marker of target.list({ prefix: ["tandem", "pending"] })) {
            await target.delete(marker.key);
          }
          return await target.get(key);
        };
      }
      const member = Reflect.get(target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  await using store = await openStore({}, { openKv: () => Promise.resolve(slow) });
  await rejectsWith(
    store.set("k", filled(100 * KIB, 1)),
    "STORE_FAILED",
    /its parts were collected$/,
  );
  assert.equal(await store.has("k"), false);
});
