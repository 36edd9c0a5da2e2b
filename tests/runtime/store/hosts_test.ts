import assert from "node:assert/strict";
import { createStoreClient } from "../../../runtime/store/client.ts";
import { findHost } from "../../../runtime/store/hosts.ts";
import { memoryStore } from "./support.ts";

class Point {
  x = 1;
}

const circle: { self?: unknown; map: Map<unknown, unknown> } = { map: new Map() };
circle.self = circle;

Deno.test("findHost() lets pass what structured clone carries", () => {
  const carried: unknown[] = [
    1,
    "a",
    null,
    undefined,
    1n,
    [1],
    { a: [{}] },
    new Date(),
    /x/,
    new Error("x"),
  ];
  carried.push(new Map([[{}, new Set([1])]]), new Uint8Array(2), new ArrayBuffer(1), Object(1n));
  for (const value of [...carried, new Point(), circle, new Array(3), Object.create(null)]) {
    assert.equal(findHost(value), undefined, Deno.inspect(value));
    assert.equal(findHost({ within: [value] }), undefined, Deno.inspect(value));
  }
});

Deno.test("findHost() names what would be stored as an empty object", async () => {
  await using opened = await memoryStore();
  const { services } = opened.store.forWorker({});
  const client = createStoreClient((name, ...args) => services[name]!(...structuredClone(args)));
  const hosts = {
    URL: new URL("http://a"),
    Headers: new Headers(),
    AbortSignal: AbortSignal.any([]),
  };
  for (const [name, host] of Object.entries(hosts)) {
    for (const value of [host, { a: [host] }, new Map([[1, host]]), new Set([host])]) {
      assert.equal(findHost(value), name);
      for (const store of [opened.store, client]) {
        await store.set("k", 1);
        const refusal = { name: "DataCloneError", message: new RegExp(`"?k"?.*${name}`) };
        await assert.rejects(store.set("k", value), refusal);
        await assert.rejects(store.setMany([["other", 2], ["k", value]]), refusal);
        await assert.rejects(store.add("k", value), refusal);
        assert.deepEqual(await store.getMany(["k", "other"]), [1, undefined]);
      }
    }
  }
});
