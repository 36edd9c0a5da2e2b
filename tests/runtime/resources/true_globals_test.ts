import assert from "node:assert/strict";
import { TrueGlobalError } from "../../../runtime/resources/errors.ts";
import { createGlobalsClient, TrueGlobals } from "../../../runtime/resources/true_globals.ts";

Deno.test("TrueGlobals.set() keeps a copy", () => {
  const globals = new TrueGlobals();
  const value = { list: [1] };
  globals.set("a", value);
  value.list.push(2);
  assert.deepEqual(globals.get("a"), { list: [1] });
  globals.set("a", 2);
  assert.equal(globals.get("a"), 2);
  assert.deepEqual([globals.has("a"), globals.has("b"), globals.get("b")], [
    true,
    false,
    undefined,
  ]);
  assert.deepEqual(globals.keys(), ["a"]);
});

Deno.test("TrueGlobals.set() refuses what is no name, what cannot be cloned, and anything once sealed", () => {
  const globals = new TrueGlobals();
  for (const key of ["", 1, null, undefined, {}, Symbol("s")]) {
    assert.throws(() => globals.set(key as string, 1), TypeError);
  }
  assert.throws(() => globals.set("f", () => {}), { name: "DataCloneError" });
  assert.equal(globals.has("f"), false);
  globals.set("a", 1);
  assert.equal(globals.sealed, false);
  globals.seal();
  globals.seal();
  assert.equal(globals.sealed, true);
  for (const key of ["a", "b"]) {
    assert.throws(
      () => globals.set(key, 2),
      { name: "TrueGlobalError", code: "GLOBALS_SEALED", message: /^Cannot set global ".": the/ },
    );
  }
  assert.deepEqual([globals.get("a"), globals.keys()], [1, ["a"]]);
});

class Point {
  x = 1;
}

Deno.test.each([
  ["a function", () => {}],
  ["an instance of a class", new Point()],
  ["an instance of a class of maps", new (class extends Map {})()],
  ["shared memory", new SharedArrayBuffer(8)],
  ["a view of shared memory", new Uint8Array(new SharedArrayBuffer(8))],
  ["a symbol", Symbol("s")],
])("TrueGlobals.set() refuses %s, however deep", (_, value) => {
  const globals = new TrueGlobals();
  for (const holder of [value, { a: [value] }, new Map([[1, value]]), new Set([{ value }])]) {
    assert.throws(() => globals.set("g", holder), { name: "DataCloneError" });
  }
  assert.equal(globals.has("g"), false);
});

Deno.test("TrueGlobals.set() takes what structured clone carries as it is", () => {
  const globals = new TrueGlobals();
  const value = {
    map: new Map([[{ a: 1 }, new Set([1n])]]),
    list: [new Date(0), /x/g, new RangeError("r"), null, undefined, NaN],
    bytes: new Float64Array([1]),
    bare: Object.assign(Object.create(null), { a: 1 }),
  };
  globals.set("g", value);
  assert.deepEqual(globals.get("g"), structuredClone(value));
});

Deno.test("TrueGlobals.seal() stops writes to maps, sets and dates, in every isolate's copy", () => {
  const globals = new TrueGlobals();
  globals.set("g", { map: new Map([["k", { a: 1 }]]), set: new Set([1]), date: new Date(5) });
  globals.seal();
  for (const each of [globals, createGlobalsClient(structuredClone(globals.entries()))]) {
    const { map, set, date } = each.get<
      { map: Map<string, { a: number }>; set: Set<number>; date: Date }
    >("g")!;
    assert.throws(() => map.set("k", { a: 2 }), TrueGlobalError);
    assert.throws(() => map.clear(), TrueGlobalError);
    assert.throws(() => set.add(2), TrueGlobalError);
    assert.throws(() => date.setTime(6), TrueGlobalError);
    assert.throws(() => map.get("k")!.a = 2, TypeError);
    assert.deepEqual([map.get("k"), set.size, date.getTime()], [{ a: 1 }, 1, 5]);
  }
});

Deno.test("TrueGlobals.seal() freezes plain objects and lists, however deep, and stands cycles", () => {
  const globals = new TrueGlobals();
  const cyclic: Record<string, unknown> = { list: [{ deep: [{}] }], bytes: new Uint8Array(2) };
  cyclic.self = cyclic;
  let chain: unknown = 1;
  for (let i = 0; i < 500; i++) chain = [chain];
  globals.set("a", cyclic);
  globals.set("chain", chain);
  globals.set("date", new Date(0));
  globals.seal();
  const { list, self, bytes } = globals.get<{
    list: { deep: object[] }[];
    self: object;
    bytes: Uint8Array;
  }>("a")!;
  for (const item of [self, list, list[0]!, list[0]!.deep, list[0]!.deep[0]!]) {
    assert.equal(Object.isFrozen(item), true);
  }
  for (let at = globals.get("chain"); Array.isArray(at); at = at[0]) assert.ok(Object.isFrozen(at));
  assert.throws(() => list.push({ deep: [] }), TypeError);
  assert.equal(bytes.length, 2);
});

Deno.test("createGlobalsClient() gives a sealed copy, names of every object's properties included", () => {
  const globals = new TrueGlobals();
  for (const key of ["__proto__", "constructor", "toString", "a"]) globals.set(key, { key });
  globals.seal();
  const client = createGlobalsClient(structuredClone(globals.entries()));
  assert.deepEqual(client.keys(), ["__proto__", "constructor", "toString", "a"]);
  for (const key of client.keys()) assert.deepEqual(client.get(key), { key });
  assert.equal(client.has("valueOf"), false);
  assert.equal(client.sealed, true);
  assert.throws(() => client.set("b", 1), TrueGlobalError);
  assert.equal(({} as { key?: string }).key, undefined);
});
