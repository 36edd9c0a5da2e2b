import assert from "node:assert/strict";
import { RuntimeError } from "../../../runtime/errors.ts";
import { until } from "../http/support.ts";
import { fakePool, type FakeThread } from "./fake_thread.ts";

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
  assert.deepEqual(pool.status(), {
    workers: 2,
    busy: 2,
    queued: 2,
    ended: 0,
    refused: 0,
    leaked: 0,
  });
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

Deno.test("Pool replaces a worker after maxRequests tasks", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1, maxRequests: 2 });
  for (let i = 0; i < 5; i++) {
    const task = submit(String(i));
    await until(() => payloads(threads).includes(String(i)));
    threads.at(-1)!.answer(i);
    await task.ended;
  }
  assert.equal(threads.length, 3);
  assert.deepEqual(threads.map(({ alive }) => alive), [false, false, true]);
  await pool.close(10);
});

Deno.test("Pool replaces a worker that is older than maxAgeMs before its next task", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1, spares: 1, maxAgeMs: 1 });
  await pool.warm();
  const born = performance.now();
  await until(() => performance.now() - born > 3);
  assert.equal(threads[0]!.alive, true);
  submit("a");
  await until(() => threads[1]?.runs.length === 1);
  assert.equal(threads[0]!.alive, false);
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
  assert.equal(child.state, "running");
  const grandchild = submit("grandchild", { parent: child });
  grandchild.wait();
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
  const task = submit("a", { accept: (value) => ({ value, open: true, drained }) });
  const next = submit("b");
  await settled();
  const { done } = threads[0]!.services as { done(id: number): void };
  threads[0]!.answer("A");
  assert.equal(await task.answer, "A");
  assert.equal(task.state, "answered");
  done(task.id);
  done(12345);
  await settled();
  assert.equal(next.state, "queued");
  drain();
  await task.ended;
  assert.equal(next.state, "running");
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

Deno.test("Pool remembers that a worker was done before its answer was looked at", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1 });
  const task = submit("a", { accept: (value) => ({ value, open: true }) });
  await settled();
  (threads[0]!.services as { done(id: number): void }).done(task.id);
  assert.equal(task.state, "running");
  threads[0]!.answer("A");
  await task.ended;
  assert.equal(pool.status().busy, 0);
  await pool.close(10);
});

Deno.test("Pool counts a worker that is not ready in time as leaked", async () => {
  const late = new RuntimeError("DEADLINE_EXCEEDED", "Cannot start worker: it was not ready");
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
