import assert from "node:assert/strict";
import { findForbidden, isRecord } from "../../../runtime/thread/values.ts";

Deno.test("findForbidden() passes plain data, whatever its form", () => {
  const cyclic: Record<string, unknown> = { list: [] };
  cyclic.self = [cyclic, new Map([[cyclic, new Set([cyclic])]])];
  const values = [
    null,
    1,
    "x",
    cyclic,
    Object(1),
    Object("x"),
    Object(1n),
    Object(true),
    /x/,
    new Date(),
    new DOMException("x", "AbortError"),
    new TypeError("x", { cause: [new Error("y")] }),
    new Float64Array(2),
    new DataView(new ArrayBuffer(4)),
    new ArrayBuffer(2),
    JSON.parse('{"__proto__":{"x":1},"constructor":1,"then":2,"toString":3}'),
  ];
  for (const value of values) assert.equal(findForbidden(structuredClone(value)), undefined);
});

Deno.test("findForbidden() follows a chain of any length, and a sparse list at once", () => {
  let chain: unknown = new SharedArrayBuffer(1);
  for (let i = 0; i < 100_000; i++) chain = [chain];
  assert.equal(findForbidden(chain), "memory shared with the worker");
  const sparse: unknown[] = [];
  sparse.length = 4e9;
  sparse[3e9] = new SharedArrayBuffer(1);
  assert.equal(findForbidden(sparse), "memory shared with the worker");
});

Deno.test("isRecord() takes plain objects only", () => {
  for (const value of [{}, Object.create(null), { __proto__: null }]) {
    assert.equal(isRecord(value), true);
  }
  const others = [null, 1, "x", [], new Map(), new Uint8Array(1), new Date(), new Error("x")];
  for (const value of others) assert.equal(isRecord(value), false);
});
