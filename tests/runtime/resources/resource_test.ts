import assert from "node:assert/strict";
import { MissingResourceError } from "../../../runtime/resources/errors.ts";
import * as resources from "../../../runtime/resources/mod.ts";
import { started } from "./support.ts";

const { allocateFastId, allocateId, findId, freeId, resource } = resources;

/** Options that log what happens to the instances of a name. */
function logged(log: string[], name: string): resources.ResourceOptions<{ name: string }> {
  return {
    ctor: () => {
      log.push(`+${name}`);
      return { name };
    },
    dtor: (instance) => void log.push(`-${instance.name}`),
  };
}

for (const threads of [true, false]) {
  const mode = `with threads: ${threads}`;

  Deno.test(`allocateId() counts from 1 and never gives an id again, ${mode}`, () => {
    using _ = started({ threads });
    assert.deepEqual(["a", "b", "c"].map((name) => allocateId(name)), [1, 2, 3]);
    freeId(3);
    freeId(1);
    assert.equal(allocateId("c"), 4);
    assert.equal(allocateId("d", { scope: "request" }), 5);
    assert.deepEqual(["a", "b", "c", "d"].map(findId), [0, 2, 4, 5]);
  });

  Deno.test(`allocateId() gives a name that is known its id, and refuses another constructor, ${mode}`, () => {
    using _ = started({ threads });
    const log: string[] = [];
    const options = logged(log, "a");
    const id = allocateId("a", options);
    assert.deepEqual([allocateId("a", options), allocateId("a")], [id, id]);
    assert.throws(() => allocateId("a", { ctor: () => ({}) }), TypeError);
    assert.throws(() => allocateId("a", { dtor: () => {} }), TypeError);
    assert.throws(() => allocateId("a", { scope: "request" }), TypeError);
    const plain = allocateId("plain");
    assert.throws(() => allocateId("plain", { ctor: () => ({}) }), TypeError);
    assert.deepEqual([findId("plain"), allocateId("b")], [plain, plain + 1]);
    assert.deepEqual(log, ["+a"]);
  });

  Deno.test(`resource() keeps one instance, and 0 gives all of them to look at, ${mode}`, () => {
    using _ = started({ threads });
    const [a, b] = [allocateId("a", { ctor: () => ({ n: 1 }) }), allocateId("b")];
    assert.equal(resource(a), resource(a));
    assert.deepEqual([resource(a), resource(b)], [{ n: 1 }, {}]);
    const all = resource<unknown[]>(0);
    assert.ok(Array.isArray(all));
    assert.deepEqual([all[a], all[b], all.length], [resource(a), resource(b), 3]);
    assert.throws(() => all[a] = 1, TypeError);
    assert.throws(() => all.push(1), TypeError);
    assert.throws(() => delete all[a], TypeError);
    assert.throws(() => Object.defineProperty(all, a, { value: 1 }), TypeError);
    assert.throws(() => Object.setPrototypeOf(all, null), TypeError);
    assert.throws(() => Object.freeze(all), TypeError);
    allocateId("c");
    assert.equal(all.length, 4);
  });

  Deno.test(`resource() throws a RangeError for an id that is none, ${mode}`, () => {
    using _ = started({ threads });
    allocateId("a");
    for (const id of [2, -1, 1.5, NaN, Infinity, "x", undefined, null]) {
      assert.throws(() => resource(id as number), RangeError, String(id));
      assert.throws(() => freeId(id as number), RangeError, String(id));
    }
    assert.throws(() => freeId(0), RangeError);
  });

  Deno.test(`freeId() destroys the instance once and leaves null, ${mode}`, () => {
    using _ = started({ threads });
    const log: string[] = [];
    const id = allocateId("a", logged(log, "a"));
    freeId(id);
    assert.deepEqual([resource(id), log], [null, ["+a", "-a"]]);
    freeId(id);
    resources.shutdown();
    assert.deepEqual(log, ["+a", "-a"]);
  });

  Deno.test(`shutdown() destroys from the highest id down, tells its handler, and does so once, ${mode}`, () => {
    using _ = started({ threads });
    const log: string[] = [];
    resources.setShutdownHandler(() => log.push("shutdown"));
    for (const name of ["a", "b", "c"]) allocateId(name, logged(log, name));
    freeId(2);
    log.length = 0;
    assert.equal(resources.isShutdown(), false);
    resources.shutdown();
    resources.shutdown();
    assert.deepEqual(log, ["-c", "-a", "shutdown"]);
    assert.equal(resources.isShutdown(), true);
    assert.throws(() => resource(1), RangeError);
    assert.equal(allocateId("d"), 0);
    assert.equal(resources.setShutdownHandler(undefined), undefined);
    assert.equal(resources.startup({ threads }), true);
    assert.deepEqual([resources.isShutdown(), allocateId("d")], [false, 1]);
  });

  Deno.test(`allocateId() leaves nothing behind when the constructor throws, ${mode}`, () => {
    using _ = started({ threads });
    const ctor = () => {
      throw new Error("no");
    };
    assert.throws(() => allocateId("a", { ctor }), /^Error: no$/);
    assert.deepEqual([findId("a"), allocateId("b")], [0, 1]);
  });

  Deno.test(`allocateId() gives 0 when all ids are used up, and destroys what it had made, ${mode}`, () => {
    using _ = started({ threads });
    for (let id = 1; id <= 4096; id++) assert.equal(allocateId(`n${id}`), id);
    const log: string[] = [];
    assert.equal(allocateId("more", logged(log, "more")), 0);
    assert.deepEqual([log, findId("more"), findId("n4096")], [["+more", "-more"], 0, 4096]);
  });

  Deno.test(`allocateFastId() is like allocateId() until its space is used up, ${mode}`, () => {
    using _ = started({ threads });
    assert.equal(allocateId("slow"), 1);
    for (let n = 0; n < 64; n++) assert.equal(allocateFastId(`f${n}`), n + 2);
    assert.equal(allocateFastId("more"), 0);
    assert.deepEqual([findId("more"), allocateFastId("f0"), allocateId("more")], [0, 2, 66]);
    assert.deepEqual(resource(2), {});
  });

  Deno.test(`a constructor may register and use others, ${mode}`, () => {
    using _ = started({ threads });
    const outer = allocateId("outer", {
      ctor: () => ({ inner: resource(allocateId("inner", { ctor: () => ({ n: 1 }) })) }),
    });
    assert.deepEqual([findId("inner"), outer], [1, 2]);
    assert.equal(resource<{ inner: unknown }>(outer).inner, resource(1));
  });

  Deno.test(`new-thread handlers stand around the constructors, and each setter gives the one before, ${mode}`, () => {
    const log: unknown[] = [];
    const begin = (thread: number) => log.push(["begin", thread]);
    const end = (thread: number) => log.push(["end", thread]);
    assert.equal(resources.setNewThreadBeginHandler(begin), undefined);
    assert.equal(resources.setNewThreadEndHandler(end), undefined);
    using _ = started({ threads });
    assert.equal(log.length, 0);
    allocateId("a", { ctor: () => void log.push("+a") });
    assert.deepEqual(log, [["begin", 1], ["end", 1], "+a"]);
    allocateId("b");
    assert.equal(log.length, 3);
    assert.equal(resources.setNewThreadBeginHandler(undefined), begin);
    assert.equal(resources.setNewThreadEndHandler(undefined), end);
  });

  Deno.test(`settled() resolves when nobody else is there, modules included, ${mode}`, async () => {
    using _ = started({ threads });
    const module = `data:text/javascript,export const late = () => ({ n: 1 })`;
    const id = allocateId("late", { module });
    assert.throws(() => resource(id), MissingResourceError);
    await resources.settled(id);
    assert.deepEqual({ ...resource<object>(id) }, { n: 1 });
    await assert.rejects(resources.settled(9), RangeError);
  });

  Deno.test(`freeThread() does nothing in the main thread, ${mode}`, () => {
    using _ = started({ threads });
    const log: string[] = [];
    const id = allocateId("a", logged(log, "a"));
    resources.freeThread();
    assert.deepEqual([resource(id), log], [{ name: "a" }, ["+a"]]);
  });
}

Deno.test("allocateId() fills the object that a constructor is given", () => {
  using _ = started({ threads: false });
  const id = allocateId("a", { ctor: (memory) => void (memory.n = 1) });
  assert.deepEqual(resource(id), { n: 1 });
});

Deno.test("allocateId() refuses wrong arguments", () => {
  using _ = started({ threads: false });
  for (const name of ["", "n".repeat(129), 1, undefined, null, {}]) {
    assert.throws(() => allocateId(name as string), TypeError);
  }
  for (
    const options of [
      { ctor: 1 },
      { dtor: {} },
      { scope: "process" },
      { module: "./relative.ts" },
      { module: `data:,${"x".repeat(2048)}` },
    ]
  ) assert.throws(() => allocateId("a", options as resources.ResourceOptions), TypeError);
  assert.deepEqual([findId("a"), allocateId("n".repeat(128))], [0, 1]);
});

Deno.test("allocateId() throws NOT_STARTED before startup, and 0 comes after a shutdown", async () => {
  // Another isolate, which has never started.
  const { TestThread } = await import("./support.ts");
  using thread = new TestThread(1);
  for (const name of ["allocateId", "resource", "findId", "freeId", "settled", "runRequest"]) {
    await assert.rejects(
      thread.run(({ resources }, name) => Reflect.get(resources, name)("a"), name),
      { code: "NOT_STARTED" },
      name,
    );
  }
  assert.deepEqual(
    await thread.run(({ resources }) => [
      resources.isMainThread(),
      resources.isShutdown(),
      resources.threadCount(),
      resources.wantsRequests(),
    ]),
    [false, false, 0, false],
  );
});

Deno.test("startup() starts once, and refuses numbers that are none", () => {
  using _ = started({ expectedResources: 5000, expectedThreads: 3 });
  assert.equal(resources.startup(), false);
  assert.equal(resources.isMainThread(), true);
  assert.deepEqual(resources.threadStatistics(), { live: 1, started: 1, ended: 0, abandoned: 0 });
  for (const value of [-1, 0.5, NaN, "1"]) {
    assert.throws(() => resources.startup({ expectedThreads: value as number }), RangeError);
    assert.throws(() => resources.startup({ expectedResources: value as number }), RangeError);
  }
});

Deno.test("startup() takes no shared memory with threads: false, and nobody can join", () => {
  using _ = started({ threads: false });
  allocateId("a");
  assert.throws(() => resources.invite(), { code: "DISABLED" });
  assert.throws(() => resources.enroll(1), { code: "DISABLED" });
  assert.equal(resources.threadCount(), 1);
});

Deno.test("the true globals are sealed when the first thread can start", () => {
  for (const begin of [() => resources.invite(), () => resources.enroll(7)]) {
    const globals = new resources.TrueGlobals();
    using _ = started({ globals });
    globals.set("a", 1);
    assert.equal(globals.sealed, false);
    begin();
    assert.throws(() => globals.set("a", 2), resources.TrueGlobalError);
  }
});

Deno.test("freeId() and shutdown() call every destructor and throw what they threw", () => {
  using _ = started();
  const log: string[] = [];
  const failing = (name: string) => ({
    dtor: () => {
      log.push(name);
      throw new Error(name);
    },
  });
  for (const name of ["a", "b", "c"]) allocateId(name, failing(name));
  assert.throws(() => freeId(2), (error: AggregateError) => {
    return error instanceof AggregateError && error.errors[0].message === "b";
  });
  assert.equal(resource(2), null);
  assert.throws(() => resources.shutdown(), (error: AggregateError) => {
    assert.deepEqual(error.errors.map(({ message }) => message), ["c", "a"]);
    return true;
  });
  assert.deepEqual(log, ["b", "c", "a"]);
  assert.equal(resources.isShutdown(), true);
});

Deno.test("resource() tells a constructor that asks for what it makes", () => {
  using _ = started();
  let id = 0;
  id = allocateId("a", { scope: "request", ctor: () => resource(id) });
  assert.throws(() => resources.runRequest({}, () => resource(id)), MissingResourceError);
});

Deno.test("an errors handler is given back by the next", () => {
  const handler = () => {};
  assert.equal(resources.setErrorHandler(handler), undefined);
  assert.equal(resources.setErrorHandler(undefined), handler);
});
