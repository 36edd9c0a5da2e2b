import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { SuiteTest } from "./case.ts";

class Point {
  x = 1;
}

const KINDS: [string, unknown][] = [
  ["undefined", undefined],
  ["null", null],
  ["booleans", [true, false]],
  ["numbers", [0, 1, -1.5, 2 ** 53, Number.MAX_VALUE, Number.MIN_VALUE]],
  ["numbers that JSON has none of", [NaN, Infinity, -Infinity, -0]],
  ["bigints", [0n, -1n, 12345678901234567890n, 2n ** 2000n]],
  ["text", ["", "héllo → 😀", "\0", "x".repeat(1000)]],
  ["text with a lone surrogate", "\ud800"],
  ["an empty object and an empty array", [{}, []]],
  ["nested plain data", { a: [{ b: { c: [1, "2", null] } }], "": 1, "__proto_": 2 }],
  ["data deeper than the bound of plain data", deep(100)],
  ["undefined in objects and arrays", { a: undefined, b: [undefined] }],
  ["a sparse array", Object.assign([], { 3: 1 })],
  ["an array with a property", Object.assign([1], { extra: 2 })],
  ["an array of holes with as many properties", Object.assign(new Array(1), { extra: 2 })],
  ["a Date", new Date(5)],
  ["an invalid Date", new Date(NaN)],
  ["a RegExp", /a+/giu],
  ["a Map", new Map<unknown, unknown>([[{ a: 1 }, new Set([1n])], ["k", NaN]])],
  ["a Set", new Set([1, "1", undefined])],
  ["boxed primitives", [Object(1), Object("a"), Object(true), Object(1n)]],
  ["an ArrayBuffer", new Uint8Array([1, 2, 3]).buffer],
  ["a resizable ArrayBuffer's bytes", new Uint8Array([1, 2]).buffer],
  ["a DataView", new DataView(new ArrayBuffer(3))],
  ["an Error with a cause", new RangeError("no", { cause: new TypeError("why") })],
  ["a Float16Array", new Float16Array([0.5])],
  ["a Float32Array", new Float32Array([1.5])],
  ["a Float64Array", new Float64Array([1.5, -0])],
  ["an Int8Array", new Int8Array([-1])],
  ["an Int16Array", new Int16Array([-1])],
  ["an Int32Array", new Int32Array([-1])],
  ["a BigInt64Array", new BigInt64Array([-1n])],
  ["a Uint8Array", new Uint8Array([255])],
  ["a Uint8ClampedArray", new Uint8ClampedArray([255])],
  ["a Uint16Array", new Uint16Array([65535])],
  ["a Uint32Array", new Uint32Array([1])],
  ["a BigUint64Array", new BigUint64Array([1n])],
  ["typed arrays inside an object", { a: new Uint8Array([1]), b: [new Float64Array([2])] }],
];

const NO_VALUES: [string, () => unknown][] = [
  ["a function", () => () => 1],
  ["a symbol", () => Symbol("s")],
  ["a promise", () => Promise.resolve()],
  ["a WeakMap", () => new WeakMap()],
  ["a proxy", () => new Proxy({}, {})],
  ["shared memory", () => new SharedArrayBuffer(8)],
  ["a view of shared memory", () => new Uint8Array(new SharedArrayBuffer(8))],
  ["a function deep inside", () => ({ a: [{ b: () => 1 }] })],
  ["a symbol in a Map", () => new Map([[1, Symbol("s")]])],
];

const HOST_OBJECTS: [string, () => unknown][] = [
  ["a URL", () => new URL("http://a/")],
  ["headers", () => new Headers()],
  ["a response", () => new Response("")],
];

/** Whatever structured clone carries, and what it does not. */
export function values(test: SuiteTest, { isWorker }: { isWorker: boolean }): void {
  for (const [name, value] of KINDS) {
    test(`keeps ${name}`, async ({ store }) => {
      await store.set("k", value);
      await store.set("wrapped", [value]);
      for (let n = 0; n < 2; n++) {
        assert.deepEqual(await store.get("k"), value);
        assert.deepEqual(await store.get("k", { near: false }), value);
        assert.deepEqual(await store.getMany(["k", "wrapped"]), [value, [value]]);
      }
      const [listed] = await Array.fromAsync(store.list());
      assert.deepEqual(listed, { key: ["k"], value });
    });
  }

  test("keeps what occurs twice and what contains itself", async ({ store }) => {
    const shared = { n: 1 };
    const ring: { self?: unknown; a: object; b: object } = { a: shared, b: shared };
    ring.self = ring;
    await store.set("k", ring);
    for (let n = 0; n < 2; n++) {
      const read = await store.get<typeof ring>("k");
      assert.equal(read!.self, read);
      assert.equal(read!.a, read!.b);
      assert.notEqual(read!.a, shared);
    }
  });

  test("keeps of a class only its own properties", async ({ store }) => {
    await store.set("k", new Point());
    const read = await store.get<object>("k");
    assert.equal(Object.getPrototypeOf(read), Object.prototype);
    assert.deepEqual(read, { x: 1 });
  });

  test("keeps an own property called __proto__", async ({ store }) => {
    await store.set("k", JSON.parse('{"__proto__": {"a": 1}, "b": 2}'));
    for (let n = 0; n < 2; n++) {
      const read = await store.get<object>("k");
      assert.equal(Object.getPrototypeOf(read), Object.prototype);
      assert.deepEqual(Object.keys(read!), ["__proto__", "b"]);
    }
  });

  test("keeps of a view only what it shows, in a buffer of its own", async ({ store }) => {
    const pool = new Uint8Array(1000).fill(7);
    await store.set("k", Buffer.from(pool.buffer, 2, 3));
    const read = await store.get<Uint8Array>("k");
    assert.deepEqual([...read!], [7, 7, 7]);
    assert.equal(read!.buffer.byteLength, 3);
    read!.fill(9);
    assert.deepEqual([...(await store.get<Uint8Array>("k"))!], [7, 7, 7]);
  });

  test("what is read can be changed, each time anew", async ({ store }) => {
    await store.set("k", { map: new Map([[1, [1]]]), list: [[1]] });
    for (let n = 0; n < 3; n++) {
      const read = await store.get<{ map: Map<number, number[]>; list: number[][] }>("k");
      assert.deepEqual(read, { map: new Map([[1, [1]]]), list: [[1]] });
      read!.map.get(1)!.push(2);
      read!.list[0]!.push(2);
    }
  });

  // Deno makes `{}` of host objects inside arguments on their way out of a worker.
  for (const [name, make] of isWorker ? NO_VALUES : [...NO_VALUES, ...HOST_OBJECTS]) {
    test(`refuses ${name} by name and changes nothing`, async ({ store }) => {
      await store.set("k", "old", { ttlMs: 1000 });
      for (const call of [store.set("k", make()), store.add("new", make())]) {
        await assert.rejects(call, (error: Error) => {
          assert.ok(error instanceof DOMException, String(error));
          assert.equal(error.name, "DataCloneError");
          return true;
        });
      }
      assert.equal(await store.get("k"), "old");
      assert.equal(await store.has("new"), false);
    });
  }

  test("lets an error of a getter through and changes nothing", async ({ store }) => {
    await store.set("k", "old");
    const value = {
      get a() {
        throw new RangeError("own");
      },
    };
    await assert.rejects(store.set("k", value), { name: "RangeError", message: "own" });
    assert.equal(await store.get("k"), "old");
  });
}

function deep(levels: number): unknown {
  return levels === 0 ? "bottom" : { inner: deep(levels - 1) };
}
