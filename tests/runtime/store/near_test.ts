import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { encodeValue } from "../../../runtime/store/codec.ts";
import { Near, type NearOptions, NearTables } from "../../../runtime/store/near.ts";
import { openStore } from "../../../runtime/store/mod.ts";
import type { StoreKey } from "../../../runtime/types/store.ts";
import { tempDir } from "./support.ts";

function open(options: Partial<NearOptions> = {}) {
  const tables = new NearTables();
  const clock = { time: 1_000_000 };
  const limits = { maxBytes: 1_000_000, maxAgeMs: Infinity, ...options };
  const near = new Near(tables.open(), limits, () => clock.time);
  function keep(key: StoreKey, value: unknown, expiresAt = Infinity) {
    near.keep(near.place(key)!, [encodeValue(value, ["k"]), expiresAt]);
  }
  return { tables, clock, near, keep, [Symbol.dispose]: () => near.close() };
}

Deno.test("Near.get() gives a private copy, peek() the frozen value of plain data", () => {
  using opened = open();
  const { near, keep } = opened;
  keep("k", { list: [1, { x: "y" }] });
  const first = near.get("k")!.value as { list: number[] };
  first.list.push(2);
  assert.deepEqual(near.get(["k"])!.value, { list: [1, { x: "y" }] });
  const peeked = near.peek("k") as { list: object[] };
  assert.equal(near.peek(["k"]), peeked);
  assert.ok(
    Object.isFrozen(peeked) && Object.isFrozen(peeked.list) && Object.isFrozen(peeked.list[1]),
  );
});

Deno.test.each([
  [new Map([[1, 2]])],
  [new Date(0)],
  [new Uint8Array([1, 2])],
  [{ deep: new Set([1]) }],
  [Object.assign([1], { more: 1 })],
  [JSON.parse('{"__proto__": 1}')],
])("Near.peek() does not show what cannot be frozen, get() does: %o", (value) => {
  using opened = open();
  opened.keep("k", value);
  assert.equal(opened.near.peek("k"), undefined);
  const copy = opened.near.get("k")!.value;
  assert.deepEqual(copy, value);
  assert.notEqual(opened.near.get("k")!.value, copy);
});

Deno.test("Near keeps shared and circular parts as they are", () => {
  using opened = open();
  const part = { n: 1 };
  const value: { a: object; b: object; self?: unknown } = { a: part, b: part };
  value.self = value;
  opened.keep("k", value);
  const copy = opened.near.get("k")!.value as typeof value;
  assert.equal(copy.a, copy.b);
  assert.equal(copy.self, copy);
  assert.equal(opened.near.peek("k"), undefined);
});

Deno.test("Near drops a copy when its key is raised, and no copy that was read before is kept", () => {
  using opened = open();
  const { near, tables, keep } = opened;
  const keys: StoreKey[] = ["a", ["b"], ["a", 1], ["a", "1"], [1n], [true], [new Uint8Array([1])]];
  for (const key of keys) {
    keep(key, 1);
    assert.equal(near.peek(key), 1);
    tables.raise([typeof key === "string" ? [key] : key]);
    assert.equal(near.peek(key), undefined);
    assert.equal(near.get(key), undefined);
    assert.equal(near.has(key), undefined);
    const place = near.place(key)!;
    tables.raise([key]);
    near.keep(place, [encodeValue(2, ["k"]), Infinity]);
    assert.equal(near.get(key), undefined);
  }
  for (const key of keys) keep(key, 1);
  tables.raiseAll();
  for (const key of keys) assert.equal(near.get(key), undefined);
});

Deno.test("Near tells keys apart that are written alike", () => {
  using opened = open();
  const keys: StoreKey[] = [["a", "b"], ["a,b"], ["a", 1], ["a", "1"], ["a", 1n], ["a", true]];
  keys.push(["a", "true"], [5n], [5], [new Uint8Array([5])], ["\0st1:a"], [
    "a",
    new Uint8Array([1]),
  ]);
  for (const [n, key] of keys.entries()) opened.keep(key, n);
  for (const [n, key] of keys.entries()) assert.equal(opened.near.peek(key), n);
});

Deno.test("Near knows that there is no entry", () => {
  using opened = open();
  const { near } = opened;
  near.keep(near.place("k")!, null);
  assert.deepEqual(near.get("k"), { value: undefined });
  assert.equal(near.has("k"), false);
  assert.equal(near.peek("k"), undefined);
});

Deno.test("Near takes an entry for absent as soon as it expires", () => {
  using opened = open();
  const { near, clock, keep } = opened;
  keep("k", 1, clock.time + 10);
  clock.time += 9;
  assert.deepEqual([near.get("k"), near.peek("k"), near.has("k")], [{ value: 1 }, 1, true]);
  clock.time += 1;
  assert.deepEqual([near.get("k"), near.peek("k"), near.has("k")], [
    { value: undefined },
    undefined,
    false,
  ]);
});

Deno.test("Near keeps within its bytes, what was used rather than what was not", () => {
  using opened = open({ maxBytes: 100_000 });
  const { near, keep } = opened;
  const text = "x".repeat(1000);
  keep("hot", text);
  for (let n = 0; n < 500; n++) {
    keep(["cold", n], text);
    near.get("hot");
  }
  assert.equal(near.peek("hot"), text);
  const kept = Array.from({ length: 500 }, (_, n) => near.get(["cold", n])).filter(Boolean);
  assert.ok(kept.length > 20 && kept.length < 100, `${kept.length}`);
  keep("large", "x".repeat(30_000));
  assert.equal(near.get("large"), undefined);
});

Deno.test("Near has no place for what is no key", () => {
  using opened = open();
  const wrong = [undefined, null, 1, {}, [{}], [Symbol()], [undefined], [() => {}]];
  for (const key of wrong as unknown as StoreKey[]) {
    assert.equal(opened.near.place(key), undefined);
    assert.equal(opened.near.get(key), undefined);
    assert.equal(opened.near.peek(key), undefined);
  }
});

Deno.test("Near takes a Buffer in a key for the bytes that it holds", () => {
  using opened = open();
  const { near, keep, tables } = opened;
  keep([Buffer.from([0xff])], "old");
  assert.equal(near.get([new Uint8Array([0xff])])?.value, "old");
  assert.equal(near.get([Buffer.from([0xfe])]), undefined);
  keep([new Uint8Array([1, 2])], "other");
  assert.equal(near.get([Buffer.from("1,2")]), undefined);
  tables.raise([[new Uint8Array([0xff])]]);
  assert.equal(near.get([Buffer.from([0xff])]), undefined);
});

Deno.test("Near with a long maxAgeMs does not sweep all the time", async () => {
  using opened = open({ maxAgeMs: Number.MAX_SAFE_INTEGER });
  const { setTimeout } = globalThis;
  let timers = 0;
  globalThis.setTimeout = ((...args: Parameters<typeof setTimeout>) => {
    timers++;
    return setTimeout(...args);
  }) as typeof setTimeout;
  try {
    opened.keep("k", 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(timers, 1);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
});

Deno.test("Store.delete() and clear() drop near copies of what another box has removed", async () => {
  await using dir = await tempDir();
  const options = { url: `${dir.path}/a.db`, near: { maxAgeMs: 60_000 } };
  await using here = await openStore(options);
  await using there = await openStore(options);
  await here.setMany([["a", 1], ["b", 1]]);
  assert.deepEqual(await here.getMany(["a", "b"]), [1, 1]);
  await there.deleteMany(["a", "b"]);
  assert.equal(await here.delete("a"), false);
  assert.equal(await here.get("a"), undefined);
  await here.clear();
  assert.equal(await here.get("b"), undefined);
});
