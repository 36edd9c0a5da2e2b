import assert from "node:assert/strict";
import { RuntimeError, type SiteOptions, type XboxTask } from "../../../mod.ts";
import { fixture, open as openSite, until } from "../http/support.ts";

interface Age {
  worker: string;
  time: number;
  timeout: number;
}

function hasCode(error: unknown, code: string, message = /./): true {
  assert.ok(error instanceof RuntimeError, Deno.inspect(error));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
}

for (const isolation of ["thread", "process"] as const) {
  const where = isolation === "process" ? " in a process" : "";
  const test = (name: string, run: () => Promise<void>) => Deno.test(`${name}${where}`, run);
  const open = (xbox: object = {}, options: SiteOptions = {}) =>
    openSite({
      ...options,
      xbox: { document: fixture("section5/xbox.ts"), isolation, workers: 1, ...xbox },
    });
  type Opened = Awaited<ReturnType<typeof open>>;
  const ask = <T>(site: Opened, message: unknown) => site.run(({ xbox }) => xbox.send<T>(message));
  const age = (site: Opened) => ask<Age>(site, { do: "age" });
  const result = (site: Opened, message: unknown) =>
    site.run(({ xbox }) => xbox.start(message).result());

  test("5.2: the thread time counts from the worker's first message since its reset", async () => {
    await using site = await open({ maxRequests: 3 });
    const first = await age(site);
    assert.ok(first.time >= 0 && first.time < 30_000, `${first.time}`);
    const began = performance.now() - first.time;
    await until(() => performance.now() - began > 40);
    const second = await age(site);
    assert.ok(second.time >= 35, `${second.time}`);
    assert.equal(second.worker, first.worker);
    const third = await age(site);
    assert.ok(third.time >= second.time);
    const fresh = await age(site);
    assert.notEqual(fresh.worker, first.worker);
    assert.ok(fresh.time < third.time, `${fresh.time} after ${third.time}`);
  });

  test("5.2: the thread timeout is the pool's maxAgeMs, and 0 where it has none", async () => {
    for (const maxAgeMs of [0, 90_000]) {
      await using site = await open({ maxAgeMs });
      assert.equal((await age(site)).timeout, maxAgeMs);
    }
  });

  test("5.2: setThreadTimeout holds for the worker and its successors, whatever they are replaced for", async () => {
    await using site = await open({ maxAgeMs: 90_000, maxRequests: 4 });
    let { worker } = await age(site);
    assert.equal(await ask(site, { do: "set age", ms: 80_000 }), worker);
    assert.equal((await age(site)).timeout, 80_000);
    await age(site);
    // For the number of its requests, a request to be reset, a failure, and an end that nobody expected.
    for (const message of [undefined, { do: "reset" }, { do: "throw" }, { do: "reject" }]) {
      if (message !== undefined) await result(site, message);
      const next = await age(site);
      assert.notEqual(next.worker, worker);
      assert.equal(next.timeout, 80_000, Deno.inspect(message));
      worker = next.worker;
    }
  });

  test("5.2: setThreadTimeout replaces the worker at the new age, and not at the old one", async () => {
    await using site = await open({ maxAgeMs: 50 });
    const { worker } = await age(site);
    const since = performance.now();
    if (await ask(site, { do: "set age", ms: 0 }) === worker) {
      await until(() => performance.now() - since > 150);
      const later = await age(site);
      // Where the machine was too slow, another one has taken its place before.
      if (later.worker === worker) assert.ok(later.time > 50);
      assert.equal(later.timeout, 0);
    }
    await ask(site, { do: "set age", ms: 20 });
    const old = await age(site);
    await until(async () => (await age(site)).worker !== old.worker);
    const workers = new Set<string>();
    // So it is with each successor.
    await until(async () => workers.add((await age(site)).worker).size === 3);
  });

  test("5.2: setThreadTimeout does not reach other workers", async () => {
    await using site = await open({ workers: 2, spares: 2, maxAgeMs: 90_000 });
    await site.run(async ({ xbox, store }) => {
      const tasks = ["a", "b"].map((name) => xbox.start({ do: "gate", name }));
      await site.logged("a entered");
      await site.logged("b entered");
      await store.set(["gate", "a"], true);
      await tasks[0]!.result();
      const changed = await xbox.send<string>({ do: "set age", ms: 70_000 });
      const hold = xbox.start({ do: "gate", name: "c" });
      await site.logged("c entered");
      await store.set(["gate", "b"], true);
      await tasks[1]!.result();
      const other = await xbox.send<Age>({ do: "age" });
      assert.notEqual(other.worker, changed);
      assert.equal(other.timeout, 90_000);
      await store.set(["gate", "c"], true);
      await hold.result();
    });
  });

  test("5.2: setThreadTimeout refuses what is no age, and changes nothing", async () => {
    await using site = await open({ maxAgeMs: 90_000 });
    for (const ms of [-1, 1.5, NaN, Infinity, 2 ** 31, "5", undefined]) {
      const { code, error } = await result(site, { do: "set age", ms });
      assert.equal(code, 500);
      assert.ok(error instanceof RangeError, Deno.inspect(error));
      assert.match(error.message, /^Cannot set the thread timeout: a whole number of milliseconds/);
      assert.equal((await age(site)).timeout, 90_000);
    }
  });

  test("5.2: scheduleReset replaces the worker before its next message, in time and state", async () => {
    await using site = await open();
    const { worker } = await age(site);
    assert.equal(await ask(site, { do: "reset" }), worker);
    assert.notEqual((await age(site)).worker, worker);
  });

  test("5.2: a message is given as it is, the empty text included", async () => {
    await using site = await open();
    for (const message of ["", "text", null, undefined, 0, "\u0000\uffff"]) {
      assert.deepEqual(await ask(site, message), { message, given: 2 });
    }
  });

  test("5.4: a result is asked for again and again, and a wait of no time waits for ever", async () => {
    await using site = await open();
    await site.run(async ({ xbox, store }) => {
      const task = xbox.start({ do: "gate", name: "a" });
      await site.logged("a entered");
      assert.equal(task.status, "running");
      for (let times = 0; times < 3; times++) {
        assert.deepEqual(await task.result({ timeoutMs: 1 }), { code: -1 });
      }
      const forEver = [{}, { timeoutMs: 0 }, { timeoutMs: -5 }, undefined].map((options) =>
        task.result(options)
      );
      await store.set(["gate", "a"], true);
      for (const result of await Promise.all(forEver)) {
        assert.deepEqual(result, { code: 200, value: "a" });
      }
      assert.deepEqual(await task.result({ timeoutMs: 1 }), { code: 200, value: "a" });
      assert.equal(task.status, "done");
      const failed = xbox.start({ do: "throw" });
      assert.equal(await failed.result(), await failed.result());
    });
  });

  test("5.4: a handler that returns nothing has answered", async () => {
    await using site = await open();
    assert.deepEqual(await result(site, { do: "nothing" }), { code: 200, value: undefined });
  });

  for (
    const [way, message] of [
      ["Deno.exit()", { do: "exit" }],
      ["Deno.exit(0)", { do: "exit", code: 0 }],
      ["self.close()", { do: "close" }],
    ] as const
  ) {
    test(`5.4: a handler that leaves by ${way} has answered null, in a worker that is replaced`, async () => {
      await using site = await open();
      const { worker } = await age(site);
      assert.deepEqual(await result(site, message), { code: 200, value: null });
      assert.notEqual((await age(site)).worker, worker);
      assert.deepEqual(site.pool("xbox").ends.map(({ reason }) => reason), ["exited"]);
    });
  }

  test("5.4: a handler that leaves with another code has failed, and so has one that takes others along", async () => {
    await using site = await open();
    const left = await result(site, { do: "exit", code: 3 });
    assert.equal(left.code, 500);
    hasCode(left.error, "THREAD_EXITED", /left with code 3/);
    const neighbours = await result(site, { do: "close with a neighbour" });
    assert.equal(neighbours.code, 500);
    hasCode(neighbours.error, "THREAD_EXITED");
    assert.equal(await ask(site, { do: "echo", value: 1 }), 1);
  });

  test("5.4: a rejection that nobody handles ends the worker and fails what it runs", async () => {
    await using site = await open();
    const { worker } = await age(site);
    const { code, error } = await result(site, { do: "reject" });
    assert.equal(code, 500);
    hasCode(error, "THREAD_EXITED", /nobody heard/);
    const next = await age(site);
    assert.notEqual(next.worker, worker);
    assert.equal(await ask(site, { do: "reject later" }), next.worker);
    await until(() => site.pool("xbox").ends.length === 2);
    assert.match(site.pool("xbox").ends[1]!.why, /nobody heard later/);
    assert.notEqual((await age(site)).worker, next.worker);
  });

  test("5.4: a value that cannot be copied is a failure that says so, and a reset", async () => {
    await using site = await open();
    const { worker } = await age(site);
    const { code, error, value } = await result(site, { do: "unclonable" });
    assert.deepEqual([code, value], [500, undefined]);
    assert.ok(error instanceof DOMException && error.name === "DataCloneError", String(error));
    assert.match(error.message, /could not be cloned/);
    assert.notEqual((await age(site)).worker, worker);
  });

  test("5.4: a document without a function is a failure that names it", async () => {
    const document = fixture("section5/no_function.ts");
    await assert.rejects(open({ document }), (error) => {
      hasCode(error, "BOOT_FAILED", /no_function/);
      return hasCode((error as Error).cause, "DOCUMENT_INVALID", /must be a function/);
    });
    await using site = await open({ document, spares: 0 });
    const { code, error } = await result(site, "x");
    assert.equal(code, 500);
    hasCode(error, "DOCUMENT_INVALID", /no_function\.ts: its default export must be a function/);
  });

  test("5.5: the end of a wait ends nothing, the end of the task's own time does", async () => {
    await using site = await open({ graceMs: 5_000 });
    await site.run(async ({ xbox, store }) => {
      const waited = xbox.start({ do: "gate", name: "a" });
      assert.equal((await waited.result({ timeoutMs: 15 })).code, -1);
      await store.set(["gate", "a"], true);
      await until(() => store.get(["done", "a"]));
      assert.equal((await waited.result()).code, 200);
      const late = xbox.start({ do: "gate", name: "b" }, { timeoutMs: 20 });
      const { code, error } = await late.result();
      assert.equal(code, 504);
      hasCode(error, "DEADLINE_EXCEEDED");
      // On a slow machine it has not begun, and does not any more.
      const hasHeard = () => site.log.lines.some(({ message }) => message === "b aborted");
      await until(() => hasHeard() || site.pool("xbox").busy === 0);
      await store.set(["gate", "b"], true);
      await until(() => site.pool("xbox").busy === 0);
      assert.equal(await store.get(["done", "b"]), undefined);
    });
  });

  test("5.5: without a time of its own a message has the pool's", async () => {
    await using site = await open({ deadlineMs: 30 });
    for (const name of ["a", "b"]) {
      await assert.rejects(
        ask(site, { do: "gate", name }),
        (error) => hasCode(error, "DEADLINE_EXCEEDED"),
      );
    }
  });

  test("5.6: a message is accepted while a worker is free, whatever the queue may hold", async () => {
    await using site = await open({ queueLimit: 0 });
    await site.run(async ({ xbox, store }) => {
      const task = xbox.start({ do: "gate", name: "a" });
      await site.logged("a entered");
      const full = (error: unknown) => hasCode(error, "QUEUE_FULL", /pool xbox holds 0 of 0/);
      assert.throws(() => xbox.start("x"), full);
      await assert.rejects(xbox.send("x"), full);
      await assert.rejects(xbox.post("x"), full);
      await store.set(["gate", "a"], true);
      assert.equal((await task.result()).code, 200);
      assert.equal(await xbox.send({ do: "echo", value: 1 }), 1);
    });
  });

  test("5.6: messages are run in the order in which they came", async () => {
    await using site = await open();
    await site.run(async ({ xbox, store }) => {
      const tasks: XboxTask[] = [xbox.start({ do: "gate", name: "a" })];
      for (let value = 0; value < 20; value++) tasks.push(xbox.start({ do: "number", value }));
      await store.set(["gate", "a"], true);
      await Promise.all(tasks.map((task) => task.result()));
    });
    const numbers = site.log.lines.map(({ message }) => message).filter((text) =>
      text.startsWith("number")
    );
    assert.deepEqual(numbers, Array.from({ length: 20 }, (_, n) => `number ${n}`));
  });

  test("5.7: a handler knows its sender and its kind of worker; globals are its own", async () => {
    const requestInit = { document: fixture("section5/init.ts"), function: "initRequest" };
    await using site = await open({}, { requestInit });
    assert.equal(await ask(site, { do: "leave a global", value: 5 }), 5);
    const names = "attempt from log onCleanup onPostSend onShutdown session signal store " +
      "threadType waitUntil xbox";
    const { names: found, ...context } = await ask<{ names: string[] }>(site, { do: "context" });
    assert.deepEqual(found.filter((name) => name !== "key").join(" "), names);
    assert.deepEqual(context, {
      from: "localhost",
      attempt: 1,
      threadType: "Xbox Thread",
      requests: 2,
      locals: { threadType: "Xbox Thread" },
      global: undefined,
    });
  });

  test("5.7: the caller has its answer before post-send functions run, after shutdown functions", async () => {
    await using site = await open();
    await site.run(async ({ xbox, store }) => {
      assert.equal(typeof await xbox.send({ do: "post-send" }), "string");
      assert.ok(site.log.lines.some(({ message }) => message === "shutdown"));
      await site.logged("post-send begins");
      assert.equal(site.pool("xbox").busy, 1);
      // The worker is not free before they have ended.
      const next = xbox.start({ do: "echo", value: 1 });
      assert.equal((await next.result({ timeoutMs: 10 })).code, -1);
      await store.set(["gate", "post-send"], true);
      assert.equal((await next.result()).value, 1);
      await site.logged("post-send ends");
    });
  });

  test("5: every failure of a posted message is logged", async () => {
    await using site = await open({ deadlineMs: 5_000 });
    await site.run(async ({ xbox }) => {
      await xbox.post({ do: "throw" });
      await xbox.post({ do: "unclonable" });
      await xbox.post({ do: "reject" });
      await xbox.post({ do: "exit", code: 1 });
      await xbox.post({ do: "gate", name: "late" }, { timeoutMs: 20 });
      await xbox.post({ do: "exit" });
      await xbox.post({ do: "echo", value: 1 });
    });
    await site.logged("A posted message failed", 5);
    await site.quiet();
    const failures = site.log.lines.filter(({ message }) => message === "A posted message failed");
    assert.equal(failures.length, 5);
    const why = failures.map(({ level, fields }) => `${level} ${fields.why}`).join("\n");
    for (const words of ["error the handler failed", "not be cloned", "nobody heard", "code 1"]) {
      assert.ok(why.includes(words), `${words} in ${why}`);
    }
    assert.match(why, /time was up/);
  });

  test("3.3: a worker serves no more than maxRequests messages, failed and lost ones included", async () => {
    await using site = await open({ maxRequests: 3, session: "request" });
    const workers: string[] = [];
    for (let times = 0; times < 3; times++) {
      workers.push((await age(site)).worker);
      assert.equal((await result(site, { do: "throw" })).code, 500);
      const late = { do: "gate", name: "never opened" };
      const { code } = await site.run(({ xbox }) => xbox.start(late, { timeoutMs: 20 }).result());
      assert.equal(code, 504);
    }
    assert.equal(new Set(workers).size, 3);
  });

  test("3.3: no answer but a failure resets a worker; 0 for maxRequests is no limit", async () => {
    await using site = await open({ maxRequests: 0 });
    const { worker } = await age(site);
    for (let times = 0; times < 10; times++) await ask(site, { do: "echo", value: times });
    assert.equal((await age(site)).worker, worker);
    assert.equal((await result(site, { do: "throw" })).code, 500);
    assert.notEqual((await age(site)).worker, worker);
  });

  test('3.3: session "fresh" resets before every message', async () => {
    await using site = await open({ session: "fresh" });
    const workers = [await age(site), await age(site), await age(site)].map(({ worker }) => worker);
    assert.equal(new Set(workers).size, 3);
  });

  test("Xbox.fanOut() works inside a worker", async () => {
    await using site = await open();
    assert.deepEqual(await ask(site, { do: "fan out", value: 7 }), [[["", 200, 7]], [7]]);
  });
}

Deno.test("5.2: the thread functions throw anywhere but in an xbox worker", async () => {
  await using site = await openSite({
    xbox: fixture("section5/xbox.ts"),
    pagelets: fixture("section5/pagelets.ts"),
    threads: [fixture("section5/thread.ts")],
  });
  const refusals = [
    "TypeError: Cannot schedule a reset: this is no xbox worker",
    "TypeError: Cannot tell the thread time: this is no xbox worker",
    "TypeError: Cannot tell the thread timeout: this is no xbox worker",
    "TypeError: Cannot set the thread timeout: this is no xbox worker",
  ];
  await site.run(async ({ xbox, pagelets, store }) => {
    const { tryAll } = await import("../../sites/section5/ask.ts");
    assert.deepEqual(tryAll(xbox), refusals);
    assert.deepEqual(JSON.parse(await pagelets.start("/ask").text()), refusals);
    assert.deepEqual(await store.get("asked"), refusals);
  });
});

Deno.test("5.6: disabled, stopped and full are told from each other", async () => {
  await using none = await openSite({});
  await none.run(({ xbox }) => {
    const refused = (error: unknown) => hasCode(error, "DISABLED", /no xbox document/);
    assert.throws(() => xbox.start("x"), refused);
    const [to] = [["", "box-2"]];
    return xbox.fanOut("x", { to }).values().then(
      () => assert.fail("it has a value"),
      (error) => {
        assert.ok(error instanceof AggregateError);
        for (const each of error.errors) assert.ok(each instanceof RuntimeError);
      },
    );
  });
  const site = await openSite({ xbox: fixture("section5/xbox.ts") });
  let later: (() => void) | undefined;
  await site.run(({ xbox }) => {
    later = () => assert.throws(() => xbox.start("x"), (error) => hasCode(error, "STOPPING"));
  });
  await site.box.drain();
  later!();
});
