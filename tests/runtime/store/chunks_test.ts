import assert from "node:assert/strict";
import { writeParts } from "../../../runtime/store/chunks.ts";
import { openStore } from "../../../runtime/store/mod.ts";
import { Clock, countRows, filled, memoryStore, rejectsWith, tempDir, until } from "./support.ts";

const KIB = 1024;

Deno.test("KvStore keeps values of any size up to the limit", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  const sizes = [
    0,
    59 * KIB,
    60 * KIB - 6,
    60 * KIB,
    64 * KIB,
    120 * KIB,
    721 * KIB,
    3 * KIB * KIB,
  ];
  for (const [index, size] of sizes.entries()) {
    const value = filled(size, index + 1);
    await store.set("k", value);
    assert.deepEqual(await store.get("k"), value);
    await store.set(["all", index], value);
  }
  const expected = sizes.map((size, index) => filled(size, index + 1));
  assert.deepEqual(await store.getMany(sizes.map((_, index) => ["all", index])), expected);
  const listed = await Array.fromAsync(store.list({ prefix: "all" }), ({ value }) => value);
  assert.deepEqual(listed, expected);
  await store.set("limit", filled(16 * KIB * KIB - 100, 7));
  assert.equal((await store.get<Uint8Array>("limit"))!.length, 16 * KIB * KIB - 100);
  await assert.rejects(store.set("limit", filled(16 * KIB * KIB, 7)), RangeError);
});

Deno.test("KvStore leaves no parts behind when a large value is replaced or removed", async () => {
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

Deno.test("KvStore shows readers one whole value while others replace it", async () => {
  await using dir = await tempDir();
  const url = `${dir.path}/a.db`;
  await using writer = await openStore({ url });
  await using reader = await openStore({ url });
  await writer.set("k", filled(150 * KIB, 0));
  let writing = true;
  async function write(store: typeof writer, first: number): Promise<void> {
    for (let n = 0; n < 12; n++) {
      await store.set("k", filled((70 + 20 * n) * KIB, first + n));
    }
  }
  let reads = 0;
  const seen = new Set<number>();
  async function read(): Promise<void> {
    while (writing) {
      const value = await reader.get<Uint8Array>("k");
      assert.ok(value !== undefined && value.every((byte) => byte === value[0]));
      seen.add(value[0]!);
      reads++;
    }
  }
  const readers = Promise.all([read(), read(), read()]);
  await Promise.all([write(writer, 1), write(writer, 101), write(reader, 201)]);
  writing = false;
  await readers;
  assert.ok(reads > 10 && seen.size > 2, `${reads} reads saw ${seen.size} values`);
  const size = (await reader.get<Uint8Array>("k"))!.length;
  assert.equal(await countRows(url, "pending"), 0);
  assert.equal(await countRows(url, "part"), Math.ceil((size + 6) / (60 * KIB)));
});

Deno.test("KvStore.get() gives up when parts stay missing", async () => {
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
    /^Cannot read "k": parts of its value were missing/,
  );
  await store.set("k", 1);
  assert.equal(await store.get("k"), 1);
});

Deno.test("openStore() collects the parts of a writer that died ten minutes ago", async () => {
  await using dir = await tempDir();
  const url = `${dir.path}/a.db`;
  const clock = new Clock();
  const kv = await Deno.openKv(url);
  await writeParts(kv, filled(200 * KIB, 1), clock.time);
  kv.close();
  clock.time += 10 * 60_000 - 1;
  await (await openStore({ url }, { now: clock.now }))[Symbol.asyncDispose]();
  assert.equal(await countRows(url, "part"), 4);
  clock.time += 1;
  const store = await openStore({ url }, { now: clock.now });
  await until(async () => await countRows(url, "pending") === 0);
  await store[Symbol.asyncDispose]();
  assert.equal(await countRows(url, "part"), 0);
});

Deno.test("KvStore.set() fails when its parts were collected before it was done", async () => {
  const clock = new Clock();
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
  await using store = await openStore({}, { now: clock.now, openKv: () => Promise.resolve(slow) });
  await rejectsWith(
    store.set("k", filled(100 * KIB, 1)),
    "STORE_FAILED",
    /its parts were collected$/,
  );
  assert.equal(await store.has("k"), false);
});
