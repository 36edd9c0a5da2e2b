import assert from "node:assert/strict";
import { ServiceThread } from "../../../runtime/document/service_thread.ts";
import { ThreadLoop } from "../../../runtime/document/thread_loop.ts";
import { openStore, type TandemVariables } from "../../../mod.ts";
import type { Services, Thread } from "../../../runtime/thread/thread.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { countWorkers } from "../../support/workers.ts";
import { FakeThread } from "../pool/fake_thread.ts";
import { fixture, open, recordLog, until } from "../http/support.ts";

const threads = [fixture("loops/thread.ts")];
/** A store in which these keys are set, and the gate of the thread is open. */
const storeWith = (...keys: string[]) => ({
  url: ":memory:",
  prime: [fixture(`loops/prime.ts?${keys.map((key) => `set=${key}`).join("&")}`)],
});

Deno.test("No request is answered before every service thread has reported started", async () => {
  // The test opens the gate through the file of the store.
  await using dir = await tempDir();
  const file = `${dir.path}/store`;
  let listening = false;
  let boot: Promise<Awaited<ReturnType<typeof open>>>;
  {
    const gate = await openStore({ url: file });
    boot = open({ store: { url: file }, threads: [...threads, ...threads] });
    boot.then(() => listening = true);
    for (let i = 0; i < 40; i++) {
      await gate.get("thread");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(listening, false);
    assert.equal(await gate.has("thread"), false);
    await gate.set(["gate", "thread"], true);
    gate.close();
  }
  const site = await boot;
  const seen = await site.run(({ store }) => store.get<{ id: number }>("thread"));
  assert.deepEqual(seen, { id: seen!.id, early: false, late: false });
  await site.box.drain();
  const stops = site.log.lines.filter(({ message }) => message.startsWith("thread stopped"));
  assert.deepEqual(stops.map(({ message }) => message), [
    "thread stopped true true true",
    "thread stopped true true true",
  ]);
});

Deno.test("A service thread sends messages and starts pagelets", async () => {
  await using site = await open({
    store: storeWith(),
    threads,
    xbox: fixture("messages/xbox.ts"),
    pagelets: fixture("parts/pagelets.ts"),
  });
  await until(() => site.run(({ store }) => store.has("part")));
  await site.run(async ({ store }) => {
    assert.equal(await store.get("answer"), "thread");
    assert.equal(await store.get("part"), "plain thread");
  });
});

Deno.test("A service thread that ends or throws after it started is only logged", async () => {
  for (
    const [what, level, message] of [
      ["end", "info", "A service thread ended"],
      ["fail", "error", "A service thread failed"],
    ] as const
  ) {
    await using site = await open({ store: storeWith(what), threads });
    await site.logged(message);
    const line = site.log.lines.find((line) => line.message === message)!;
    assert.equal(line.level, level);
    assert.match(String(line.fields.document), /loops\/thread.ts/);
    assert.equal((await site.get("/")).status, 404);
  }
});

/** What a loop has done so far: for each iteration, how many its module had seen. */
const iterations = ({ store }: TandemVariables) =>
  Array.fromAsync(store.list<number>({ prefix: "iteration" }), ({ value }) => value);

Deno.test("A thread loop runs each iteration in a fresh worker, or reuses one", async () => {
  using workers = countWorkers();
  for (
    const [reuse, expected] of [[1, [1, 1, 1, 1]], [3, [1, 2, 3, 1]]] as const
  ) {
    const before = workers.started;
    await using site = await open({
      threadLoops: [{ document: fixture("loops/loop.ts"), pauseMs: 1, reuse }],
    });
    await until(() => site.run(iterations).then(({ length }) => length >= 4));
    assert.deepEqual((await site.run(iterations)).slice(0, 4), expected);
    assert.ok(workers.started - before >= (reuse === 1 ? 4 : 2));
  }
  assert.equal(workers.running, 0);
});

Deno.test("A thread loop tells its document to stop, and stops while it pauses", async () => {
  const loop = { document: fixture("loops/loop.ts"), pauseMs: 600_000 };
  const told = await open({ store: storeWith("wait"), threadLoops: [loop] });
  await told.logged("waits");
  await told.box.drain({ graceMs: 60_000 });
  assert.ok(told.log.lines.some(({ message }) => message === "was told: true"));
  const pausing = await open({ threadLoops: [loop] });
  await until(() => pausing.run(iterations).then(({ length }) => length === 1));
  await pausing.box.drain({ graceMs: 60_000 });
});

Deno.test("A thread loop survives the crash of its worker and backs off after failures", async () => {
  await using site = await open({
    store: storeWith("crash"),
    threadLoops: [{ document: fixture("loops/loop.ts"), pauseMs: 1, reuse: 2 }],
  });
  await until(() => site.run(iterations).then(({ length }) => length >= 3));
  assert.deepEqual((await site.run(iterations)).slice(0, 3), [1, 2, 1]);
  const line = site.log.lines.find(({ message }) => /iteration .* failed/.test(message))!;
  assert.deepEqual([line.level, line.fields.iteration, line.fields.retryMs], ["error", 2, 100]);
});

/** Starts fake threads, each handed to `use` as it starts. */
function starter(use: (thread: FakeThread) => void) {
  const threads: FakeThread[] = [];
  const start = (services: Services) => {
    const thread = new FakeThread(threads.length + 1, { services });
    threads.push(thread);
    queueMicrotask(() => use(thread));
    return Promise.resolve(thread as unknown as Thread);
  };
  return { threads, start };
}

Deno.test("ThreadLoop doubles its pause with every failure and forgets them after a success", async () => {
  const log = recordLog();
  let turn = 0;
  const { start } = starter((thread) =>
    void until(() => thread.runs.length > 0).then(() => {
      turn++;
      const run = thread.runs.shift()!;
      if (turn === 3) run.answer(undefined);
      else run.fail(new TypeError("no luck"));
    })
  );
  const loop = new ThreadLoop({ document: "fake", pauseMs: 1, reuse: 1, start, log });
  await until(() => turn === 5);
  await until(() => log.lines.length === 4);
  await loop.stop(1_000);
  assert.deepEqual(log.lines.map(({ fields }) => [fields.iteration, fields.retryMs]), [
    [1, 100],
    [2, 200],
    [4, 100],
    [5, 200],
  ]);
});

Deno.test("ThreadLoop goes on trying when its worker cannot start", async () => {
  const log = recordLog();
  let attempts = 0;
  const loop = new ThreadLoop({
    document: "fake",
    pauseMs: 1,
    reuse: 1,
    log,
    start: () => Promise.reject(new TypeError(`attempt ${++attempts}`)),
  });
  await until(() => attempts === 2);
  await loop.stop(0);
  assert.equal(log.lines[0]!.fields.why, "attempt 1");
});

Deno.test("ThreadLoop.stop() ends an iteration that does not stop in time", async () => {
  const { threads, start } = starter(() => {});
  const loop = new ThreadLoop({ document: "fake", pauseMs: 1, reuse: 1, start, log: recordLog() });
  await until(() => threads[0]?.runs.length === 1);
  await loop.stop(5);
  assert.deepEqual([threads[0]!.alive, threads.length], [false, 1]);
  assert.deepEqual(threads[0]!.told[0], ["stop"]);
});

Deno.test("ServiceThread.started rejects when the document ends or throws before", async () => {
  for (
    const [outcome, message] of [
      ["returns", /without having reported started/],
      ["throws", /no start/],
      ["crashes", /crashed/],
    ] as const
  ) {
    const log = recordLog();
    const { start } = starter((thread) =>
      void until(() => thread.runs.length > 0).then(() => {
        if (outcome === "returns") thread.runs[0]!.answer(undefined);
        else if (outcome === "throws") thread.runs[0]!.fail(new TypeError("no start"));
        else thread.end("failed", "crashed");
      })
    );
    const thread = new ServiceThread({ document: "fake", start, log });
    await assert.rejects(thread.started, message);
    await thread.stop(10);
    assert.ok(!log.lines.some(({ level }) => level === "error"));
  }
});

Deno.test("ServiceThread.stop() tells, waits and ends; without grace it counts nothing as stuck", async () => {
  for (const graceMs of [5, 0]) {
    const log = recordLog();
    const { threads, start } = starter((thread) => {
      thread.answers = false;
      (thread.start.services as unknown as { threadStarted(): void }).threadStarted();
    });
    const thread = new ServiceThread({ document: "fake", start, log });
    await thread.started;
    await until(() => threads[0]!.runs.length === 1);
    await thread.stop(graceMs);
    assert.equal(threads[0]!.alive, false);
    assert.deepEqual(threads[0]!.told[0], ["stop"]);
    assert.equal(log.lines.some(({ message }) => message.includes("is stuck")), graceMs > 0);
  }
});

Deno.test("RunningBox.stop() of idle workers leaves nothing and reports none as stuck", async () => {
  using workers = countWorkers();
  const site = await open({
    store: storeWith(),
    threads,
    threadLoops: [{ document: fixture("loops/loop.ts"), pauseMs: 1 }],
    pagelets: { document: fixture("parts/pagelets.ts"), workers: 2, spares: 2 },
    xbox: { document: fixture("messages/xbox.ts"), workers: 2, spares: 2 },
  });
  await site.box.stop();
  assert.equal(workers.running, 0);
  assert.deepEqual(site.log.lines.filter(({ level }) => level === "error"), []);
  const { healthLevel, pools } = site.box.status();
  assert.deepEqual([pools.pagelets!.leaked, pools.xbox!.leaked], [0, 0]);
  assert.equal(typeof healthLevel, "number");
});
