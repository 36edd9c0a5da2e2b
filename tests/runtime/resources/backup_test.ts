import assert from "node:assert/strict";
import * as resources from "../../../runtime/resources/mod.ts";
import { started } from "./support.ts";

const { allocateId, backupThread, freeId, resource, restoreThread } = resources;

Deno.test("restoreThread() puts back own properties, one level deep", () => {
  using _ = started();
  const hidden = Symbol("hidden");
  const make = () => ({ a: 1, b: { deep: 1 }, gone: true, [hidden]: 1 });
  const id = allocateId("a", { ctor: make });
  const object = resource<Record<string | symbol, unknown> & ReturnType<typeof make>>(id);
  const backup = backupThread();
  const { b } = object;
  object.a = 2;
  object.b = { deep: 3 };
  b.deep = 2;
  object.added = 1;
  object[hidden] = 2;
  Reflect.deleteProperty(object, "gone");
  Object.defineProperty(object, "a", { get: () => 7, configurable: true });
  restoreThread(backup);
  assert.equal(resource(id), object);
  assert.deepEqual(object, { a: 1, b: { deep: 2 }, gone: true, [hidden]: 1 });
  assert.equal(object.b, b);
  assert.equal(Object.getOwnPropertyDescriptor(object, "a")!.value, 1);
});

Deno.test("restoreThread() puts back what maps, sets, lists and typed arrays hold, again and again", () => {
  using _ = started();
  const made = {
    map: new Map([[1, "a"], [2, "b"]]),
    set: new Set([1, 2]),
    list: [1, 2, 3],
    bytes: new Uint8Array([1, 2]),
    big: new BigInt64Array([1n]),
    view: new DataView(new ArrayBuffer(2)),
  };
  const expected = structuredClone(made);
  for (const [name, value] of Object.entries(made)) allocateId(name, { ctor: () => value });
  const backup = backupThread();
  for (let round = 0; round < 2; round++) {
    made.map.clear();
    made.map.set(3, "c");
    made.set.add(9);
    Object.assign(made.set, { extra: 1 });
    if (round === 0) made.list.push(4, 5);
    else made.list.length = 1;
    made.bytes.fill(9);
    made.big[0] = 9n;
    made.view.setUint16(0, 9);
    restoreThread(backup);
    assert.deepEqual(made, expected);
  }
});

Deno.test("restoreThread() destroys what was made since, from the highest id down, whatever destructors throw", () => {
  using _ = started();
  const log: string[] = [];
  const kept = allocateId("kept", { ctor: () => ({ n: 1 }), dtor: () => void log.push("-kept") });
  const backup = backupThread();
  let n = 0;
  const ids = ["x", "y", "z"].map((name) =>
    allocateId(name, {
      ctor: () => ({ name, n: ++n }),
      dtor: () => {
        log.push(`-${name}`);
        if (name !== "y") throw new Error(name);
      },
    })
  );
  resource<{ n: number }>(kept).n = 2;
  assert.throws(() => restoreThread(backup), (error: AggregateError) => {
    assert.deepEqual(error.errors.map(({ message }) => message), ["z", "x"]);
    return true;
  });
  assert.deepEqual([log.splice(0), resource(kept)], [["-z", "-y", "-x"], { n: 1 }]);
  assert.deepEqual(resource(ids[0]!), { name: "x", n: 4 });
  resources.setErrorHandler(() => {});
  assert.throws(() => resources.shutdown(), AggregateError);
  assert.deepEqual(log, ["-x", "-kept"]);
});

Deno.test("restoreThread() leaves what was freed since freed, and stands objects that were frozen", () => {
  using _ = started();
  const [a, b] = ["a", "b"].map((name) => allocateId(name, { ctor: () => ({ n: 1 }) }));
  const backup = backupThread();
  freeId(a!);
  resource<{ n: number }>(b!).n = 2;
  Object.freeze(resource(b!));
  restoreThread(backup);
  assert.deepEqual([resource(a!), resource(b!)], [null, { n: 2 }]);
});

Deno.test("restoreThread() needs no manager", () => {
  restoreThread(backupThread());
  using _ = started();
  const id = allocateId("n", { ctor: () => 5 });
  restoreThread(backupThread());
  assert.equal(resource(id), 5);
});
