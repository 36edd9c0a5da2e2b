import assert from "node:assert/strict";
import { FLAGS, RESET_ID } from "../../../runtime/pool/protocol.ts";
import { Tenure, Vacancies } from "../../../runtime/pool/tenure.ts";
import type { Services } from "../../../runtime/thread/thread.ts";
import { until } from "../http/support.ts";
import { fakePool, type FakeThread } from "./fake_thread.ts";

const servicesOf = (thread: FakeThread) => thread.start.services as Services;
const setAge = (thread: FakeThread, ms: unknown) => servicesOf(thread).maxAge!(ms);
const toldAges = (thread: FakeThread) =>
  thread.told.filter(([method]) => method === "maxAge").map(([, ms]) => ms);
/** What the worker knows of it, as long as it says nothing itself. */
const ageOf = (thread: FakeThread) => toldAges(thread).at(-1) ?? thread.start.maxAgeMs;

/** A pool of one worker whose tasks are done at once. */
function onePool(options: Parameters<typeof fakePool>[0] = {}) {
  const fake = fakePool({ workers: 1, setsTenure: true, maxAgeMs: 90_000, ...options });
  const serve = async () => {
    const task = fake.submit("task");
    await until(() => task.state === "running");
    const thread = fake.threads.find(({ runs }) => runs.length > 0)!;
    thread.answer(thread.id);
    await task.answer;
    return thread;
  };
  return { ...fake, serve };
}

Deno.test("Pool lets a worker change how old it and its successors may become", async () => {
  const { pool, serve } = onePool({ maxRequests: 1 });
  const first = await serve();
  assert.equal(ageOf(first), 90_000);
  setAge(first, 5_000);
  const second = await serve();
  assert.notEqual(second, first);
  assert.equal(ageOf(second), 5_000);
  setAge(second, 0);
  assert.equal(ageOf(await serve()), 0);
  await pool.close(0);
});

Deno.test("Pool lets a change reach a successor that is ready already, and not who made it", async () => {
  const { pool, threads, submit } = onePool();
  submit("long");
  await until(() => threads[0]?.runs.length === 1);
  threads[0]!.post([RESET_ID, FLAGS.reset, null, 0]);
  await until(() => pool.status().workers === 2);
  setAge(threads[0]!, 7_000);
  assert.deepEqual(toldAges(threads[1]!), [7_000]);
  setAge(threads[1]!, 8_000);
  assert.deepEqual(toldAges(threads[0]!), [8_000]);
  await pool.close(0);
  setAge(threads[0]!, 9_000);
  assert.deepEqual(toldAges(threads[1]!), [7_000], "it is gone");
});

Deno.test("Pool gives the age to whoever comes after one that did not start, or was lost", async () => {
  let fails = false;
  const fake = fakePool({ workers: 1, setsTenure: true, maxAgeMs: 90_000 }, (make) => {
    if (fails) return Promise.reject(new Error("no start today"));
    return Promise.resolve(make());
  });
  const { pool, submit, threads } = fake;
  submit("first");
  await until(() => threads[0]?.runs.length === 1);
  setAge(threads[0]!, 1_000);
  fails = true;
  threads[0]!.end("failed", "crashed");
  await assert.rejects(submit("second").answer, /no start today/);
  fails = false;
  await until(() => {
    if (threads.length === 1 && pool.status().queued === 0) submit("third");
    return threads.length === 2;
  });
  assert.equal(threads[1]!.start.maxAgeMs, 1_000);
  await pool.close(0);
});

Deno.test("Pool judges a worker's age by the age that it may become, and by its own clock", async () => {
  const { pool, threads, serve } = onePool({ maxAgeMs: 0 });
  const first = await serve();
  assert.equal(await serve(), first);
  setAge(first, 1);
  const since = performance.now();
  await until(() => performance.now() - since > 2);
  assert.notEqual(await serve(), first);
  assert.equal(threads[1]!.start.maxAgeMs, 1);
  await pool.close(0);
});

Deno.test("Pool refuses an age that is none, and a change where workers have no say", async () => {
  const { pool, serve } = onePool();
  const thread = await serve();
  const hostile = { valueOf: () => 5, toString: () => assert.fail("it was asked") };
  for (const ms of [-1, 0.5, NaN, Infinity, 2 ** 31, "1", null, undefined, hostile, [1], 1n]) {
    assert.throws(() => setAge(thread, ms), RangeError);
  }
  assert.equal(await serve(), thread);
  await pool.close(0);
  const other = onePool({ setsTenure: false });
  assert.equal(servicesOf(await other.serve()).maxAge, undefined);
  await other.pool.close(0);
});

Deno.test("Pool takes an exit with code 0 for an answer only of a task that says so and runs alone", async () => {
  const left = { left: () => "left" };
  const exit = (thread: FakeThread, code?: number) => thread.end("exited", "it left", code);
  for (
    const [job, code, concurrency, answer] of [
      [left, 0, 1, "left"],
      [left, 1, 1, undefined],
      [left, undefined, 1, undefined],
      [{}, 0, 1, undefined],
      [left, 0, 2, undefined],
    ] as const
  ) {
    const { pool, submit, threads } = fakePool({ workers: 1, concurrency });
    const tasks = Array.from({ length: concurrency }, () => submit("task", job));
    await until(() => threads[0]?.runs.length === concurrency);
    exit(threads[0]!, code);
    for (const task of tasks) {
      if (answer !== undefined) assert.equal(await task.answer, answer);
      else await assert.rejects(task.answer, { code: "THREAD_EXITED" });
      await task.ended;
    }
    await pool.close(0);
  }
});

Deno.test("Tenure tells a holder one change at a time, and the last one in the end", async () => {
  const tenure = new Tenure(1);
  const told: number[] = [];
  const waiting: (() => void)[] = [];
  const holder = {};
  tenure.hold(holder, 0, (ms) => {
    told.push(ms);
    return new Promise<void>((resolve) => waiting.push(resolve));
  });
  for (let ms = 2; ms < 100; ms++) tenure.set(ms, {});
  assert.deepEqual(told, [1]);
  waiting.shift()!();
  await until(() => told.length === 2);
  waiting.shift()!();
  assert.deepEqual(told, [1, 99]);
  await Promise.resolve();
  tenure.set(5, holder);
  assert.deepEqual(told, [1, 99]);
  tenure.release(holder);
  tenure.set(6, {});
  assert.deepEqual(told, [1, 99]);
});

Deno.test("Vacancies hand on what was left, first in, first out, and else the pool's own", () => {
  const vacancies = new Vacancies(10);
  const left = [new Tenure(1), new Tenure(2)];
  for (const tenure of left) vacancies.leave(tenure);
  assert.deepEqual([vacancies.take(), vacancies.take()], left);
  assert.equal(vacancies.take().maxAgeMs, 10);
});
