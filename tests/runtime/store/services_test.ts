import assert from "node:assert/strict";
import type { StoreBackend } from "../../../runtime/store/backend.ts";
import { createStoreClient } from "../../../runtime/store/client.ts";
import type { StoreRoom } from "../../../runtime/store/room.ts";
import { ScopedBackend } from "../../../runtime/store/scope.ts";
import { MAX_CALL_ENTRIES, storeServices } from "../../../runtime/store/services.ts";
import { keysOf, memoryStore, until } from "./support.ts";

const NAMES = [
  "storeRead",
  "storeSet",
  "storeLoad",
  "storeAdd",
  "storeDelete",
  "storeHas",
  "storeIncrement",
  "storeCompareAndSwap",
  "storeExtendTtl",
  "storePage",
  "storeState",
  "storeLeave",
  "storeClear",
  "storeInfo",
];

Deno.test("createStoreClient() reads long lists of keys and entries in few calls", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  await store.setMany(Array.from({ length: 201 }, (_, n) => [["n", n], [n]] as const));
  const { services } = store.forWorker({});
  const calls: string[] = [];
  const client = createStoreClient(async (name, ...args) => {
    calls.push(name);
    return structuredClone(await services[name]!(...structuredClone(args)));
  });
  const keys = Array.from({ length: 2001 }, (_, n) => ["n", n % 201]);
  assert.deepEqual(await client.getMany(keys), keys.map(([, n]) => [n]));
  assert.deepEqual(calls.splice(0), ["storeRead"]);
  assert.deepEqual(await keysOf(client.list()), await keysOf(store.list()));
  assert.deepEqual(calls.splice(0), Array(3).fill("storePage"));
  for await (const { value } of client.list({ limit: 0 })) assert.fail(String(value));
  assert.deepEqual(calls, []);
  for await (const { value } of client.list()) {
    assert.deepEqual(value, [0]);
    break;
  }
  assert.deepEqual(calls, ["storePage"]);
});

Deno.test("storeServices() has the calls of a backend, frozen and without a prototype", async () => {
  await using opened = await memoryStore();
  const { services } = opened.store.forWorker({});
  assert.deepEqual(Object.keys(services), NAMES);
  assert.equal(Object.getPrototypeOf(services), null);
  assert.ok(Object.isFrozen(services));
});

Deno.test("storeServices() refuses hostile arguments before the store sees them", async () => {
  const room = new Proxy({} as StoreRoom, {
    get: (_, name) => () => assert.fail(`${String(name)} was called`),
  });
  const services = storeServices(new ScopedBackend(room));
  const badKeys = [undefined, null, 1, "", [], [NaN], [[]], [{}], {}, "x".repeat(9000), [
    2n ** 3000n,
  ]];
  const cases: [string, unknown[]][] = [];
  for (const key of badKeys) {
    for (const name of ["storeRead", "storeDelete", "storeHas"]) cases.push([name, [["k", key]]]);
    cases.push(["storeSet", [[[key, 1]]]], ["storeAdd", [[["k", 1], [key, 1]]]]);
    cases.push(["storeIncrement", [key, 1]], ["storeCompareAndSwap", [key, 1, 2]]);
    cases.push(["storeExtendTtl", [key, 1]], ["storeState", [["k", key], null, 1]]);
    if (key !== null) cases.push(["storePage", [key, null, 1]], ["storePage", [null, key, 1]]);
  }
  for (const name of NAMES) cases.push([name, Array(4).fill("k")], [name, Array(1e5).fill("k")]);
  for (const name of NAMES.slice(0, 11)) cases.push([name, []]);
  const many = Array(MAX_CALL_ENTRIES + 1).fill("k");
  for (const keys of [undefined, "k", {}, { length: 1 }, new Set(["k"]), many, Array(4e9)]) {
    for (const name of ["storeRead", "storeDelete", "storeHas", "storeSet", "storeAdd"]) {
      cases.push([name, [keys]]);
    }
    cases.push(["storeState", [keys, null, 1]]);
  }
  for (const entry of [undefined, null, "k", {}, [], ["k"], ["k", 1, {}, 1], new Map()]) {
    cases.push(["storeSet", [[entry]]], ["storeAdd", [[["k", 1], entry]]]);
  }
  const badOptions = [null, 1, "ttlMs", [], new Map([["ttlMs", 1]]), new Date(), { ttl: 1 }];
  const badTtls = [-1, NaN, Infinity, 0.5, "1", null, {}, 1n].map((ttlMs) => ({ ttlMs }));
  const hidden = Object.defineProperty({}, "extra", { value: 1 });
  for (const options of [...badOptions, ...badTtls, hidden, { [Symbol("s")]: 1 }]) {
    cases.push(["storeSet", [[["k", 1, options]]]], ["storeAdd", [[["k", 1, options]]]]);
  }
  for (const number of [undefined, null, "1", NaN, Infinity, 0.5, 1n, {}]) {
    cases.push(["storeIncrement", ["k", number]], ["storeCompareAndSwap", ["k", 1, number]]);
    cases.push(["storeCompareAndSwap", ["k", number, 1]], ["storeExtendTtl", ["k", number]]);
  }
  for (const limit of [null, -1, 1.5, Infinity, NaN, "1", 1n, MAX_CALL_ENTRIES + 1]) {
    cases.push(["storePage", [null, null, limit]]);
  }
  cases.push(["storePage", ["a", "b", 1]], ["storePage", [["a", "b"], ["a"], 1]]);
  for (const [name, args] of cases) {
    await assert.rejects(services[name]!(...args), (error: Error) => {
      const shown = `${name}: ${error}`;
      assert.ok(error instanceof TypeError || error instanceof RangeError, shown);
      assert.match(error.message, /^Cannot .*: .*[^.]$|^Cannot call .*[^.]$/, shown);
      assert.ok(error.message.length < 1000, shown);
      return true;
    });
  }
});

Deno.test("storeState() is for 16 at once, each with a number of its own", async () => {
  const waiting = Promise.withResolvers<never>();
  const services = storeServices({ state: () => waiting.promise } as unknown as StoreBackend);
  const states = Array.from(
    { length: 15 },
    (_, ticket) => services.storeState!(["k"], null, ticket).catch(() => {}),
  );
  await assert.rejects(services.storeState!(["k"], null, 0), RangeError);
  states.push(services.storeState!(["k"], null, 15).catch(() => {}));
  await assert.rejects(services.storeState!(["k"], null, 16), {
    name: "RangeError",
    message: "Cannot watch: the worker has 16 watches already",
  });
  waiting.reject(new Error("end"));
  await Promise.all(states);
  await assert.rejects(services.storeState!(["k"], null, 1), { message: "end" });
});

Deno.test("Store.watch() of a worker leaves nothing waiting when it is left", async () => {
  await using opened = await memoryStore();
  const { services } = opened.store.forWorker({});
  const client = createStoreClient((name, ...args) => services[name]!(...args));
  for (let turn = 0; turn < 40; turn++) {
    const watch = client.watch(["k"]);
    assert.deepEqual(await watch.next(), { done: false, value: [undefined] });
    const next = watch.next();
    await watch.return!();
    assert.equal((await next).done, true);
    await until(async () => await services.storeState!(["k"], null, -turn - 1).then(Boolean));
  }
});

Deno.test("storePage() resumes after a key that is gone, and says whether more follows", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  for (const n of [1, 2, 4]) await store.set(["n", n], n);
  const { storePage } = store.forWorker({}).services;
  async function page(after: unknown, limit: number): Promise<[unknown[], boolean]> {
    const { entries, more } = await storePage!("n", after, limit) as {
      entries: unknown[][];
      more: boolean;
    };
    return [entries.map(([key]) => (key as unknown[])[1]), more];
  }
  assert.deepEqual(await page(null, 2), [[1, 2], true]);
  assert.deepEqual(await page(null, 3), [[1, 2, 4], false]);
  assert.deepEqual(await page(["n", 3], 2), [[4], false]);
  assert.deepEqual(await page(["n", 4], 2), [[], false]);
  assert.deepEqual(await page(["n"], 1), [[1], true]);
  assert.deepEqual(await page(["n"], 0), [[], false]);
});

Deno.test("Store.getMany() of a worker takes any number of keys", async () => {
  await using opened = await memoryStore();
  const { services } = opened.store.forWorker({});
  const client = createStoreClient((name, ...args) => services[name]!(...args));
  await opened.store.set(["n", 10_001], "found");
  const keys = Array.from({ length: 10_002 }, (_, n) => ["n", n]);
  const values = await client.getMany(keys);
  assert.equal(values.length, 10_002);
  assert.deepEqual(values.slice(-2), [undefined, "found"]);
});

Deno.test("Watches that a worker has left, and those of a worker that has ended, end in the entry", async () => {
  await using opened = await memoryStore();
  const worker = opened.store.forWorker({});
  let states = 0;
  const client = createStoreClient(async (name, ...args) => {
    if (name === "storeState") states++;
    try {
      return await worker.services[name]!(...args);
    } finally {
      if (name === "storeState") states--;
    }
  });
  for (let turn = 0; turn < 40; turn++) {
    const watch = client.watch(["k"]);
    await watch.next();
    const next = watch.next();
    await Promise.resolve();
    await watch.return!();
    assert.equal((await next).done, true);
  }
  const watch = client.watch(["k"]);
  await watch.next();
  const next = watch.next();
  const start = performance.now();
  worker[Symbol.dispose]();
  while (states > 1) await new Promise((resolve) => setTimeout(resolve, 1));
  await watch.return!();
  await next;
  while (states > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.ok(performance.now() - start < 5_000);
});

Deno.test("storeRead() and storeHas() hold few large values at once", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  const value = "x".repeat(3 * 1024 * 1024);
  await store.set("large", value);
  await store.set("small", 1);
  const { storeRead, storeHas } = store.forWorker({}).services;
  const keys = ["small", "none", ...Array(60).fill("large")];
  const answer = await storeRead!(keys) as ([Uint8Array] | null)[];
  assert.equal(answer.length, 2 + 5);
  assert.equal(answer[1], null);
  assert.equal((await storeHas!(Array(10_000).fill("large")) as boolean[]).length, 10_000);
  assert.deepEqual(await store.getMany(keys), [1, undefined, ...Array(60).fill(value)]);
});

Deno.test("One worker cannot take all the room that there is for changes", async () => {
  const waiting = Promise.withResolvers<never>();
  const wait = () => waiting.promise;
  const backend = { set: wait, delete: wait, clear: wait } as unknown as StoreBackend;
  const services = storeServices(backend);
  const full = { name: "RuntimeError", code: "QUEUE_FULL", message: /under way, at most 20000/ };
  const open = [
    services.storeDelete!(Array(MAX_CALL_ENTRIES).fill("k")),
    services.storeSet!(Array(MAX_CALL_ENTRIES - 1).fill(["k", 1])),
  ];
  await assert.rejects(services.storeClear!(), full);
  await assert.rejects(services.storeSet!([["a", 1], ["b", 2]]), full);
  open.push(services.storeDelete!(["k"]));
  await assert.rejects(services.storeDelete!(["k"]), full);
  open.push(storeServices(backend).storeClear!());
  waiting.reject(new Error("end"));
  for (const { status } of await Promise.allSettled(open)) assert.equal(status, "rejected");
  await assert.rejects(services.storeClear!(), { message: "end" });
});
