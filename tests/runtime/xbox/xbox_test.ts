import assert from "node:assert/strict";
import { RuntimeError, type SiteOptions, type XboxOptions, type XboxTask } from "../../../mod.ts";
import { fixture, open as openSite, until } from "../http/support.ts";

function hasCode(error: unknown, code: string): true {
  assert.ok(error instanceof RuntimeError, Deno.inspect(error));
  assert.equal(error.code, code);
  return true;
}

for (const isolation of ["thread", "process"] as const) {
  const where = isolation === "process" ? " in a process" : "";
  const open = (xbox: object = {}, options: SiteOptions = {}) =>
    openSite({ ...options, xbox: { document: fixture("messages/xbox.ts"), isolation, ...xbox } });

  Deno.test(`Xbox.send() carries whatever structured clone can carry, both ways${where}`, async () => {
    await using site = await open();
    await site.run(async ({ xbox }) => {
      const cyclic: Record<string, unknown> = { name: "cyclic" };
      cyclic.self = cyclic;
      for (
        const value of [
          undefined,
          null,
          0,
          -0,
          NaN,
          "",
          "text €😀",
          true,
          12345678901234567890n,
          new Date(0),
          /a+/gi,
          new Map<unknown, unknown>([["a", new Set([1, 2n])], [{ k: 1 }, [new Map()]]]),
          Uint8Array.of(0, 255),
          new Float64Array([1.5, NaN]),
          new BigInt64Array([-1n]),
          new DataView(new ArrayBuffer(3)),
          new ArrayBuffer(4),
          [1, , 3],
          { deep: { er: [new Date(1)] }, undef: undefined },
          cyclic,
        ]
      ) {
        assert.deepEqual(await xbox.send({ do: "echo", value }), value);
      }
      const error = await xbox.send<Error>({ do: "echo", value: new RangeError("as a value") });
      assert.ok(error instanceof RangeError);
      assert.equal(await xbox.send(""), 'got ""');
      assert.equal(await xbox.send("text"), 'got "text"');
      assert.equal(await xbox.send(undefined), "got undefined");
      assert.equal(await xbox.send(null), "got null");
      const bytes = Uint8Array.of(1, 2, 3);
      await xbox.send({ do: "echo", value: bytes });
      assert.equal(bytes.length, 3);
      const same = { a: 1 };
      const [first, second] = await xbox.send<[object, object]>({
        do: "echo",
        value: [same, same],
      });
      assert.equal(first, second);
    });
  });

  Deno.test(`XboxTask.result() answers 200 with the value, as often as it is asked${where}`, async () => {
    await using site = await open();
    await site.run(async ({ xbox, store }) => {
      assert.equal(xbox.enabled, true);
      const task = xbox.start({ do: "gate", name: "a" });
      assert.match(task.status, /queued|running/);
      assert.deepEqual(await task.result({ timeoutMs: 5 }), { code: -1 });
      await until(() => task.status === "running");
      await store.set(["gate", "a"], true);
      const result = await task.result({ timeoutMs: 60_000 });
      assert.deepEqual(result, { code: 200, value: "a" });
      assert.equal(await task.result(), result);
      assert.equal(task.status, "done");
      task.cancel();
      assert.equal(task.status, "done");
    });
  });

  Deno.test(`XboxTask.result() knows that a handler ran which throws what looks like a failure before${where}`, async () => {
    await using site = await open();
    await site.run(async ({ xbox }) => {
      for (const name of ["INIT_FAILED", "INIT_EXITED", "CANCELLED", "STOPPING"]) {
        const asked = xbox.start({ do: "throw as the runtime does", name });
        const { error, side, mayHaveRun } = await asked.result();
        hasCode(error, name);
        assert.deepEqual([side, mayHaveRun], ["receiver", true], name);
      }
    });
  });

  Deno.test(`XboxTask.result() answers 500 with class, code and cause of what was thrown${where}`, async () => {
    await using site = await open();
    await site.run(async ({ xbox }) => {
      const task = xbox.start({ do: "throw" });
      const { code, value, error } = await task.result();
      assert.deepEqual([code, value, task.status], [500, undefined, "failed"]);
      assert.ok(error instanceof RangeError);
      assert.equal(error.message, "out of range");
      assert.ok(error.cause instanceof TypeError);
      assert.equal((error.cause as TypeError & { code: string }).code, "E_CAUSE");
      await assert.rejects(xbox.send({ do: "throw" }), RangeError);
      assert.match((await xbox.start({ do: "throw text" }).result()).error!.message, /just text/);
      const unclonable = await xbox.start({ do: "function" }).result();
      assert.equal(unclonable.code, 500);
      assert.ok(unclonable.error instanceof Error);
      assert.equal(await xbox.send({ do: "echo", value: 1 }), 1);
      // Each failure has reset the session, in an orderly way.
      await until(() => site.pool("xbox").ends.length === 4);
      assert.deepEqual([...new Set(site.pool("xbox").ends.map(({ reason }) => reason))], [
        "closed",
      ]);
      assert.equal((await xbox.start({ do: "shared" }).result()).code, 500);
      const crashed = await xbox.start({ do: "crash" }).result();
      assert.equal(crashed.code, 500);
      hasCode(crashed.error, "THREAD_EXITED");
      assert.equal(await xbox.send({ do: "echo", value: 1 }), 1);
    });
  });

  Deno.test(`XboxTask.result() answers 503 when cancelled and 504 when out of time${where}`, async () => {
    await using site = await open({ workers: 3, spares: 3, deadlineMs: 5_000 });
    await site.run(async ({ xbox }) => {
      const cancelled = xbox.start({ do: "gate", name: "a" });
      await site.logged("a entered");
      cancelled.cancel("enough");
      const { code, error } = await cancelled.result();
      assert.deepEqual([code, cancelled.status], [503, "cancelled"]);
      hasCode(error, "CANCELLED");
      await site.logged("a aborted");
      const late = xbox.start({ do: "gate", name: "b" }, { timeoutMs: 15 });
      const timedOut = await late.result();
      assert.deepEqual([timedOut.code, late.status], [504, "timed-out"]);
      hasCode(timedOut.error, "DEADLINE_EXCEEDED");
      await assert.rejects(
        xbox.send({ do: "gate", name: "c" }, { timeoutMs: 15 }),
        (error) => hasCode(error, "DEADLINE_EXCEEDED"),
      );
      const abort = new AbortController();
      const signalled = xbox.start({ do: "gate", name: "d" }, { signal: abort.signal });
      abort.abort();
      assert.equal((await signalled.result()).code, 503);
      assert.throws(() => xbox.start("x", { signal: abort.signal }), { name: "AbortError" });
    });
    await site.quiet();
  });

  Deno.test(`XboxTask.cancel() in a handler stops the other handler${where}`, async () => {
    await using site = await open({ workers: 2, deadlineMs: 20_000 });
    await site.run(async ({ xbox, store }) => {
      const task = xbox.start({ do: "give up another", name: "a" });
      await site.logged("a entered");
      await store.set(["given up", "a"], true);
      assert.deepEqual(await task.result(), { code: 200, value: 503 });
      await site.logged("a aborted");
    });
  });

  Deno.test(`Xbox loses no answer when a handler ends the worker beside others${where}`, async () => {
    await using site = await open({ workers: 2, queueLimit: 200 });
    await site.run(async ({ xbox }) => {
      // Known to be quick.
      for (let round = 0; round < 100; round++) {
        await Promise.all(
          Array.from({ length: 40 }, (_, value) => xbox.send({ do: "echo", value })),
        );
      }
      const numbers = Array.from({ length: 60 }, (_, value) => value);
      const last = 50;
      const tasks = numbers.map((value) => {
        return xbox.start({ do: value === last ? "exit" : "echo", value });
      });
      const results = await Promise.all(tasks.map((task) => task.result()));
      const expected = numbers.map((value) => ({
        code: 200,
        value: value === last ? null : value,
      }));
      assert.deepEqual(results, expected);
    });
  });

  Deno.test(`Xbox.start() copies the message at once and throws DataCloneError for what it cannot${where}`, async () => {
    await using site = await open({ workers: 1 });
    await site.run(async ({ xbox, store }) => {
      const blocking = xbox.start({ do: "gate", name: "a" });
      const message = { do: "echo", value: { n: 1 } };
      const task = xbox.start(message);
      message.value.n = 2;
      assert.equal(task.status, "queued");
      await store.set(["gate", "a"], true);
      assert.deepEqual((await task.result()).value, { n: 1 });
      assert.equal((await blocking.result()).code, 200);
      for (const value of [() => {}, Symbol("s"), { f() {} }, new ReadableStream()]) {
        assert.throws(() => xbox.start(value), { name: "DataCloneError" });
      }
      await assert.rejects(xbox.send(() => {}), { name: "DataCloneError" });
      await assert.rejects(xbox.post(() => {}), { name: "DataCloneError" });
    });
  });

  Deno.test(`Xbox.post() resolves when accepted; a failure is only logged${where}`, async () => {
    await using site = await open();
    await site.run(async ({ xbox, store }) => {
      assert.equal(await xbox.post({ do: "gate", name: "a" }), undefined);
      await site.logged("a entered");
      assert.equal(await xbox.post({ do: "throw" }), undefined);
      await store.set(["gate", "a"], true);
    });
    await site.logged("A posted message failed");
    await site.logged("a passed");
    const line = site.log.lines.find(({ message }) => message === "A posted message failed")!;
    assert.deepEqual([line.level, line.fields.why], ["error", "out of range"]);
    await site.quiet();
  });

  Deno.test(`Xbox.post() outlives a client that goes${where}`, async () => {
    await using site = await openSite({ xbox: fixture("messages/xbox.ts") }, (site) => {
      site.app.get("/", async (c) => {
        await c.var.xbox.post({ do: "gate", name: "posted" });
        await new Promise<void>((resolve) => c.var.signal.onabort = () => resolve());
        await c.var.store.set(["gate", "posted"], true);
        return c.text("gone");
      });
    });
    const abort = new AbortController();
    const response = fetch(site.box.url, { signal: abort.signal });
    await site.logged("posted entered");
    abort.abort();
    await assert.rejects(response);
    await site.logged("posted passed");
    await site.quiet();
  });

  Deno.test(`XboxOptions.to names this box in several ways, and what is wrong is named${where}`, async () => {
    await using site = await open();
    await site.run(async ({ xbox }) => {
      for (const to of ["", "localhost", "127.0.0.1", undefined]) {
        assert.equal(await xbox.send({ do: "echo", value: to }, { to }), to);
      }
      assert.throws(
        () => xbox.start("x", { to: "LOCALHOST" }),
        (error) => hasCode(error, "UNREACHABLE_PEER"),
      );
      for (const to of ["other:80", "http://localhost/", "https://127.0.0.1"]) {
        assert.throws(() => xbox.start("x", { to }), (error) => hasCode(error, "PEER_DENIED"));
        await assert.rejects(xbox.post("x", { to }), /"(other|localhost|127\.0\.0\.1):\d+"/);
      }
      for (const to of ["::1", "a b", "ftp://host", "host:", "host:0", "http://host/a", 5, null]) {
        const wrong = { name: "TypeError", message: /Cannot find a box by/ };
        assert.throws(() => xbox.start("x", { to } as XboxOptions), wrong);
        await assert.rejects(xbox.post("x", { to } as XboxOptions), wrong);
      }
      for (const timeoutMs of [0, -1, NaN, "5"] as number[]) {
        assert.throws(() => xbox.start("x", { timeoutMs } as XboxOptions), {
          name: "RangeError",
          message: new RegExp(`${timeoutMs} was given`),
        });
      }
    });
  });

  Deno.test(`Xbox applies the queue limit to start, send and post${where}`, async () => {
    await using site = await open({ workers: 1, queueLimit: 1 });
    await site.run(async ({ xbox, store }) => {
      const tasks: XboxTask[] = [xbox.start({ do: "gate", name: "a" })];
      await site.logged("a entered");
      tasks.push(xbox.start({ do: "gate", name: "a" }));
      assert.throws(() => xbox.start("x"), (error) => hasCode(error, "QUEUE_FULL"));
      await assert.rejects(xbox.send("x"), (error) => hasCode(error, "QUEUE_FULL"));
      await assert.rejects(xbox.post("x"), (error) => hasCode(error, "QUEUE_FULL"));
      await store.set(["gate", "a"], true);
      for (const task of tasks) assert.equal((await task.result()).code, 200);
      assert.equal(site.pool("xbox").refused, 3);
    });
  });

  Deno.test(`Xbox gives up a message that waits longer than maxQueueMs${where}`, async () => {
    await using site = await open({ workers: 1, maxQueueMs: 15 });
    await site.run(async ({ xbox, store }) => {
      const first = xbox.start({ do: "gate", name: "a" });
      await site.logged("a entered");
      const { code, error } = await xbox.start({ do: "gate", name: "b" }).result();
      assert.equal(code, 503);
      hasCode(error, "QUEUE_TIMEOUT");
      await store.set(["gate", "a"], true);
      assert.equal((await first.result()).code, 200);
    });
  });

  Deno.test(`Xbox nests on a pool of one worker, and endlessly only so deep${where}`, async () => {
    await using site = await open({ workers: 1 });
    await site.run(async ({ xbox }) => {
      assert.equal(await xbox.send({ do: "nest", levels: 3 }), "(((leaf)))");
      await assert.rejects(
        xbox.send({ do: "nest", levels: 1000 }),
        (error) => hasCode(error, "DEPTH_EXCEEDED"),
      );
      assert.equal(await xbox.send({ do: "nest", levels: 0 }), "leaf");
    });
  });

  Deno.test(`Request init runs once in each xbox worker, and a worker in which it fails is replaced${where}`, async () => {
    const requestInit = { document: fixture("opened/init.ts"), function: "initRequest" };
    await using site = await open({ workers: 1 }, { requestInit });
    await site.run(async ({ xbox, store }) => {
      const context = () =>
        xbox.send<{ locals: Record<string, unknown>; requests: number }>({ do: "context" });
      await store.set("init", "Xbox Thread");
      for (let attempt = 0; attempt < 2; attempt++) {
        const { code, error, side, mayHaveRun } = await xbox.start({ do: "context" }).result();
        assert.deepEqual([code, side, mayHaveRun], [500, "receiver", false]);
        hasCode(error, "INIT_FAILED");
        assert.ok(error!.cause instanceof RangeError);
      }
      await store.delete("init");
      for (const requests of [1, 2, 3]) {
        assert.deepEqual(await context(), {
          from: "localhost",
          attempt: 1,
          requests,
          locals: {
            init: { evaluated: 1, calls: 1, threadType: "Xbox Thread" },
            path: undefined,
            motd: undefined,
          },
        });
      }
    });
  });

  Deno.test(`Xbox is disabled on a site without an xbox document${where}`, async () => {
    await using site = await openSite({});
    await site.run(async ({ xbox }) => {
      assert.equal(xbox.enabled, false);
      assert.throws(() => xbox.start("x"), (error) => hasCode(error, "DISABLED"));
      await assert.rejects(xbox.send("x"), (error) => hasCode(error, "DISABLED"));
      await assert.rejects(xbox.post("x"), (error) => hasCode(error, "DISABLED"));
    });
  });
}
