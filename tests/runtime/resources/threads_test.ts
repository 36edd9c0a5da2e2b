import assert from "node:assert/strict";
import * as resources from "../../../runtime/resources/mod.ts";
import { moduleOf, started, TestThread, trusted } from "./support.ts";
import type { Inside } from "./thread_worker.ts";

const { allocateId, findId, freeId, resource, settled, threadStatistics } = resources;

/** Registers resources inside a worker that log what happens to their instances. */
function register({ resources, log }: Inside, names: string[]): number[] {
  return names.map((name) =>
    resources.allocateId<{ name: string }>(name, {
      ctor: () => {
        log.push(`+${name}`);
        return { name };
      },
      dtor: (instance) => void log.push(`-${instance.name}`),
    })
  );
}

/** Options that a worker knows as well, through a module. */
function byModule(name: string) {
  const module = moduleOf(`
    globalThis.made = [...globalThis.made ?? [], "+" + ${JSON.stringify(name)}];
    export default {
      ctor: () => ({ name: ${JSON.stringify(name)} }),
      dtor: ({ name }) => globalThis.made.push("-" + name),
    };`);
  return { ctor: () => ({ name: "of main" }), module };
}

const readMade = () => (globalThis as unknown as { made?: string[] }).made;

Deno.test("join() makes a thread that knows all ids; each has instances of its own", async () => {
  using _ = started();
  allocateId("a", { ctor: () => ({ from: "main" }) });
  using thread = await trusted();
  const found = await thread.run(({ resources }) => {
    const id = resources.allocateId("a", { ctor: () => ({ from: "worker" }) });
    return [id, resources.resource(id), resources.isMainThread(), resources.threadCount()];
  });
  assert.deepEqual(found, [1, { from: "worker" }, false, 2]);
  assert.deepEqual([resource(1), resources.isMainThread()], [{ from: "main" }, true]);
});

Deno.test("a new thread makes instances in ascending order, between its begin and end handlers", async () => {
  using _ = started();
  const make = { ctor: () => ({}) };
  for (const name of ["a", "b", "c"]) allocateId(name, make);
  freeId(2);
  const invitation = resources.invite();
  using thread = new TestThread(invitation.thread);
  const log = await thread.run(({ resources, log }, invitation) => {
    resources.setNewThreadBeginHandler((thread) => log.push(["begin", thread]));
    resources.setNewThreadEndHandler((thread) => log.push(["end", thread]));
    resources.join(invitation);
    const record = (name: string) => ({ ctor: () => void log.push(`+${name}`) });
    const before = log.length;
    resources.resource(0);
    return [before, ...log, resources.allocateId("a", record("a")), resources.resource(2)];
  }, invitation);
  assert.deepEqual(log, [0, ["begin", 2], ["end", 2], 1, null]);
  assert.deepEqual(await thread.log(), [["begin", 2], ["end", 2], "+a"]);

  const plain = resources.invite();
  for (const name of ["d", "e"]) allocateId(name, byModule(name));
  using second = new TestThread(plain.thread);
  await second.run(({ resources, log }, invitation) => {
    resources.setNewThreadBeginHandler(() => log.push("begin"));
    resources.setNewThreadEndHandler(() => log.push("end"));
    resources.join(invitation);
  }, plain);
  await settled(5);
  assert.deepEqual(await second.log(), ["begin", "end"]);
  assert.deepEqual(await second.run(readMade), ["+d", "+e"]);
});

Deno.test("allocateId() reaches threads that live, each once, and settled() waits for all of them", async () => {
  using _ = started();
  using one = await trusted();
  using two = await trusted();
  const id = allocateId("late", byModule("late"));
  await settled(id);
  for (const thread of [one, two]) {
    assert.deepEqual(await thread.run(readMade), ["+late"]);
    assert.deepEqual(await thread.run(({ resources }, id) => resources.resource(id), id), {
      name: "late",
    });
    assert.deepEqual(await thread.run(readMade), ["+late"]);
  }
  assert.deepEqual(resource(id), { name: "of main" });
});

Deno.test("allocateId() in a worker reaches the main thread, and a thread that is behind sees it at its first access", async () => {
  using _ = started();
  using one = await trusted();
  using two = await trusted();
  const [id] = await one.run(register, ["w"]);
  // No turn of this isolate's own has to come first.
  assert.equal(findId("w"), id);
  assert.throws(() => resource(id!), { name: "MissingResourceError", code: "RESOURCE_MISSING" });
  assert.equal(allocateId("w", { ctor: () => ({ here: 1 }) }), id);
  assert.deepEqual(resource(id!), { here: 1 });
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const seen = two.run(({ resources }, gate) => {
    Atomics.wait(gate, 0, 0, 10_000); // no turn here
    return [resources.resource(2), resources.findId("x")];
  }, gate);
  allocateId("x");
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  assert.deepEqual(await seen, [{}, 2]);
});

Deno.test("settled() waits for a thread that is busy, and the registrar does not", async () => {
  using _ = started();
  using thread = await trusted();
  const gate = new Int32Array(new SharedArrayBuffer(8));
  const busy = thread.run((_, gate) => {
    Atomics.store(gate, 1, 1);
    Atomics.notify(gate, 1);
    Atomics.wait(gate, 0, 0, 10_000);
  }, gate);
  await Atomics.waitAsync(gate, 1, 0).value;
  const id = allocateId("a", byModule("a"));
  let isSettled = false;
  const waiting = settled(id).then(() => isSettled = true);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual([isSettled, resource(id)], [false, { name: "of main" }]);
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  await Promise.all([waiting, busy]);
  assert.deepEqual(await thread.run(readMade), ["+a"]);
});

Deno.test("settled() waits for the modules that other threads load", async () => {
  using _ = started();
  using thread = await trusted();
  const gate = new Int32Array(new SharedArrayBuffer(8));
  await thread.run((_, gate) => void Object.assign(globalThis, { gate }), gate);
  const module = moduleOf(`
    Atomics.store(gate, 1, 1);
    Atomics.notify(gate, 1);
    await Atomics.waitAsync(gate, 0, 0).value;
    export default () => ["loaded"];`);
  const id = allocateId("slow", { ctor: () => [], module });
  let isSettled = false;
  const waiting = settled(id).then(() => isSettled = true);
  await Atomics.waitAsync(gate, 1, 0).value;
  const read = ({ resources }: Inside, id: number) => resources.resource(id);
  await assert.rejects(thread.run(read, id), { message: /is loading; settled\(\) waits for it$/ });
  assert.equal(isSettled, false);
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  await waiting;
  assert.deepEqual(await thread.run(read, id), ["loaded"]);
});

Deno.test("allocateId() gives a constructor to what this isolate had only heard of", async () => {
  using _ = started();
  using thread = await trusted();
  const log: string[] = [];
  await thread.run(register, ["made"]);
  await thread.run(({ resources }) => resources.allocateId("empty"));
  assert.equal(allocateId("made"), 1); // a question, no more
  const own = (name: string) => ({ ctor: () => [name], dtor: () => void log.push(`-${name}`) });
  const options = ["made", "empty"].map(own);
  assert.deepEqual(resource(2), {});
  assert.equal(allocateId("made", options[0]), 1);
  assert.equal(allocateId("empty", options[1]), 2);
  assert.deepEqual([resource(1), resource(2)], [["made"], ["empty"]]);
  for (const name of ["made", "empty"]) {
    assert.throws(() => allocateId(name, own(name)), TypeError);
  }
  freeId(1);
  freeId(2);
  assert.deepEqual(log, ["-made", "-empty"]);
});

Deno.test("settled() in a worker waits for the main thread", async () => {
  using _ = started();
  using thread = await trusted();
  await thread.run(async ({ resources }) => {
    await resources.settled(resources.allocateId("a"));
  });
  assert.deepEqual(resource<unknown[]>(0)[1], {});
});

Deno.test("settled() no longer waits for a thread that was abandoned", async () => {
  using _ = started();
  using thread = await trusted();
  const gate = new Int32Array(new SharedArrayBuffer(8));
  const stuck = thread.run((_, gate) => void Atomics.wait(gate, 0, 0, 10_000), gate);
  const waiting = settled(allocateId("a"));
  assert.equal(resources.abandonThread(thread.number), true);
  assert.equal(resources.abandonThread(thread.number), false);
  await waiting;
  assert.deepEqual(threadStatistics(), { live: 1, started: 2, ended: 0, abandoned: 1 });
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  await stuck;
});

Deno.test("freeThread() destroys from the highest id down, only what is the thread's own", async () => {
  using _ = started();
  const log: string[] = [];
  allocateId("a", { dtor: () => void log.push("main") });
  using thread = await trusted();
  assert.deepEqual(await thread.run(register, ["a", "b", "c"]), [1, 2, 3]);
  freeId(2);
  await settled(2);
  assert.deepEqual(await thread.log(), ["+a", "+b", "+c", "-b"]);
  await thread.run(({ resources }) => {
    resources.freeThread();
    resources.freeThread();
  });
  assert.deepEqual(await thread.log(), ["-c", "-a"]);
  assert.deepEqual([log, resource(1)], [[], {}]);
  assert.deepEqual(threadStatistics(), { live: 1, started: 2, ended: 1, abandoned: 0 });
  await assert.rejects(thread.run(({ resources }) => resources.resource(1)), {
    name: "RangeError",
  });
  await settled(allocateId("d")); // and nobody waits for it
});

Deno.test("freeId() reaches other threads at their next turn, where each destroys its own once", async () => {
  using _ = started();
  using one = await trusted();
  using two = await trusted();
  for (const thread of [one, two]) await thread.run(register, ["a", "b"]);
  freeId(1);
  await settled(1);
  for (const thread of [one, two]) {
    assert.deepEqual(await thread.log(), ["+a", "+b", "-a"]);
    assert.deepEqual(await thread.run(({ resources }) => resources.resource(1)), null);
    await thread.run(({ resources }) => resources.freeThread());
    assert.deepEqual(await thread.log(), ["-b"]);
  }
});

Deno.test("freeId() reaches a thread that has no turn at its first access", async () => {
  using _ = started();
  using thread = await trusted();
  await thread.run(register, ["a"]);
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const seen = thread.run(({ resources, log }, gate) => {
    Atomics.wait(gate, 0, 0, 10_000);
    return [resources.resource(1), ...log];
  }, gate);
  freeId(1);
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  assert.deepEqual(await seen, [null, "+a", "-a"]);
});

Deno.test("shutdown() ends all threads, and another thread's only marks that thread", async () => {
  using _ = started();
  using one = await trusted();
  using two = await trusted();
  for (const thread of [one, two]) await thread.run(register, ["a", "b"]);
  const marked = await one.run(({ resources, log }) => {
    resources.shutdown();
    return [resources.isShutdown(), log.length, resources.resource(1)];
  });
  assert.deepEqual(marked, [true, 2, { name: "a" }]);
  assert.equal(resources.isShutdown(), false);
  assert.equal(await two.run(({ resources }) => resources.isShutdown()), false);
  resources.shutdown();
  assert.equal(await two.run(({ resources }) => resources.isShutdown()), true);
  for (const thread of [one, two]) {
    assert.deepEqual((await thread.log()).slice(2), ["-b", "-a"]);
    await assert.rejects(thread.run(({ resources }) => resources.resource(1)), {
      name: "RangeError",
    });
  }
});

Deno.test("an identity that is seen again has what was left of it destroyed first", async () => {
  using _ = started();
  const invitation = resources.invite();
  using thread = new TestThread(invitation.thread);
  await thread.run(({ resources }, invitation) => resources.join(invitation), invitation);
  await thread.run(register, ["a", "b"]);
  const again = await thread.run(({ resources, log }, invitation) => {
    resources.join(invitation);
    log.push("joined");
    resources.allocateId("a", { ctor: () => void log.push("+again") });
    return [...log, resources.threadCount()];
  }, invitation);
  assert.deepEqual(again, ["+a", "+b", "-b", "-a", "joined", "+again", 2]);
  using other = new TestThread(9);
  await assert.rejects(
    other.run(({ resources }, invitation) => resources.join(invitation), invitation),
    { name: "TypeError", message: /^Cannot join: the place of thread 2 is taken/ },
  );
});

Deno.test("join() refuses what is no invitation, and a second place", async () => {
  using _ = started();
  assert.throws(() => resources.join(resources.invite()), TypeError);
  using thread = await trusted();
  for (const wrong of [undefined, {}, { board: new ArrayBuffer(8), thread: 2 }]) {
    const join = ({ resources }: Inside, wrong: unknown) => resources.join(wrong as never);
    await assert.rejects(thread.run(join, wrong), { name: "TypeError" });
  }
  await assert.rejects(
    thread.run(({ resources }, i) => resources.join(i), resources.invite()),
    { message: "Cannot join: this isolate is thread 3 already" },
  );
  for (const make of ["invite", "enroll"] as const) {
    await assert.rejects(
      thread.run(({ resources }, make) => resources[make](1), make),
      { name: "TypeError", message: /this is not the main thread$/ },
    );
  }
});

Deno.test("invite() gives a number again once its thread has ended, and refuses when all are taken", async () => {
  using _ = started();
  const numbers = Array.from({ length: 255 }, () => resources.invite().thread);
  assert.equal(new Set(numbers).size, 255);
  assert.throws(() => resources.invite(), RangeError);
  assert.equal(resources.abandonThread(77), true);
  assert.equal(resources.invite().thread, 77);
  assert.deepEqual(threadStatistics(), { live: 1, started: 1, ended: 0, abandoned: 0 });
  for (const number of [0, 1, -1, 1e9, NaN]) assert.equal(resources.abandonThread(number), false);
  await settled(allocateId("a"));
});

Deno.test("resource() names what it lacks: no module, a module without the export, a module that fails", async () => {
  using _ = started();
  using thread = await trusted();
  const make = { ctor: () => ({}) };
  allocateId("none", make);
  allocateId("empty", { ...make, module: moduleOf("export const other = 1") });
  allocateId("broken", { ...make, module: moduleOf("throw new Error('at load')") });
  await settled(3);
  for (const [id, name] of [[1, "none"], [2, "empty"], [3, "broken"]] as const) {
    await assert.rejects(thread.run(({ resources }, id) => resources.resource(id), id), {
      name: "MissingResourceError",
      message: new RegExp(`^Cannot make resource "${name}"`),
    });
  }
});

Deno.test("resource() finds a constructor under the resource's name before the default export", async () => {
  using _ = started();
  using thread = await trusted();
  const module = moduleOf("export const one = () => ['named']; export default () => ['default'];");
  for (const name of ["one", "two"]) allocateId(name, { ctor: () => [], module });
  await settled(2);
  const found = await thread.run(({ resources }) => [1, 2].map((id) => resources.resource(id)));
  assert.deepEqual(found, [["named"], ["default"]]);
});

Deno.test("a constructor that throws in another thread throws there at each access, and stops no other", async () => {
  using _ = started();
  using thread = await trusted();
  const source = (text: string) => moduleOf(`let n = 0; export default () => ${text};`);
  allocateId("bad", {
    ctor: () => 1,
    module: source("{ if (++n < 3) throw new Error('n' + n); return { n }; }"),
  });
  allocateId("good", { ctor: () => 1, module: source("({ n: ++n })") });
  await settled(2);
  const read = ({ resources }: Inside, id: number) => resources.resource(id);
  await assert.rejects(thread.run(read, 1), { message: "n2" });
  assert.deepEqual([await thread.run(read, 1), await thread.run(read, 2)], [{ n: 3 }, { n: 1 }]);
});

Deno.test("a destructor that throws for another thread's sake is told to the error handler", async () => {
  using _ = started();
  using thread = await trusted();
  await thread.run(({ resources, log }) => {
    resources.setErrorHandler((error) => log.push(String(error)));
    resources.allocateId("a", {
      dtor: () => {
        throw new Error("late");
      },
    });
  });
  freeId(findId("a"));
  await settled(1);
  assert.deepEqual(await thread.log(), ["Error: late"]);
});

Deno.test("4 threads that register 50 names 2,000 times agree on all ids", async () => {
  using _ = started();
  const threads = await Promise.all([1, 2, 3, 4].map(() => trusted()));
  try {
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const all = threads.map((thread, seed) =>
      thread.run(
        ({ resources }, seed, gate) => {
          Atomics.wait(gate, 0, 0, 10_000);
          const ids: Record<string, number> = {};
          for (let n = 0; n < 2000; n++) {
            const name = `name ${(n * 7 + seed * 13) % 50}`;
            const id = resources.allocateId(name, { module: "data:text/javascript," });
            if (id === 0 || (ids[name] ??= id) !== id) throw new Error(`${name}: ${id}`);
          }
          return ids;
        },
        seed,
        gate,
      )
    );
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    const [first, ...others] = await Promise.all(all);
    for (const other of others) assert.deepEqual(other, first);
    assert.deepEqual(
      Object.values(first!).sort((a, b) => a - b),
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
    for (const [name, id] of Object.entries(first!)) assert.equal(findId(name), id);
  } finally {
    for (const thread of threads) thread[Symbol.dispose]();
  }
});
