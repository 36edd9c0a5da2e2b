import assert from "node:assert/strict";
import { WORD } from "../../../runtime/resources/board.ts";
import * as resources from "../../../runtime/resources/mod.ts";
import { moduleOf, started, TestThread, trusted, untrusted } from "./support.ts";
import type { Inside } from "./thread_worker.ts";

const { allocateId, enroll, findId, freeId, resource, settled, threadStatistics } = resources;

/** Registers a resource inside a worker that logs what happens to its instances. */
function register({ resources, log }: Inside, name: string): number {
  return resources.allocateId<{ name: string }>(name, {
    ctor: () => {
      log.push(`+${name}`);
      return { name };
    },
    dtor: (instance) => void log.push(`-${instance.name}`),
  });
}

/** Blocks a worker, without a turn, until the gate opens; it says so at the gate first. */
function block({ resources, log }: Inside, gate: Int32Array<SharedArrayBuffer>): unknown[] {
  Atomics.store(gate, 1, 1);
  Atomics.notify(gate, 1);
  Atomics.wait(gate, 0, 0, 10_000);
  return [resources.findId("a"), resources.findId("b"), ...log];
}

function openGate(gate: Int32Array<SharedArrayBuffer>): void {
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
}

/** A ticket on a desk, and what the service writes for it; `undefined` if it writes nothing. */
function answerOf(
  { desk, services }: resources.Enrolment,
  ...args: unknown[]
): number | undefined {
  const words = new Int32Array(desk);
  words[WORD.ticket] = 5;
  words[WORD.answer] = -7;
  services.resourceAllocate!(5, ...args);
  assert.equal(words[WORD.ticket], 0);
  return words[WORD.answer];
}

Deno.test("joinDesk() gives an untrusted worker the ids of the entry, with the same rules", async () => {
  using _ = started();
  for (const name of ["a", "gone", "c"]) {
    const text = JSON.stringify([name]);
    allocateId(name, { ctor: () => name, module: moduleOf(`export default () => ${text};`) });
  }
  freeId(2);
  using thread = await untrusted(40);
  await settled(1);
  assert.deepEqual(
    await thread.run(({ resources }) => [
      ...["a", "gone", "c"].map((name) => resources.findId(name)),
      ...[1, 2, 3].map((id) => resources.resource(id)),
      resources.isMainThread(),
      resources.threadCount(),
    ]),
    [1, 0, 3, ["a"], null, ["c"], false, 2],
  );
  await assert.rejects(thread.run(({ resources }) => resources.resource(4)), {
    name: "RangeError",
  });
});

Deno.test("a desk shows growth and freeing at once, to a worker without a turn as well", async () => {
  using _ = started();
  using thread = await untrusted(1);
  await thread.run(register, "a");
  const gate = new Int32Array(new SharedArrayBuffer(8));
  const seen = thread.run(block, gate);
  await Atomics.waitAsync(gate, 1, 0).value;
  freeId(findId("a"));
  allocateId("b");
  openGate(gate);
  assert.deepEqual(await seen, [0, 2, "+a", "-a"]);
});

Deno.test("allocateId() in an untrusted worker is answered while the worker blocks", async () => {
  using _ = started();
  using one = await untrusted(1);
  using two = await untrusted(2);
  assert.equal(await one.run(register, "w"), 1);
  assert.deepEqual(await one.run(({ resources }) => resources.resource(1)), { name: "w" });
  assert.equal(findId("w"), 1);
  assert.throws(() => resource(1), resources.MissingResourceError);
  // Known by then, so that no call is needed.
  two.isDeaf = true;
  assert.equal(await two.run(register, "w"), 1);
  assert.deepEqual([await one.log(), await two.log()], [["+w"], ["+w"]]);
});

Deno.test("allocateId() in an untrusted worker gives 0 after a second without an answer, and registers nothing", async () => {
  using _ = started();
  using thread = await untrusted(1);
  thread.isDeaf = true;
  const waited = await thread.run(({ resources, log }) => {
    const since = performance.now();
    const dtor = () => void log.push("-late");
    const id = resources.allocateId("late", { ctor: () => ({}), dtor });
    return [id, resources.findId("late"), performance.now() - since >= 1000, ...log];
  });
  assert.deepEqual(waited, [0, 0, true, "-late"]);
  // The call comes late: its ticket is no longer there.
  thread.services.resourceAllocate!(1, "late", "thread", false);
  assert.equal(findId("late"), 0);
  thread.isDeaf = false;
  assert.equal(await thread.run(register, "late"), 1);
});

Deno.test("a module that an untrusted worker names is imported by nobody else", async () => {
  using _ = started();
  using one = await untrusted(1);
  using two = await trusted();
  const module = moduleOf("globalThis.escaped = true; export default () => ({});");
  const id = await one.run(({ resources }, module) => {
    return resources.allocateId("w", { ctor: () => ({}), module });
  }, module);
  await settled(id);
  assert.throws(() => resource(id), { code: "RESOURCE_MISSING" });
  const escaped = () => "escaped" in globalThis;
  assert.deepEqual([escaped(), await two.run(escaped)], [false, false]);
});

Deno.test("freeId() in an untrusted worker frees for all only what it registered first", async () => {
  using _ = started();
  const mine = allocateId("mine");
  using one = await untrusted(1);
  using two = await untrusted(2);
  const w = await one.run(register, "w");
  await two.run(register, "w");
  const free = async ({ resources, log }: Inside, id: number) => {
    resources.freeId(id);
    resources.freeId(id);
    await resources.settled(id);
    return [resources.resource(id), ...log];
  };
  assert.deepEqual(await two.run(free, mine), [null, "+w"]);
  assert.deepEqual(await two.run(free, w), [null, "+w", "-w"]);
  assert.deepEqual([resource(mine), findId("w")], [{}, w]);
  assert.deepEqual(await one.run(({ resources }, id) => resources.resource(id), w), { name: "w" });
  assert.deepEqual(await one.run(free, w), [null, "+w", "-w"]);
  assert.equal(findId("w"), 0);
});

Deno.test("settled() waits for untrusted workers, and for none that has left", async () => {
  using _ = started();
  using one = await untrusted(1);
  using two = await untrusted(2);
  const gate = new Int32Array(new SharedArrayBuffer(8));
  const seen = two.run(block, gate);
  await Atomics.waitAsync(gate, 1, 0).value;
  const id = allocateId("a");
  let isSettled = false;
  const waiting = settled(id).then(() => isSettled = true);
  // It answers only after a turn of its own, in which it has seen the id.
  assert.equal(await one.run(({ resources }) => resources.findId("a")), id);
  assert.equal(isSettled, false);
  two.enrolment.leave("abandoned");
  await waiting;
  openGate(gate);
  await seen;
  assert.deepEqual(threadStatistics(), { live: 2, started: 3, ended: 0, abandoned: 1 });
  one.enrolment.leave("orderly");
  one.enrolment.leave("abandoned");
  assert.deepEqual(threadStatistics(), { live: 1, started: 3, ended: 1, abandoned: 1 });
});

Deno.test("settled() in a trusted thread and in an untrusted worker waits for all", async () => {
  using _ = started();
  using one = await untrusted(1);
  using two = await trusted();
  const settle = async ({ resources }: Inside, name: string) => {
    const id = resources.allocateId(name);
    await resources.settled(id);
    return id;
  };
  assert.equal(await one.run(settle, "a"), 1);
  assert.equal(await two.run(settle, "b"), 2);
  for (const thread of [one, two]) {
    const all = await thread.run(({ resources }) => Object.keys(resources.resource<object>(0)));
    assert.ok(all.includes("2"), `${all}`);
  }
});

Deno.test("freeThread() and shutdown() run an untrusted worker's destructors, the highest id first", async () => {
  using _ = started();
  using one = await untrusted(1);
  using two = await untrusted(2);
  for (const thread of [one, two]) for (const name of ["a", "b"]) await thread.run(register, name);
  await one.run(({ resources }) => resources.freeThread());
  assert.deepEqual(await one.log(), ["+a", "+b", "-b", "-a"]);
  await settled(allocateId("c"));
  resources.shutdown();
  await two.run(({ resources }) => resources.isShutdown());
  assert.deepEqual(await two.log(), ["+a", "+b", "-b", "-a"]);
  assert.deepEqual(await two.run(({ resources }) => resources.allocateId("d")), 0);
});

Deno.test("an identity that is enrolled again counts the worker before as abandoned", async () => {
  using _ = started();
  using _one = await untrusted(5);
  const again = enroll(5);
  assert.deepEqual(threadStatistics(), { live: 2, started: 3, ended: 0, abandoned: 1 });
  again.leave("orderly");
  assert.deepEqual(threadStatistics(), { live: 1, started: 3, ended: 1, abandoned: 1 });
  await settled(allocateId("a"));
});

Deno.test("joinDesk() once more destroys what was left first, and refuses what is no desk", async () => {
  using _ = started();
  using thread = await untrusted(1);
  await thread.run(register, "a");
  const { desk } = enroll(1);
  const log = await thread.run(({ resources, log, call }, desk) => {
    resources.joinDesk(desk, call, 1);
    return [...log, resources.findId("a")];
  }, desk);
  assert.deepEqual(log, ["+a", "-a", 1]);
  for (const wrong of [new ArrayBuffer(512), new SharedArrayBuffer(8), undefined]) {
    const join = ({ resources, call }: Inside, wrong: unknown) =>
      resources.joinDesk(wrong as SharedArrayBuffer, call, 1);
    await assert.rejects(thread.run(join, wrong), { name: "TypeError" });
  }
});

Deno.test("the services of a worker check what they are given", () => {
  using _ = started();
  const enrolment = enroll(1);
  const { desk, services } = enrolment;
  const words = new Int32Array(desk);
  words[WORD.ticket] = 5;
  const wrong: unknown[][] = [
    [],
    [0, "a", "thread", false],
    [-5, "a", "thread", false],
    ["5", "a", "thread", false],
    [2 ** 31, "a", "thread", false],
    [5, "", "thread", false],
    [5, "n".repeat(129), "thread", false],
    [5, { toString: () => "a" }, "thread", false],
    [5, "a", "process", false],
    [5, "a", "thread", 1],
  ];
  for (const args of wrong) assert.throws(() => services.resourceAllocate!(...args), TypeError);
  for (const id of ["1", 1, {}, null, NaN, -1]) services.resourceFree!(id);
  services.resourceAllocate!(6, "a", "thread", false); // not the ticket that is open
  assert.deepEqual([words[WORD.ticket], resource<unknown[]>(0).length], [5, 1]);
  assert.equal(answerOf(enrolment, "a", "request", false), 1);
  enrolment.leave("orderly");
  assert.equal(answerOf(enrolment, "b", "request", false), 0);
  assert.equal(findId("b"), 0);
});

Deno.test("untrusted workers can cause 256 ids and no more; the entry has the rest", () => {
  using _ = started();
  const [one, two] = [enroll(1), enroll(2)];
  for (let n = 1; n <= 256; n++) {
    assert.equal(answerOf(n % 2 === 0 ? one : two, `n${n}`, "thread", false), n);
  }
  for (const enrolment of [one, two, enroll(3)]) {
    assert.equal(answerOf(enrolment, "more", "thread", false), 0);
    assert.equal(answerOf(enrolment, "n7", "thread", false), 7);
  }
  one.services.resourceFree!(2);
  assert.equal(answerOf(one, "more", "thread", false), 0);
  assert.deepEqual([findId("n2"), allocateId("of the entry")], [0, 257]);
});

Deno.test("the entry takes a name back that a worker has registered for another scope", () => {
  using _ = started();
  const enrolment = enroll(1);
  assert.equal(answerOf(enrolment, "session", "request", false), 1);
  assert.equal(allocateId("session", { ctor: () => ["mine"] }), 2);
  assert.deepEqual([resource(1), resource(2)], [null, ["mine"]]);
});

Deno.test("a worker that writes its desk misleads only itself", async () => {
  using _ = started();
  allocateId("a", { ctor: () => ["main"] });
  const enrolment = enroll(1);
  using honest = await untrusted(2);
  using hostile = new TestThread(1);
  await hostile.run((_, desk) => {
    desk.grow(desk.maxByteLength);
    new Int32Array(desk).fill(-1);
  }, enrolment.desk);
  const b = allocateId("b", { ctor: () => ["b"] });
  freeId(1);
  assert.equal(answerOf(enrolment, "c", "thread", false), 3);
  // It says that it is behind, as it could by being busy; that ends with it.
  const waiting = settled(b);
  hostile[Symbol.dispose]();
  enrolment.leave("abandoned");
  await waiting;
  assert.deepEqual([resource(1), resource(b), findId("a")], [null, ["b"], 0]);
  assert.deepEqual(
    await honest.run(({ resources }) => [resources.findId("a"), resources.findId("b")]),
    [0, b],
  );
  assert.deepEqual(threadStatistics(), { live: 2, started: 3, ended: 0, abandoned: 1 });
});
