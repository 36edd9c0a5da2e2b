import assert from "node:assert/strict";
import { stub } from "@std/testing/mock";
import { RuntimeError } from "../../../runtime/errors.ts";
import { FLAGS } from "../../../runtime/pool/protocol.ts";
import { until } from "../http/support.ts";
import { type FakePool, fakePool, type FakeThread } from "./fake_thread.ts";

/** What waits for workers and timers of promises has happened. */
const settled = () => new Promise((resolve) => setTimeout(resolve));
const code = (expected: string) => (error: unknown) => {
  assert.equal((error as { code: string }).code, expected);
  return true;
};
const payloads = (threads: FakeThread[]) =>
  threads.flatMap(({ runs }) => runs.map((r) => r.payload));

Deno.test("Pool.submit() starts workers on demand up to workers and runs tasks first in, first out", async () => {
  const { pool, threads, submit } = fakePool();
  const tasks = ["a", "b", "c", "d"].map((name) => submit(name));
  await settled();
  assert.equal(threads.length, 2);
  assert.deepEqual(payloads(threads), ["a", "b"]);
  const { workers, busy, queued, ended, refused, leaked } = pool.status();
  assert.deepEqual([workers, busy, queued, ended, refused, leaked], [2, 2, 2, 0, 0, 0]);
  assert.deepEqual(tasks.map(({ state }) => state), ["running", "running", "queued", "queued"]);
  threads[1]!.answer("B");
  assert.equal(await tasks[1]!.answer, "B");
  await tasks[1]!.ended;
  assert.deepEqual(payloads(threads), ["a", "c"]);
  threads[0]!.answer("A");
  await tasks[0]!.ended;
  assert.deepEqual(payloads(threads), ["d", "c"]);
  for (const thread of threads) thread.answer("over");
  await Promise.all(tasks.map(({ ended }) => ended));
  assert.equal(pool.status().ended, 4);
  await pool.close(10);
});

Deno.test("Pool.submit() starts one worker for one task after another", async () => {
  const { pool, threads, submit } = fakePool();
  for (const name of ["a", "b", "c"]) {
    const task = submit(name);
    await until(() => threads[0]?.runs.length === 1);
    threads[0]!.answer(name);
    await task.ended;
  }
  assert.equal(threads.length, 1);
  await pool.close(10);
});

Deno.test("Pool.submit() refuses what the queue cannot hold", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1, queueLimit: 1 });
  submit("a");
  await settled();
  const queued = submit("b");
  assert.throws(() => submit("c"), code("QUEUE_FULL"));
  assert.throws(() => submit("c"), /Cannot start c: the queue of pool fake holds 1 of 1/);
  assert.equal(pool.status().refused, 2);
  threads[0]!.answer("a");
  await settled();
  submit("d").cancel();
  threads[0]!.answer("b");
  assert.equal(await queued.answer, "b");
  await pool.close(10);
});

Deno.test("Pool.submit() takes a task for an idle worker also without a queue", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1, queueLimit: 0, spares: 1 });
  await pool.warm();
  const task = submit("a");
  assert.throws(() => submit("b"), code("QUEUE_FULL"));
  await settled();
  threads[0]!.answer("A");
  assert.equal(await task.answer, "A");
  await pool.close(10);
});

Deno.test("Pool retires workers above spares that stay idle", async () => {
  const { pool, threads, submit } = fakePool({ workers: 3, spares: 1, idleMs: 5 });
  await pool.warm();
  const tasks = ["a", "b", "c"].map((name) => submit(name));
  await until(() => payloads(threads).length === 3);
  for (const thread of threads) thread.answer("over");
  await Promise.all(tasks.map(({ ended }) => ended));
  await until(() => pool.status().workers === 1);
  assert.equal(threads.filter(({ alive }) => alive).length, 1);
  assert.deepEqual(threads.map(({ reason }) => reason).filter(Boolean), ["closed", "closed"]);
  await pool.close(10);
});

/** Starts threads that say that every task took next to no time. */
const quick = (make: () => FakeThread) => Promise.resolve(Object.assign(make(), { ms: 0.05 }));
/** So quick that no other worker is woken for them. */
const veryQuick = (make: () => FakeThread) => Promise.resolve(Object.assign(make(), { ms: 0.005 }));

/** Runs one task on whichever thread gets it, and says which that was. */
async function runOne({ threads, submit }: FakePool, name: string, flags = 0): Promise<number> {
  const task = submit(name);
  await until(() => payloads(threads).includes(name));
  const thread = threads.find(({ runs }) => runs.some(({ payload }) => payload === name))!;
  thread.runs.shift()!.answer(name, flags);
  await task.ended;
  return thread.id;
}

Deno.test("Pool gives each worker exactly maxRequests tasks, its successor ready before the last", async () => {
  const fake = fakePool({ workers: 1, maxRequests: 3 });
  const { pool, threads } = fake;
  const ran: number[] = [];
  for (let i = 0; i < 9; i++) {
    ran.push(await runOne(fake, String(i)));
    if (i % 3 === 2) await until(() => threads.length === i / 3 + 4 / 3);
  }
  assert.deepEqual(ran, [1, 1, 1, 2, 2, 2, 3, 3, 3]);
  // An idle worker that is due waits for the next task.
  await until(() => !threads[1]!.alive);
  assert.deepEqual(threads.map(({ alive }) => alive), [false, false, true, true]);
  await pool.close(10);
});

Deno.test("Pool replaces a worker whose session is older than maxAgeMs, but not one without a session", async () => {
  const fake = fakePool({ workers: 1, spares: 1, maxAgeMs: 1 });
  await fake.pool.warm();
  const born = performance.now();
  await until(() => performance.now() - born > 3);
  assert.equal(await runOne(fake, "a"), 1);
  const used = performance.now();
  await until(() => performance.now() - used > 3);
  assert.equal(await runOne(fake, "b"), 2);
  await until(() => !fake.threads[0]!.alive);
  assert.equal(fake.threads[0]!.reason, "closed");
  await fake.pool.close(10);
});

Deno.test("Pool replaces a worker that has asked for it, and never sends it another task", async () => {
  const fake = fakePool({ workers: 1 });
  assert.equal(await runOne(fake, "a"), 1);
  assert.equal(await runOne(fake, "b", FLAGS.reset), 1);
  await until(() => fake.threads.length === 2);
  assert.equal(await runOne(fake, "c"), 2);
  await until(() => !fake.threads[0]!.alive);
  assert.equal(fake.threads[0]!.reason, "closed");
  await fake.pool.close(10);
});

Deno.test("Pool with fresh sessions gives every task a worker of its own and keeps spares ready", async () => {
  const fake = fakePool({ workers: 2, spares: 2, maxRequests: 1, fresh: true });
  await fake.pool.warm();
  const ran = [];
  for (let i = 0; i < 5; i++) {
    ran.push(await runOne(fake, String(i)));
    await until(() => fake.pool.status().crew.filter(({ state }) => state === "idle").length === 2);
  }
  assert.equal(new Set(ran).size, 5);
  await until(() => fake.threads.filter(({ alive }) => alive).length === 2);
  await fake.pool.close(10);
});

Deno.test("Pool sends quick tasks ahead, several in a message, and slow ones one by one", async () => {
  const fake = fakePool({ workers: 1, queueLimit: 100 }, veryQuick);
  const { pool, threads, submit } = fake;
  for (let i = 0; i < 8; i++) await runOne(fake, `warm ${i}`);
  const [thread] = threads as [FakeThread];
  thread.lazy = true;
  for (const ahead of [64, 16]) {
    for (let i = 0; i < 80; i++) submit(`quick ${i}`);
    await settled();
    assert.equal(thread.waiting.length, ahead, "fewer when they take longer");
    assert.equal(pool.status().queued, 80 - ahead);
    thread.ms = 0.2;
    while (thread.begin()) thread.answer("over");
  }
  assert.equal(pool.status().ended, 168);
  // A route that has become slow is not sent ahead any more.
  submit("slow");
  await settled();
  thread.begin();
  thread.ms = 50;
  thread.answer("over");
  await settled();
  for (let i = 0; i < 3; i++) submit(`slow ${i}`);
  await settled();
  assert.equal(thread.waiting.length, 1);
  await pool.close(10);
});

Deno.test("Pool leaves very quick tasks to a worker that is busy with such, until that one stalls", async () => {
  const fake = fakePool({ workers: 2, queueLimit: 100 }, veryQuick);
  const { pool, threads, submit } = fake;
  const both = [submit("x"), submit("y")];
  await until(() => payloads(threads).length === 2);
  for (const thread of threads) thread.answer("over");
  await Promise.all(both.map(({ ended }) => ended));
  for (let i = 0; i < 8; i++) await runOne(fake, `warm ${i}`);
  for (const thread of threads) thread.lazy = true;
  // However slow this machine is, no time passes.
  const now = performance.now();
  const clock = stub(performance, "now", () => now);
  const tasks = [submit("first")];
  await Promise.resolve();
  const busy = threads.find(({ waiting }) => waiting.length > 0)!;
  const other = threads.find((thread) => thread !== busy)!;
  busy.begin();
  for (let i = 0; i < 9; i++) tasks.push(submit(`quick ${i}`));
  await Promise.resolve();
  assert.deepEqual([busy.waiting.length, other.waiting.length], [9, 0]);
  clock.restore();
  // It answers nothing more, and there is nothing else that would stir the pool.
  await until(() => other.waiting.length > 0);
  await until(() => {
    while (other.begin()) other.answer("over");
    return pool.status().ended === 2 + 8 + 9;
  });
  assert.equal(busy.begin(), false, "all but the one that it has begun with were taken back");
  busy.answer("late");
  await Promise.all(tasks.map(({ ended }) => ended));
  await pool.close(10);
});

/** A pool of workers that are known to be very quick, each left alone with what it is sent, on a clock of the test's. */
async function lazyPool(workers: number, routes: Record<string, number> = {}) {
  const fake = fakePool({ workers, spares: workers, queueLimit: 1000 }, veryQuick);
  const { pool, threads, submit } = fake;
  await pool.warm();
  for (const [route, ms] of Object.entries({ "": 0.005, ...routes })) {
    for (const thread of threads) thread.ms = ms;
    for (let i = 0; i < 8; i++) {
      const task = submit("warm", { route });
      await until(() => payloads(threads).length === 1);
      threads.find(({ runs }) => runs.length > 0)!.answer("over");
      await task.ended;
    }
  }
  for (const thread of threads) thread.lazy = true;
  let time = performance.now();
  const clock = stub(performance, "now", () => time);
  return {
    ...fake,
    /** What each worker was sent and has not begun with. */
    sent: () => threads.map(({ waiting }) => waiting.map(([, , payload]) => payload)),
    pass: (ms: number) => time += ms,
    [Symbol.asyncDispose]: async () => {
      clock.restore();
      await pool.close(10);
    },
  };
}

Deno.test("Pool leaves very quick tasks to no worker that stalls while another is busy with such", async () => {
  await using fake = await lazyPool(3);
  const { threads, submit, sent, pass } = fake;
  submit("slow");
  await Promise.resolve();
  const stalled = threads.findIndex(({ waiting }) => waiting.length > 0);
  threads[stalled]!.begin();
  pass(3);
  for (const name of ["a", "b", "c"]) {
    submit(name);
    await Promise.resolve();
  }
  assert.deepEqual(sent()[stalled], []);
  assert.deepEqual(sent().flat(), ["a", "b", "c"]);
});

Deno.test("Pool takes back what stands behind a worker that stalls although another holds more", async () => {
  await using fake = await lazyPool(3);
  const { threads, submit, sent, pass } = fake;
  submit("other", { route: "unknown" });
  await Promise.resolve();
  const other = threads.find(({ waiting }) => waiting.length > 0)!;
  other.begin();
  submit("slow");
  await Promise.resolve();
  const stalled = threads.find(({ waiting }) => waiting.length > 0)!;
  stalled.begin();
  submit("innocent");
  await Promise.resolve();
  pass(3);
  for (let i = 0; i < 5; i++) {
    submit(`quick ${i}`);
    await Promise.resolve();
  }
  assert.deepEqual(sent().map(({ length }) => length).sort(), [0, 1, 5]);
  other.answer("over");
  assert.deepEqual(other.waiting.map(([, , payload]) => payload), ["innocent"]);
});

Deno.test("Pool leaves nothing but very quick tasks to busy workers, and holds up nothing that stands behind them", async () => {
  await using fake = await lazyPool(4, { middling: 0.3 });
  const { threads, submit, sent } = fake;
  const parent = submit("parent");
  await Promise.resolve();
  const above = threads.find(({ waiting }) => waiting.length > 0)!;
  above.begin();
  submit("quick 1");
  submit("middling", { route: "middling" });
  submit("slow child", { route: "unknown", parent }).wait();
  await Promise.resolve();
  const where = (name: string) => sent().findIndex((names) => names.includes(name));
  assert.equal(threads[where("quick 1")], above);
  assert.ok(threads[where("middling")] !== above);
  assert.ok(
    threads[where("slow child")] !== above,
    "it is lent although others have nothing to do",
  );
});

Deno.test("Pool spreads what is very quick over all workers when one such task took long not long ago", async () => {
  await using fake = await lazyPool(3);
  const { threads, submit, sent } = fake;
  const one = async (ms: number) => {
    const task = submit("one");
    await Promise.resolve();
    const thread = threads.find(({ waiting }) => waiting.length > 0)!;
    thread.ms = ms;
    thread.begin();
    thread.answer("over");
    await task.ended;
  };
  await one(20);
  for (let i = 0; i < 100; i++) await one(0.005);
  for (const name of ["a", "b", "c"]) {
    submit(name);
    await Promise.resolve();
  }
  assert.deepEqual(sent().map(({ length }) => length), [1, 1, 1]);
});

Deno.test("Pool sends ahead fewer tasks that take longer also behind one that is very quick", async () => {
  await using fake = await lazyPool(1, { middling: 0.4 });
  const { submit, sent } = fake;
  for (let i = 0; i < 64; i++) submit(`quick ${i}`);
  for (let i = 0; i < 64; i++) submit(`middling ${i}`, { route: "middling" });
  await Promise.resolve();
  const middling = sent().flat().filter((name) => (name as string).startsWith("middling"));
  assert.ok(middling.length > 0 && middling.length <= 8, `${middling.length}`);
});

Deno.test("Pool takes back what a worker has not begun with when another has nothing to do", async () => {
  const fake = fakePool({ workers: 2, queueLimit: 100 }, quick);
  const { pool, threads, submit } = fake;
  const both = [submit("x"), submit("y")];
  await until(() => payloads(threads).length === 2);
  for (const thread of threads) thread.answer("over");
  await Promise.all(both.map(({ ended }) => ended));
  for (let i = 0; i < 8; i++) await runOne(fake, `warm ${i}`);
  for (const thread of threads) thread.lazy = true;
  const tasks = Array.from({ length: 16 }, (_, i) => submit(`quick ${i}`));
  await settled();
  const [stuck, other] = threads as [FakeThread, FakeThread];
  assert.equal(stuck.waiting.length + other.waiting.length, 16);
  stuck.begin();
  const behind = stuck.waiting.length;
  assert.ok(behind > 1);
  for (let turn = 0; turn < 50; turn++) {
    while (other.begin()) other.answer("over");
    await settled();
  }
  assert.equal(stuck.begin(), false, "the last one was taken back as well");
  stuck.answer("late");
  await Promise.all(tasks.map(({ ended }) => ended));
  assert.equal(pool.status().ended, 26);
  await pool.close(10);
});

Deno.test("Pool runs elsewhere what a worker that ends has not begun with", async () => {
  const fake = fakePool({ workers: 1, queueLimit: 100 }, quick);
  const { pool, threads, submit } = fake;
  for (let i = 0; i < 8; i++) await runOne(fake, `warm ${i}`);
  threads[0]!.lazy = true;
  const tasks = Array.from({ length: 4 }, (_, i) => submit(`quick ${i}`));
  const moved = submit("moved", { transferables: [new ArrayBuffer(1)] });
  await settled();
  threads[0]!.begin();
  threads[0]!.end("exited", "it left");
  await assert.rejects(tasks[0]!.answer, code("THREAD_EXITED"));
  for (let turn = 0; turn < 50; turn++) {
    while ((threads[1]?.runs.length ?? 0) > 0) threads[1]!.answer("over");
    await settled();
  }
  assert.deepEqual(await Promise.all(tasks.slice(1).map(({ answer }) => answer)), [
    "over",
    "over",
    "over",
  ]);
  assert.equal(await moved.answer, "over");
  await pool.close(10);
});

Deno.test("Pool takes tasks back from a worker that begins with nothing, and gives it up when it is stuck", async () => {
  const { pool, threads, leaks, submit } = fakePool({ workers: 2, spares: 2, heartbeatMs: 20 });
  await pool.warm();
  const [stuck, other] = threads as [FakeThread, FakeThread];
  stuck.lazy = true;
  stuck.answers = false;
  const task = submit("a");
  await until(() => other.runs.length === 1);
  assert.equal(pool.status().crew.find(({ id }) => id === stuck.id)?.state, "suspect");
  other.answer("A");
  assert.equal(await task.answer, "A");
  await until(() => leaks() === 1);
  assert.equal(stuck.reason, "stuck");
  await until(() => pool.status().workers === 2);
  assert.match(pool.status().ends[0]!.why, /no sign of life/);
  await pool.close(10);
});

Deno.test("Pool lets a worker go on that was only slow to begin", async () => {
  const { pool, threads, leaks, submit } = fakePool({ workers: 1, spares: 1, heartbeatMs: 20 });
  await pool.warm();
  const [thread] = threads as [FakeThread];
  thread.lazy = true;
  const task = submit("a");
  // It answers its heartbeat and gets the task again.
  await until(() => thread.waiting.length >= 2);
  assert.equal(thread.begin(), true);
  thread.answer("A");
  assert.equal(await task.answer, "A");
  assert.equal(leaks(), 0);
  assert.equal(thread.begin(), false);
  await pool.close(10);
});

Deno.test("Pool replaces a worker that turns and never begins with a task, and loses no task by it", async () => {
  const fake = fakePool(
    { workers: 1 },
    (make) => {
      const thread = make();
      thread.lazy = thread.id === 1;
      return Promise.resolve(thread);
    },
  );
  const task = fake.submit("a");
  await until(() => fake.threads[1]?.runs.length === 1);
  assert.deepEqual([fake.threads[0]!.reason, fake.leaks()], ["failed", 0]);
  fake.threads[1]!.answer("A");
  assert.equal(await task.answer, "A");
  await fake.pool.close(10);
});

Deno.test("Pool ends a worker that answers twice, a task that it was not sent, or nonsense", async () => {
  const wrongs: [RegExp, (thread: FakeThread, id: number) => void][] = [
    [/not open/, (thread, id) => thread.post([id, 0, "A", 1], [id, 0, "A", 1])],
    [/twice/, (thread, id) => thread.post([id, FLAGS.open, "A", 1], [id, 0, "A", 1])],
    [/not open/, (thread) => thread.post([12345, 0, "A", 1])],
    [/not its to give/, (thread, id) => thread.post([id, FLAGS.back, null, 1])],
    [/not answered/, (thread, id) => thread.post([id, FLAGS.done, null, 1])],
    [/malformed/, (thread) => thread.post("A")],
    [/malformed/, (thread, id) => thread.post([id, "x", "A", 1])],
    [/malformed/, (thread, id) => thread.post([id, 0, "A", "x"])],
    [/malformed/, (thread, id) => thread.post([id, 0, "A", NaN])],
    [/malformed/, (thread, id) => thread.post([id, 64, "A", 1])],
    [/done with a task twice/, (thread, id) => {
      thread.post([id, FLAGS.open, "stream", 1], [id, FLAGS.done, null, 1]);
      thread.post([id, FLAGS.done, null, 1]);
    }],
    [/error that is none/, (thread, id) => thread.post([id, FLAGS.error, 5, 1])],
    [/with a ReadableStream/, (thread, id) => {
      const extra = new ReadableStream();
      thread.post([id, FLAGS.error, { name: "Error", message: "m", extra }, 1]);
    }],
    [/with a ReadableStream/, (thread, id) => {
      thread.post([id, FLAGS.open, "A", 1], [id, FLAGS.done, [new ReadableStream()], 1]);
    }],
    [/no text/, (thread, id) => thread.post([id, 0, 5, 1])],
  ];
  for (const [fault, wrong] of wrongs) {
    const { pool, threads, submit } = fakePool({ workers: 1 });
    const task = submit("a", {
      accept: (value) => {
        if (value === "stream") return { value, drained: new Promise(() => {}) };
        if (typeof value === "string") return { value };
        throw new TypeError("no text");
      },
    });
    await until(() => threads[0]?.runs.length === 1);
    wrong(threads[0]!, task.id);
    await until(() => !threads[0]!.alive);
    assert.equal(threads[0]!.reason, "violated");
    await task.ended;
    assert.match(pool.status().ends[0]!.why, fault);
    await until(() => threads.length === 2);
    await pool.close(10);
  }
});

/** Two workers of one pool that are known to be quick, and what each has in its ring. */
async function quickPair() {
  const fake = fakePool({ workers: 2, queueLimit: 200 }, quick);
  const both = [fake.submit("x"), fake.submit("y")];
  await until(() => payloads(fake.threads).length === 2);
  for (const thread of fake.threads) thread.answer("over");
  await Promise.all(both.map(({ ended }) => ended));
  for (let i = 0; i < 8; i++) await runOne(fake, `warm ${i}`);
  const [vandal, other] = fake.threads as [FakeThread, FakeThread];
  const ringOf = ({ start }: FakeThread) => new Int32Array(start.ring!);
  return { ...fake, vandal, other, ring: ringOf(vandal) };
}

Deno.test("Pool runs no task again that a worker has answered, whatever it writes in its ring", async () => {
  const { pool, submit, vandal, other, ring } = await quickPair();
  vandal.lazy = other.lazy = true;
  const tasks = Array.from({ length: 8 }, (_, i) => submit(`task ${i}`));
  await settled();
  const held = vandal.waiting.map(([id]) => id);
  assert.ok(held.length > 1);
  const keys = ring.slice();
  // It answers all that it has, and pretends to have begun with nothing.
  for (const id of held) vandal.post([id, FLAGS.open, "answered", 0.05]);
  ring.set(keys);
  for (let turn = 0; turn < 20; turn++) {
    while (other.begin()) other.answer("over");
    await settled();
  }
  assert.equal(other.alive, true);
  assert.ok(other.runs.length === 0);
  for (const id of held) vandal.post([id, FLAGS.done, null, 0.05]);
  const answers = await Promise.all(tasks.map(({ answer }) => answer));
  assert.equal(answers.filter((answer) => answer === "answered").length, held.length);
  await pool.close(10);
});

Deno.test("Pool ends a worker that answers another's task, or one that was taken from it", async () => {
  const { pool, threads, submit } = fakePool();
  const [one, two] = [submit("one"), submit("two")];
  await until(() => payloads(threads).length === 2);
  threads[0]!.post([two.id, 0, "forged", 1]);
  assert.equal(threads[0]!.reason, "violated");
  threads[1]!.answer("two");
  assert.equal(await two.answer, "two");
  await assert.rejects(one.answer, code("BAD_MESSAGE"));
  threads[1]!.lazy = true;
  const taken = submit("taken");
  await until(() => threads[1]!.waiting.length === 1);
  taken.cancel();
  await taken.ended;
  threads[1]!.post([taken.id, 0, "forged", 1]);
  assert.equal(threads[1]!.reason, "violated");
  await assert.rejects(taken.answer, code("CANCELLED"));
  await pool.close(10);
});

Deno.test("Pool does not move a task to another worker whose payload has moved already", async () => {
  const { pool, threads, submit } = fakePool();
  const [parent, other] = [submit("parent"), submit("other")];
  await until(() => payloads(threads).length === 2);
  threads[0]!.lazy = true;
  const { readable } = new TransformStream();
  const child = submit("child", { parent, transferables: [readable] });
  child.wait();
  await until(() => threads[0]!.waiting.length === 1);
  threads[1]!.answer("over");
  await other.ended;
  await settled();
  assert.deepEqual([threads[1]!.runs.length, threads[0]!.begin()], [0, true]);
  for (const run of [...threads[0]!.runs].reverse()) run.answer("over");
  assert.equal(await child.answer, "over");
  await pool.close(10);
});

const RINGS: [string, (ring: Int32Array) => unknown][] = [
  ["nothing", (ring) => ring.fill(0)],
  ["that all is taken", (ring) => ring.fill(1)],
  ["that all has begun", (ring) => ring.fill(-1)],
  ["what it likes", (ring) => ring.forEach((_, i) => ring[i] = (i * 2654435761) | 0)],
  ["the next tasks", (ring) => ring.forEach((_, i) => ring[i] = i)],
];

Deno.test.each(RINGS)(
  "Pool stays whole when a worker writes %s into its ring",
  async (_, write) => {
    const { pool, submit, vandal, other, ring } = await quickPair();
    vandal.lazy = true;
    const tasks = Array.from({ length: 60 }, (_, i) => submit(`task ${i}`, { timeoutMs: 60 }));
    for (let turn = 0; turn < 40; turn++) {
      write(ring);
      for (const task of tasks) assert.ok(["queued", "running", "ended"].includes(task.state));
      while (other.runs.length > 0) other.answer("over");
      vandal.begin();
      while (vandal.runs.length > 0) vandal.answer("over");
      await settled();
    }
    const fates = await Promise.allSettled(tasks.map(({ answer }) => answer));
    for (const fate of fates) {
      const gone = fate.status === "rejected" && fate.reason.code;
      assert.ok(gone === false || ["DEADLINE_EXCEEDED", "BAD_MESSAGE"].includes(gone), `${gone}`);
    }
    assert.equal(other.alive, true);
    await pool.close(10);
  },
);

Deno.test("Pool lends a worker to more children than its ring has places", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1, queueLimit: 500 });
  const parent = submit("parent");
  await settled();
  const children = Array.from({ length: 100 }, (_, i) => submit(`${i}`, { parent }));
  for (const child of children) child.wait();
  await settled();
  assert.deepEqual(children.map(({ state }) => state), Array(100).fill("running"));
  for (const run of [...threads[0]!.runs].reverse()) run.answer(run.payload);
  const answers = await Promise.all(children.map(({ answer }) => answer));
  assert.deepEqual(answers, children.map((_, i) => `${i}`));
  await parent.ended;
  await pool.close(10);
});

Deno.test("Pool takes tasks of a higher priority first, and lets routes take turns", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1, queueLimit: 100 });
  submit("first");
  await settled();
  for (const name of ["a1", "a2", "a3"]) submit(name, { route: "a" });
  submit("b1", { route: "b" });
  submit("low", { priority: "low" });
  submit("high", { priority: "high", route: "b" });
  const order: unknown[] = [];
  for (let i = 0; i < 7; i++) {
    await until(() => threads[0]!.runs.length === 1);
    order.push(threads[0]!.runs[0]!.payload);
    threads[0]!.answer("over");
    await settled();
  }
  assert.deepEqual(order, ["first", "high", "a1", "b1", "a2", "a3", "low"]);
  await pool.close(10);
});

Deno.test("Pool takes the newest first once newestFirstAt tasks wait", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1, queueLimit: 100, newestFirstAt: 2 });
  for (const name of ["a", "b", "c", "d", "e"]) {
    submit(name);
    await settled();
  }
  const order: unknown[] = [];
  for (let i = 0; i < 5; i++) {
    order.push(threads[0]!.runs[0]!.payload);
    threads[0]!.answer("over");
    await settled();
  }
  assert.deepEqual(order, ["a", "e", "d", "b", "c"]);
  await pool.close(10);
});

Deno.test("Pool lets a route that fills the queue make room for another", async () => {
  const { pool, submit } = fakePool({ workers: 1, queueLimit: 3 });
  submit("running");
  await settled();
  const flood = ["a1", "a2", "a3"].map((name) => submit(name, { route: "a" }));
  const other = submit("b1", { route: "b" });
  await assert.rejects(flood[2]!.answer, code("QUEUE_FULL"));
  assert.equal(other.state, "queued");
  assert.throws(() => submit("b2", { route: "b" }), code("QUEUE_FULL"));
  assert.equal(pool.status().refused, 2);
  await pool.close(10);
});

Deno.test("Pool.hold() lets only urgent tasks run, release() some of the others", async () => {
  const { pool, threads, submit } = fakePool({ workers: 4, spares: 4, queueLimit: 100 });
  await pool.warm();
  pool.hold(true);
  const waiting = ["a", "b", "c"].map((name) => submit(name));
  const urgent = submit("urgent", { priority: "high" });
  await settled();
  assert.equal(urgent.state, "running");
  assert.deepEqual(payloads(threads), ["urgent"]);
  pool.release(1);
  assert.deepEqual(waiting.map(({ state }) => state), ["running", "queued", "queued"]);
  pool.hold(false);
  assert.deepEqual(waiting.map(({ state }) => state), ["running", "running", "running"]);
  await pool.close(10);
});

Deno.test("Pool runs as many tasks at once on a worker as concurrency says", async () => {
  const { pool, threads, submit } = fakePool({ workers: 2, concurrency: 3, queueLimit: 100 });
  for (let i = 0; i < 8; i++) submit(String(i));
  await settled();
  assert.deepEqual(threads.map(({ runs }) => runs.length), [3, 3]);
  assert.equal(pool.status().queued, 2);
  await pool.close(10);
});

Deno.test("Pool.status() tells what each worker does, and why the last ones ended", async () => {
  const { pool, threads, submit } = fakePool({ workers: 2, queueLimit: 5 });
  const task = submit("pagelet /a");
  submit("pagelet /b");
  submit("pagelet /c");
  await until(() => payloads(threads).length === 2);
  const { crew, queued, queueAgeMs, session } = pool.status();
  assert.equal(session, "request");
  assert.equal(queued, 1);
  assert.ok(queueAgeMs >= 0);
  assert.deepEqual(crew.map(({ id, name, state, requests }) => [id, name, state, requests]), [
    [1, "fake 1", "busy", 0],
    [2, "fake 2", "busy", 0],
  ]);
  assert.deepEqual(crew[0]!.tasks.map(({ name, state }) => [name, state]), [
    ["pagelet /a", "running"],
  ]);
  threads[0]!.end("failed", "it crashed");
  await assert.rejects(task.answer, code("THREAD_EXITED"));
  await until(() => pool.status().workers === 2);
  const [end] = pool.status().ends;
  assert.deepEqual([end!.worker, end!.reason, end!.why, end!.requests], [
    1,
    "failed",
    "it crashed",
    0,
  ]);
  await pool.close(10);
});

Deno.test("Pool fails the waiting task when a worker cannot start, and tries again for the next", async () => {
  let attempts = 0;
  const { pool, lines, submit } = fakePool({ workers: 1 }, (make) => {
    attempts++;
    return attempts <= 2 ? Promise.reject(new TypeError("no start")) : Promise.resolve(make());
  });
  const first = submit("a");
  const second = submit("b");
  await assert.rejects(first.answer, new TypeError("no start"));
  await assert.rejects(second.answer, new TypeError("no start"));
  const third = submit("c");
  await until(() => third.state === "running");
  assert.equal(lines.filter(({ message }) => message.includes("could not start")).length, 2);
  await pool.close(10);
  assert.equal(pool.status().queued, 0);
});

Deno.test("Pool.warm() starts spares and rejects with what kept one from starting", async () => {
  const { pool, threads } = fakePool({ workers: 4, spares: 3 });
  await pool.warm();
  assert.equal(threads.length, 3);
  await pool.close(10);
  const broken = fakePool({ spares: 1 }, () => Promise.reject(new TypeError("no start")));
  await assert.rejects(broken.pool.warm(), new TypeError("no start"));
  await broken.pool.close(10);
});

Deno.test("Pool fails the tasks of a worker that ends, and goes on with another", async () => {
  const { pool, threads, lines, submit } = fakePool({ workers: 1 });
  const first = submit("a");
  const second = submit("b");
  await settled();
  threads[0]!.end("failed", "crashed");
  await assert.rejects(first.answer, code("THREAD_EXITED"));
  await until(() => threads[1]?.runs.length === 1);
  threads[1]!.answer("B");
  assert.equal(await second.answer, "B");
  assert.match(lines[0]!.message, /worker of pool fake ended/);
  await pool.close(10);
});

Deno.test("PoolTask.cancel() takes a queued task out and aborts a running one", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1 });
  const running = submit("a");
  const queued = submit("b");
  await settled();
  queued.cancel("not needed");
  await assert.rejects(queued.answer, /Cannot finish b: not needed/);
  assert.equal(pool.status().queued, 0);
  running.cancel(new Error("enough"));
  await assert.rejects(running.answer, code("CANCELLED"));
  assert.equal(running.signal.aborted, true);
  assert.deepEqual(threads[0]!.cancelled, [running.id]);
  assert.equal(pool.status().busy, 1);
  threads[0]!.answer("too late");
  await running.ended;
  assert.equal(threads[0]!.alive, true);
  assert.equal(pool.status().busy, 0);
  running.cancel();
  queued.cancel();
  await pool.close(10);
});

Deno.test("Pool replaces a worker whose handler ignores that it was cancelled", async () => {
  const { pool, threads, leaks, lines, submit } = fakePool({ workers: 1 });
  submit("a").cancel();
  const running = submit("b");
  await settled();
  running.cancel();
  await until(() => !threads[0]!.alive);
  assert.equal(threads[0]!.reason, "closed");
  assert.equal(leaks(), 0);
  assert.ok(lines.some(({ message }) => message.includes("was replaced: b did not stop")));
  await pool.close(10);
});

Deno.test("Pool counts a worker that answers nothing as leaked", async () => {
  const { pool, threads, leaks, submit } = fakePool({ workers: 1 });
  const running = submit("a");
  await settled();
  threads[0]!.answers = false;
  running.cancel();
  await until(() => !threads[0]!.alive);
  assert.equal(threads[0]!.reason, "stuck");
  assert.equal(leaks(), 1);
  assert.equal(pool.status().leaked, 1);
  await pool.close(10);
});

Deno.test("Pool ends tasks at their own, the pool's and the parent's deadline", async () => {
  const { pool, threads, submit } = fakePool({ workers: 4, deadlineMs: 60_000 });
  const own = submit("own", { timeoutMs: 5 });
  const child = submit("child", { parent: own, timeoutMs: 30_000 });
  const late = submit("late");
  assert.equal(child.deadline, own.deadline);
  assert.ok(late.remainingMs > 50_000);
  await until(() => own.error && child.error);
  await assert.rejects(own.answer, code("DEADLINE_EXCEEDED"));
  await assert.rejects(child.answer, code("DEADLINE_EXCEEDED"));
  assert.deepEqual(threads.flatMap(({ cancelled }) => cancelled).sort(), [own.id, child.id]);
  assert.ok(own.remainingMs === 0);
  assert.equal(late.error, undefined);
  await pool.close(10);
});

Deno.test("Pool gives up tasks that wait longer than maxQueueMs, not those that run", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1, maxQueueMs: 10 });
  const running = submit("a");
  const waiting = submit("b");
  await until(() => waiting.error);
  await assert.rejects(waiting.answer, code("QUEUE_TIMEOUT"));
  assert.equal(running.error, undefined);
  threads[0]!.answer("A");
  assert.equal(await running.answer, "A");
  await pool.close(10);
});

Deno.test("Pool lends the worker of a waiting parent to its children and grandchildren", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1 });
  const parent = submit("parent");
  await settled();
  const child = submit("child", { parent });
  await settled();
  assert.equal(child.state, "queued");
  child.wait();
  await settled();
  assert.equal(child.state, "running");
  const grandchild = submit("grandchild", { parent: child });
  grandchild.wait();
  await settled();
  assert.equal(grandchild.state, "running");
  assert.equal(threads.length, 1);
  for (const run of [...threads[0]!.runs].reverse()) run.answer(run.payload);
  await Promise.all([parent.ended, child.ended, grandchild.ended]);
  assert.equal(await grandchild.answer, "grandchild");
  await pool.close(10);
});

Deno.test("Pool does not lend the worker of one parent to another's child", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1 });
  const stranger = submit("stranger");
  await settled();
  const other = fakePool({ workers: 1 });
  const parent = other.submit("parent");
  const child = submit("child", { parent });
  child.wait();
  assert.equal(child.state, "queued");
  threads[0]!.answer("over");
  await stranger.ended;
  assert.equal(child.state, "running");
  await Promise.all([pool.close(10), other.pool.close(10)]);
});

Deno.test("Pool keeps a worker for a parent beside a child that does not stop", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1 });
  const parent = submit("parent");
  await settled();
  const child = submit("child", { parent });
  child.wait();
  await settled();
  child.cancel();
  await assert.rejects(child.answer, code("CANCELLED"));
  await until(() => child.overdue);
  assert.equal(threads[0]!.alive, true);
  assert.equal(parent.error, undefined);
  const next = submit("next");
  assert.equal(next.state, "queued");
  threads[0]!.runs.find(({ payload }) => payload === "parent")!.answer("done");
  assert.equal(await parent.answer, "done");
  await until(() => !threads[0]!.alive);
  await until(() => threads[1]?.runs.length === 1);
  await pool.close(10);
});

Deno.test("Pool.submit() refuses tasks that nest more than 32 levels deep", async () => {
  const { pool, submit } = fakePool();
  let parent = submit("0");
  for (let level = 1; level <= 32; level++) {
    parent.cancel();
    parent = submit(String(level), { parent });
  }
  assert.throws(() => submit("33", { parent }), code("DEPTH_EXCEEDED"));
  await pool.close(10);
});

Deno.test("Pool keeps the worker until an open answer is done and its stream has ended", async () => {
  let drain = () => {};
  const drained = new Promise<void>((resolve) => drain = resolve);
  const { pool, threads, submit } = fakePool({ workers: 1 });
  const task = submit("a", { accept: (value) => ({ value, drained }) });
  const next = submit("b");
  await settled();
  threads[0]!.runs.shift()!.answer("A", FLAGS.open);
  assert.equal(await task.answer, "A");
  assert.equal(task.state, "answered");
  threads[0]!.post([task.id, FLAGS.done, null, 1]);
  await settled();
  assert.equal(next.state, "queued");
  drain();
  await task.ended;
  await settled();
  assert.equal(next.state, "running");
  await pool.close(10);
});

Deno.test("Pool keeps a worker whose stream has just ended, however long that took", async () => {
  const fake = fakePool({ idleMs: 500 });
  const { pool, threads, submit } = fake;
  const drained = Promise.withResolvers<void>();
  const accept = (value: unknown) => ({ value, drained: drained.promise });
  const tasks = [submit("a", { accept }), submit("b")];
  await until(() => payloads(threads).length === 2);
  for (const thread of threads) thread.answer("over");
  await tasks[1]!.ended;
  let time = performance.now();
  const clock = stub(performance, "now", () => time);
  time += 1000;
  drained.resolve();
  await tasks[0]!.ended;
  await until(() => pool.status().workers === 1);
  clock.restore();
  assert.deepEqual(threads.map(({ alive }) => alive), [true, false]);
  await pool.close(10);
});

Deno.test("Pool.drain() takes no new task but those of running tasks, and waits for all", async () => {
  const { pool, threads, submit } = fakePool({ workers: 2 });
  const parent = submit("parent");
  await settled();
  let drained = false;
  const draining = pool.drain().then(() => drained = true);
  assert.throws(() => submit("new"), code("STOPPING"));
  const child = submit("child", { parent });
  await until(() => child.state === "running");
  threads[0]!.answer("over");
  await parent.ended;
  await settled();
  assert.equal(drained, false);
  threads[1]!.answer("over");
  await draining;
  await pool.close(10);
});

Deno.test("Pool.close() fails what runs and what waits, and ends the workers", async () => {
  const { pool, threads, leaks, submit } = fakePool({ workers: 1 });
  const tasks = [submit("a"), submit("b")];
  await settled();
  threads[0]!.answers = false;
  await Promise.all([
    pool.close(0),
    ...tasks.map(({ answer }) => assert.rejects(answer, code("STOPPING"))),
  ]);
  assert.equal(threads[0]!.alive, false);
  assert.equal(leaks(), 0);
  assert.throws(() => submit("c"), code("STOPPING"));
  assert.equal(threads.length, 1);
});

Deno.test("Pool.close() gives up workers that are still starting", async () => {
  const { pool, threads, submit } = fakePool({}, (_make, signal) => {
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  });
  const task = submit("a");
  const closing = pool.close(10);
  await assert.rejects(task.answer, code("STOPPING"));
  await closing;
  assert.equal(threads.length, 0);
});

Deno.test("Pool.close() ends a worker that became ready meanwhile", async () => {
  let ready = () => {};
  const { pool, threads } = fakePool({ spares: 1 }, async (make) => {
    await new Promise<void>((resolve) => ready = resolve);
    return make();
  });
  const warming = pool.warm();
  const closing = pool.close(10);
  ready();
  await Promise.all([warming, closing]);
  assert.equal(threads[0]!.alive, false);
});

Deno.test("Pool counts a worker that is stuck while it starts as leaked", async () => {
  const late = new RuntimeError("THREAD_STUCK", "Cannot start worker: it was not ready");
  const { pool, leaks, submit } = fakePool({ workers: 1 }, () => Promise.reject(late));
  await assert.rejects(submit("a").answer, late);
  assert.equal(leaks(), 1);
  assert.equal(pool.status().leaked, 1);
  await pool.close(10);
});

Deno.test("Pool cancels what a task has asked for when that task's worker ends", async () => {
  const { pool, threads, submit } = fakePool({ workers: 2 });
  const parent = submit("parent");
  const child = submit("child", { parent });
  const waiting = submit("waiting", { parent });
  await settled();
  assert.equal(child.state, "running");
  threads[0]!.end("failed", "crashed");
  await assert.rejects(waiting.answer, code("CANCELLED"));
  await assert.rejects(child.answer, code("CANCELLED"));
  assert.deepEqual(threads[1]!.cancelled, [child.id]);
  await pool.close(10);
});

Deno.test("Pool gives a worker its next task when the one that it has not begun with is cancelled", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1, spares: 1 });
  await pool.warm();
  threads[0]!.lazy = true;
  const first = submit("first");
  submit("second");
  await settled();
  first.cancel();
  await settled();
  threads[0]!.begin();
  assert.deepEqual(payloads(threads), ["second"]);
  await pool.close(0);
});

Deno.test("Pool goes on to use the free places of a worker whose successor is ready", async () => {
  const { pool, threads, submit } = fakePool({
    workers: 1,
    spares: 1,
    concurrency: 2,
    maxRequests: 10,
  });
  await pool.warm();
  for (let i = 0; i < 7; i++) {
    const task = submit("before");
    await settled();
    threads[0]!.answer(i);
    await task.ended;
  }
  submit("long");
  await until(() => pool.status().workers === 2);
  submit("short");
  await settled();
  assert.deepEqual(payloads(threads), ["long", "short"]);
  assert.equal(threads[1]!.runs.length, 0, "more than one worker has tasks");
  await pool.close(0);
});

Deno.test("Pool.hold() starts a worker for an urgent task, and Pool.release() for another", async () => {
  const { pool, threads, submit } = fakePool({ workers: 3 });
  pool.hold(true);
  submit("normal");
  submit("urgent", { priority: "high" });
  await settled();
  assert.deepEqual(payloads(threads), ["urgent"]);
  pool.release(1);
  await settled();
  assert.equal(threads.length, 2);
  pool.release(1);
  await settled();
  assert.deepEqual(payloads(threads), ["urgent", "normal"]);
  await pool.close(0);
});

Deno.test("Pool keeps to maxRequests when a worker takes over what stands behind others", async () => {
  let made = 0;
  const { pool, threads, submit } = fakePool(
    { workers: 2, spares: 2, maxRequests: 12, queueLimit: 32 },
    // No successor comes.
    (make) => ++made <= 2 ? quick(make) : Promise.reject(new Error("no")),
  );
  await pool.warm();
  for (let i = 0; i < 10; i++) {
    const task = submit("before");
    await settled();
    threads[0]!.answer(i);
    await task.ended;
  }
  submit("last but one");
  await settled();
  threads[1]!.lazy = true;
  for (let i = 0; i < 9; i++) submit("behind");
  await settled();
  threads[1]!.begin();
  threads[0]!.answer("over");
  await settled();
  const { requests, tasks } = pool.status().crew[0]!;
  assert.deepEqual([requests, tasks.length], [11, 1]);
  await pool.close(0);
});

Deno.test("Pool lets tasks wait for the workers that it has when others cannot start", async () => {
  let made = 0;
  const { pool, threads, submit } = fakePool(
    { workers: 4, spares: 1 },
    (make) => made++ === 0 ? Promise.resolve(make()) : Promise.reject(new Error("no")),
  );
  await pool.warm();
  const tasks = ["a", "b", "c", "d"].map((name) => submit(name));
  for (const task of tasks) {
    await until(() => threads[0]!.runs.length === 1);
    threads[0]!.answer("done");
    assert.equal(await task.answer, "done");
  }
  assert.equal(made, 4, "failed starts were tried again at once");
  await pool.close(0);
});

Deno.test("Pool tries again to start workers when some could not start beside one that is busy", async () => {
  let made = 0;
  const { pool, threads, submit } = fakePool(
    { workers: 2, spares: 1 },
    (make) => made++ === 1 ? Promise.reject(new Error("no")) : Promise.resolve(make()),
  );
  await pool.warm();
  submit("long");
  submit("short");
  await until(() => payloads(threads).includes("short"));
  await pool.close(0);
});

Deno.test("Pool lends a task that somebody waits for also when it comes back from a lost worker", async () => {
  let made = 0;
  const { pool, threads, submit } = fakePool(
    { workers: 2, spares: 2 },
    (make) => made++ < 2 ? Promise.resolve(make()) : Promise.reject(new Error("no")),
  );
  await pool.warm();
  const parent = submit("parent");
  await settled();
  threads[1]!.lazy = true;
  submit("child", { parent }).wait();
  await settled();
  assert.equal(threads[1]!.waiting.length, 1);
  threads[1]!.end("failed", "lost");
  await settled();
  assert.deepEqual(payloads(threads), ["parent", "child"]);
  await pool.close(0);
});

Deno.test("Pool sends a worker without a ring no more than it runs, also of quick routes", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1, inProcess: true });
  for (let times = 0; times < 20; times++) {
    const task = submit("quick", { route: "quick" });
    await until(() => threads[0]?.runs.length === 1);
    threads[0]!.ms = 0.1;
    threads[0]!.answer("Q");
    await task.answer;
  }
  const tasks = Array.from({ length: 5 }, () => submit("quick", { route: "quick" }));
  for (const [index, task] of tasks.entries()) {
    await until(() => threads[0]!.runs.length === 1);
    assert.deepEqual([pool.status().queued, task.state], [4 - index, "running"]);
    threads[0]!.answer("Q");
    assert.equal(await task.answer, "Q");
  }
  await pool.close(10);
});

Deno.test("Pool gives a task to another worker that one without a ring gives back", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1, inProcess: true });
  const task = submit("a");
  await until(() => threads[0]?.runs.length === 1);
  threads[0]!.post([0, FLAGS.reset, null, 0], [task.id, FLAGS.back, null, 0]);
  await until(() => threads[1]?.runs.length === 1);
  threads[1]!.answer("A");
  assert.equal(await task.answer, "A");
  // It goes from hand to hand only so often.
  const passed = submit("b");
  let times = 0;
  const pass = () => {
    if (threads[1]!.runs.length === 0) return;
    threads[1]!.runs.shift();
    times++;
    threads[1]!.post([passed.id, FLAGS.back, null, 0]);
  };
  await until(() => (pass(), passed.state === "ended"));
  await assert.rejects(passed.answer, { code: "THREAD_EXITED", message: /no worker takes it/ });
  assert.equal(times, 8);
  await pool.close(10);
});

Deno.test("Pool kills a process at once whose time is up and that does not answer, and leaks none", async () => {
  const { pool, threads, leaks, submit } = fakePool(
    { workers: 1, graceMs: 60_000, inProcess: true },
    (make) => Promise.resolve(Object.assign(make(), { stops: true })),
  );
  const task = submit("a", { timeoutMs: 20 });
  await until(() => threads[0]?.runs.length === 1);
  threads[0]!.answers = false;
  await until(() => task.error !== undefined);
  await assert.rejects(task.answer, { code: "DEADLINE_EXCEEDED" });
  await until(() => threads[0]!.reason === "stuck");
  await task.ended;
  const turning = submit("b", { timeoutMs: 20 });
  await until(() => threads[1]?.runs.length === 1);
  await until(() => turning.error !== undefined);
  await assert.rejects(turning.answer, { code: "DEADLINE_EXCEEDED" });
  assert.deepEqual([threads[1]!.alive, leaks(), pool.status().leaked], [true, 0, 0]);
  await pool.close(0);
});

Deno.test("Pool.submit() keeps nothing of a task that it cannot queue", async () => {
  const { pool, submit } = fakePool();
  assert.throws(() => submit("odd", { priority: "none" as "low" }), RangeError);
  await pool.drain();
  await pool.close(0);
});
