import assert from "node:assert/strict";
import { createStoreClient } from "../../../runtime/store/client.ts";
import type { OpenStore } from "../../../runtime/store/mod.ts";
import type { StoreKey } from "../../../runtime/types/store.ts";
import { memoryStore, rejectsWith } from "./support.ts";

async function textOf(dump: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(dump).text();
}

async function linesOf(store: Pick<OpenStore, "dump">): Promise<Record<string, unknown>[]> {
  const text = await textOf(store.dump());
  assert.ok(text.endsWith("\n"));
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

const cyclic: Record<string, unknown> = { name: "cyclic" };
cyclic.self = cyclic;
const shared = { n: 1 };
const sparse = [1, , 3]; // deno-lint-ignore no-sparse-arrays
const deep = Array.from({ length: 100 }).reduce<unknown>((inner) => ({ inner }), "end");

const VALUES: readonly (readonly [string, unknown])[] = [
  ["null", null],
  ["undefined", undefined],
  ["booleans", [true, false]],
  ["numbers", [0, 1, -1, 1.5, 2 ** 31, -(2 ** 31), 2 ** 53, 1e308, Number.MIN_VALUE]],
  ["-0", -0],
  ["NaN", [NaN, Infinity, -Infinity]],
  ["bigints", [0n, -1n, 2n ** 200n]],
  ["text", ["", "a\n\r\u2028\u0000\u0080\u00ff", "\u20ac\u{1F600}", "x".repeat(100) + "\u0100"]],
  ["lone surrogates", "a\ud800b\udc00"],
  ["large text", "\u0000\u00e9".repeat(300_000)],
  ["nested", { a: [{ b: { c: [[], {}] } }], "": 0, 1: "one", "-1": 2 }],
  ["undefined inside", { a: undefined }],
  ["a name", JSON.parse('{"__proto__": {"a": 1}, "constructor": 1, "toJSON": 2}')],
  ["sparse", sparse],
  ["deep", deep],
  ["cyclic", cyclic],
  ["Date", new Date(1_700_000_000_000)],
  ["invalid Date", new Date(NaN)],
  ["RegExp", /a\/b/giu],
  ["Map", new Map<unknown, unknown>([[{ a: 1 }, new Set([1, "2"])]])],
  ["Set", new Set([NaN, new Map()])],
  ["Error", new RangeError("message")],
  ["ArrayBuffer", new Uint8Array([1, 2, 3]).buffer],
  ["Uint8Array", new Uint8Array([0, 255])],
  ["Float64Array", new Float64Array([NaN, -0, 1.5])],
  ["BigInt64Array", new BigInt64Array([-1n])],
  ["DataView", new DataView(new Uint8Array([1, 2]).buffer)],
  ["boxed", [Object(1), Object("text"), Object(true), Object(1n)]],
  ["many parts", new Uint8Array(1_000_000).fill(7)],
];

const KEYS: readonly StoreKey[] = [
  "text",
  ["a", "\u20ac", "\u0000"],
  [0, -1.5, 1e300],
  [Infinity],
  [-Infinity],
  [true, false],
  [0n, -5n, 2n ** 100n],
  [new Uint8Array()],
  [new Uint8Array([0, 255]), "a"],
  ["k".repeat(5000)],
];

for (const [name, value] of VALUES) {
  Deno.test(`Store.dump() carries values: ${name}`, async () => {
    await using from = await memoryStore();
    await using to = await memoryStore();
    await from.store.set("key", value);
    assert.equal(await to.store.prime(from.store.dump()), 1);
    const restored = await to.store.get("key", { near: false });
    assert.deepEqual(restored, await from.store.get("key"));
    if (name !== "Error") assert.deepEqual(restored, value);
  });
}

Deno.test("Store.dump() keeps what two places share", async () => {
  await using from = await memoryStore();
  await using to = await memoryStore();
  await from.store.set("key", [shared, shared]);
  await to.store.prime(from.store.dump());
  const [a, b] = (await to.store.get<unknown[]>("key"))!;
  assert.equal(a, b);
});

for (const key of KEYS) {
  Deno.test(`Store.dump() carries keys: ${Deno.inspect(key).slice(0, 50)}`, async () => {
    await using from = await memoryStore();
    await using to = await memoryStore();
    await from.store.set(key, 1);
    await to.store.prime(from.store.dump());
    const [entry] = await Array.fromAsync(to.store.list());
    assert.deepEqual(entry, (await Array.fromAsync(from.store.list()))[0]);
    assert.equal(await to.store.get(key), 1);
  });
}

Deno.test("Store.dump() names its format first and counts at the end", async () => {
  await using opened = await memoryStore();
  const { store, clock } = opened;
  const header = { format: "tandem-store-dump", version: 1 };
  assert.deepEqual(await linesOf(store), [header, { end: true, entries: 0 }]);
  await store.set("a", { b: 1 });
  await store.set("b", 2, { ttlMs: 5 });
  await store.prime([{ key: "c", value: 3 }]);
  assert.deepEqual(await linesOf(store), [
    header,
    { key: ["a"], value: { b: 1 } },
    { key: ["b"], value: 2, expiresAt: clock.time + 5 },
    { key: ["c"], value: 3, primed: true },
    { end: true, entries: 3 },
  ]);
});

Deno.test("Store.prime() restores lives and what was primed", async () => {
  await using from = await memoryStore();
  await using to = await memoryStore({ ttlLimitMs: 5000 });
  await from.store.set("ordinary", 1);
  await from.store.set("short", 1, { ttlMs: 1000 });
  await from.store.set("over", 1, { ttlMs: 100 });
  await from.store.prime([["primed", 1], { key: "primed short", value: 1, ttlMs: 9000 }]);
  const dump = await textOf(from.store.dump());
  to.clock.time += 400;
  assert.equal(await to.store.prime(new Response(dump).body!), 4);
  assert.equal(await to.store.has("over"), false);
  assert.equal(await to.store.extendTtl("short", 700), true); // until 1100
  assert.equal(await to.store.extendTtl("primed short", 20_000), false);
  to.clock.time += 600;
  assert.equal(await to.store.has("short"), true);
  to.clock.time += 100;
  assert.equal(await to.store.has("short"), false);
  to.clock.time += 4400; // the longest life
  assert.deepEqual(await to.store.hasMany(["ordinary", "primed", "primed short"]), [
    "primed",
    "primed short",
  ]);
  to.clock.time += 3500;
  assert.deepEqual(await to.store.hasMany(["primed", "primed short"]), ["primed"]);
});

Deno.test("Store.dump() reads no faster than it is read", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  await store.prime(Array.from({ length: 300 }, (_, n) => [["n", n], "x".repeat(10_000)] as const));
  const reader = store.dump().getReader();
  assert.ok((await reader.read()).value!.length < 100_000);
  await store.clear();
  // What was read ahead is a page at most.
  let text = "";
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    text += new TextDecoder().decode(next.value);
  }
  assert.ok(text.length <= 100 * 10_100, `${text.length}`);
  assert.match(text, /"end":true,"entries":100\}\n$/);
});

Deno.test("Store.dump() can be left, and fails when the store does", async () => {
  const opened = await memoryStore();
  const { store } = opened;
  await store.set("a", 1);
  await store.dump().cancel();
  const left = store.dump().getReader();
  await left.read();
  await left.cancel();
  const dump = store.dump();
  await store.close();
  await rejectsWith(textOf(dump), "STORE_CLOSED", /it is closed/);
});

Deno.test("a handle that is limited dumps what it may read and primes what it may write", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  await store.setMany([["a", 1], ["b", 2], ["c", 3]]);
  using worker = store.forWorker({ read: ["a", "c"], write: ["d"] });
  const client = createStoreClient((name, ...args) => worker.services[name]!(...args));
  assert.deepEqual((await linesOf(client)).slice(1, -1), [
    { key: ["a"], value: 1 },
    { key: ["c"], value: 3 },
  ]);
  assert.equal(await client.prime([[["d", 1], 1]]), 1);
  await rejectsWith(
    client.prime([[["d", 2], 1], ["a", 1]]),
    "STORE_DENIED",
    /entry 2: Cannot write "a"/,
  );
  assert.deepEqual(await store.hasMany([["d", 1], ["d", 2]]), [["d", 1], ["d", 2]]);
});

Deno.test("a worker without permissions dumps and primes", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  await store.set("a", new Map([[1, 2]]));
  const { services } = store.forWorker({});
  const client = new URL("../../../runtime/store/client.ts", import.meta.url).href;
  const code = `
    import { createStoreClient } from ${JSON.stringify(client)};
    const waiting = [];
    self.onmessage = ({ data: { id, value, error } }) => error ? waiting[id].reject(new Error(error)) : waiting[id].resolve(value);
    const store = createStoreClient((name, ...args) => {
      const answer = Promise.withResolvers();
      postMessage({ id: waiting.push(answer) - 1, name, args });
      return answer.promise;
    });
    try {
      const text = await new Response(store.dump()).text();
      postMessage({ done: [text, await store.prime(new Response(text.replace('["a"]', '["b"]')).body)] });
    } catch (error) {
      postMessage({ done: [String(error)] });
    }`;
  const done = Promise.withResolvers<[string, number?]>();
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(code)}`, {
    type: "module",
    deno: { permissions: "none" },
  });
  worker.onerror = (event) => done.reject(new Error(event.message));
  worker.onmessage = async ({ data }) => {
    if (data.done !== undefined) return done.resolve(data.done);
    try {
      worker.postMessage({ id: data.id, value: await services[data.name]!(...data.args) });
    } catch (error) {
      worker.postMessage({ id: data.id, error: String(error) });
    }
  };
  try {
    const [text, count] = await done.promise;
    assert.equal(count, 1, text);
    assert.deepEqual(await store.get("b"), new Map([[1, 2]]));
  } finally {
    worker.terminate();
  }
});
