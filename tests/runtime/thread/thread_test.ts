import assert from "node:assert/strict";
import { RuntimeError } from "../../../runtime/errors.ts";
import type { ThreadEnd } from "../../../runtime/thread/thread.ts";
import { runDeno } from "../../support/program.ts";
import { countWorkers } from "../../support/workers.ts";
import { until } from "../http/support.ts";
import { startTestThread } from "./support.ts";

const HERE = new URL("./support.ts", import.meta.url).href;

Deno.test("startThread() resolves when the worker is ready, and close() ends it", async () => {
  using workers = countWorkers();
  const thread = await startTestThread({ api: "{ add: (a, b) => a + b }" });
  assert.equal(thread.alive, true);
  assert.equal(await thread.call("add", [1, 2]), 3);
  assert.equal(await thread.close(10_000), "closed");
  assert.deepEqual([thread.alive, thread.signal.aborted, workers.running], [false, true, 0]);
  const late = thread.call("add", [1, 2]);
  await assert.rejects(late, { code: "THREAD_EXITED", message: /^Worker "test 1" ended: / });
  assert.equal(await thread.close(0), "closed", "closing again changes nothing");
});

Deno.test("startThread() refuses permissions that the box does not have", async () => {
  using workers = countWorkers();
  await assert.rejects(startTestThread({ options: { permissions: { ffi: true } } }), {
    code: "PERMISSION_ESCALATION",
    message: /Cannot start worker "test 1": its permissions \{"ffi":true\} exceed/,
  });
  assert.equal(workers.running, 0);
});

const FAILED_STARTS: [string, { document?: string; api?: string }, RegExp][] = [
  ["throws while it loads", { document: "throw new Error('at load')" }, /at load/],
  ["cannot be parsed", { document: "export {" }, /./],
  ["rejects while it loads", { document: "await Promise.reject(new Error('later'))" }, /later/],
  ["closes itself while it loads", { document: "self.close()" }, /it left with code 0/],
  ["exits while it loads", { document: "Deno.exit(3)" }, /it left with code 3/],
  ["leaves with a code that is none", {
    document: "postMessage({ id: 'x', type: 'APPLY', path: ['goodbye'], " +
      "argumentList: [{ type: 'RAW', value: { valueOf: 1, toString: 1 } }] })",
  }, /it left with code 0/],
  ["throws a long text", { document: "throw new Error('x'.repeat(1e6))" }, /^.{1,5000}$/s],
];

Deno.test.each(FAILED_STARTS)(
  "startThread() rejects when a document %s",
  async (_, given, text) => {
    using workers = countWorkers();
    const code = /left/.test(text.source) ? "THREAD_EXITED" : "DOCUMENT_INVALID";
    await assert.rejects(startTestThread(given), { code, message: text });
    assert.equal(workers.running, 0);
  },
);

Deno.test("startThread() rejects with what the kind threw", async () => {
  using workers = countWorkers();
  const api = "(() => { throw new RangeError('no such kind') })()";
  await assert.rejects(startTestThread({ api }), { name: "RangeError", message: "no such kind" });
  assert.equal(workers.running, 0);
});

Deno.test("startThread() rejects when the worker is not ready in time", async () => {
  using workers = countWorkers();
  const document = "await new Promise((resolve) => setTimeout(resolve, 2 ** 30))";
  await assert.rejects(startTestThread({ document, options: { startTimeoutMs: 20 } }), {
    code: "DEADLINE_EXCEEDED",
    message: /was not ready within 20 ms/,
  });
  assert.equal(workers.running, 0);
});

Deno.test("startThread() gives up when its signal aborts, before and while it starts", async () => {
  using workers = countWorkers();
  const document = "await new Promise((resolve) => setTimeout(resolve, 2 ** 30))";
  const reason = new RuntimeError("STOPPING", "stop");
  const early = startTestThread({ options: { signal: AbortSignal.abort(reason) } });
  await assert.rejects(early, reason);
  const abort = new AbortController();
  const late = startTestThread({ document, options: { signal: abort.signal } });
  abort.abort(reason);
  await assert.rejects(late, reason);
  assert.equal(workers.running, 0);
});

const ENDS: [string, string, ThreadEnd["reason"], RegExp][] = [
  ["closes itself", "self.close()", "exited", /it left with code 0/],
  ["exits", "Deno.exit(3)", "exited", /it left with code 3/],
  [
    "throws in a timer",
    "setTimeout(() => { throw new Error('timed') })",
    "failed",
    /Uncaught.*timed/,
  ],
  ["leaves a rejection unhandled", "Promise.reject(new Error('alone'))", "failed", /alone/],
  ["throws no error in a timer", "setTimeout(() => { throw null })", "failed", /./],
];

Deno.test.each(ENDS)("a worker that %s ends its thread and every open call", async (
  _,
  code,
  reason,
  text,
) => {
  using workers = countWorkers();
  const thread = await startTestThread({
    api:
      `{ hang: () => new Promise(() => setTimeout(() => {}, 2 ** 30)), leave: () => { ${code}; ` +
      `return new Promise(() => setTimeout(() => {}, 2 ** 30)); } }`,
  });
  const open = [thread.call("hang", []), thread.call("hang", []), thread.call("leave", [])];
  const fates = await Promise.allSettled(open);
  const end = await thread.ended;
  assert.equal(end.reason, reason);
  assert.equal(end.error.code, "THREAD_EXITED");
  assert.match(end.error.message, text);
  for (const fate of fates) assert.equal((fate as PromiseRejectedResult).reason, end.error);
  assert.equal(thread.signal.reason, end.error);
  assert.equal(workers.running, 0);
});

Deno.test("Thread.close() gives a worker up that is stuck, and its calls reject", async () => {
  // The thread burns a core until its process ends, so that is a process of its own.
  const program = `
    import { startTestThread } from ${JSON.stringify(HERE)};
    const thread = await startTestThread({ api: "{ spin: () => { for (;;); } }" });
    const open = thread.call("spin", []).catch((error) => error.code);
    console.log(await thread.close(20), await open, (await thread.ended).reason, thread.alive);
    Deno.exit(0);
  `;
  const { code, stdout, stderr } = await runDeno([
    "run",
    "--no-prompt",
    "--allow-read",
    "--unstable-worker-options",
    `data:application/typescript,${encodeURIComponent(program)}`,
  ]);
  assert.deepEqual([code, stdout], [0, "stuck THREAD_EXITED stuck false\n"], stderr);
});

/** A kind that answers each task with what it was sent, or does what it says. */
const ECHO = `{
  begin: () => context.channel.take((list) => {
    if (list[0] === "leave") return self.close();
    context.channel.post(list.map((task) => [task]), []);
  }),
  silence: () => { context.channel.take(() => {}); },
}`;

Deno.test("Thread.send() brings tasks and their answers, in order and several in a message", async () => {
  const answers: unknown[][] = [];
  const onAnswers = (list: readonly unknown[]) => void answers.push([...list]);
  const thread = await startTestThread({ api: ECHO, options: { onAnswers } });
  await thread.call("begin", []);
  thread.send([1, { two: 2 }], []);
  const bytes = new Uint8Array(3);
  thread.send([bytes], [bytes.buffer]);
  assert.equal(bytes.byteLength, 0, "it was moved");
  await until(() => answers.length === 2);
  assert.deepEqual(answers, [[[1], [{ two: 2 }]], [[new Uint8Array(3)]]]);
  await thread.close(10_000);
  thread.send([() => {}], []);
  assert.equal(answers.length, 2, "a thread that has ended takes nothing");
});

Deno.test("Thread.send() sends nothing when one of the tasks cannot be cloned", async () => {
  const answers: unknown[][] = [];
  const onAnswers = (list: readonly unknown[]) => void answers.push([...list]);
  const thread = await startTestThread({ api: ECHO, options: { onAnswers } });
  await thread.call("begin", []);
  assert.throws(() => thread.send(["good", () => {}], []), { name: "DataCloneError" });
  thread.send(["next"], []);
  await until(() => answers.length === 1);
  assert.deepEqual(answers, [[["next"]]]);
  assert.equal(await thread.close(10_000), "closed");
});

Deno.test("Thread ends as violated when answers are wrong, or nobody takes them", async () => {
  using workers = countWorkers();
  for (const onAnswers of [() => "was wrong", undefined]) {
    const thread = await startTestThread({ api: ECHO, options: { onAnswers } });
    await thread.call("begin", []);
    thread.send([1], []);
    const { reason, error } = await thread.ended;
    assert.equal(reason, "violated");
    assert.match(error.message, onAnswers === undefined ? /it has no tasks/ : /it was wrong/);
  }
  assert.equal(workers.running, 0);
});

Deno.test("Thread.ping() says what the heap uses, once each time, and nothing when the thread ends", async () => {
  const thread = await startTestThread({ api: ECHO });
  const [one, two] = await Promise.all([thread.ping(10_000), thread.ping(10_000)]);
  for (const bytes of [one, two]) assert.ok(bytes! > 100_000, `${bytes}`);
  await thread.call("begin", []);
  const asked = thread.ping(10_000);
  thread.end("closed", "test");
  assert.deepEqual([await asked, await thread.ping(10_000)], [undefined, undefined]);
});

Deno.test("Thread.ping() hears the answer that came while the entry itself was blocked", async () => {
  const thread = await startTestThread();
  for (let times = 0; times < 10; times++) {
    const asked = thread.ping(40);
    const from = performance.now();
    while (performance.now() - from < 60);
    assert.ok(await asked);
  }
  await thread.close(10_000);
});

Deno.test("Thread.ping() gives up on a worker that is busy, whose late answer does no harm", async () => {
  const thread = await startTestThread({
    api:
      `{ spin: (ms) => { const from = performance.now(); while (performance.now() - from < ms); } }`,
  });
  const spun = thread.call("spin", [60]);
  assert.equal(await thread.ping(1), undefined);
  await spun;
  assert.ok(await thread.ping(10_000));
  assert.equal(await thread.close(10_000), "closed");
});

Deno.test("Thread.close() does not count a worker as stuck whose event loop turns", async () => {
  using workers = countWorkers();
  const thread = await startTestThread({
    api: `{ close: () => new Promise((resolve) => setTimeout(resolve, 2 ** 30)) }`,
  });
  assert.equal(await thread.close(5), "closed");
  assert.equal(workers.running, 0);
});

Deno.test("Thread is collected once it has ended", async () => {
  const program = `
    import { startTestThread } from ${JSON.stringify(HERE)};
    const weak = [];
    for (let i = 0; i < 3; i++) {
      const thread = await startTestThread({ api: "{ run: () => 1 }" });
      await thread.call("run", []);
      await thread.close(10_000);
      weak.push(new WeakRef(thread));
    }
    let left = weak.length;
    for (let i = 0; i < 50 && left > 1; i++) {
      await new Promise((resolve) => setTimeout(resolve));
      gc();
      left = weak.filter((ref) => ref.deref() !== undefined).length;
    }
    console.log(left <= 1 ? "collected" : left + " left");
  `;
  const { stdout, stderr } = await runDeno([
    "run",
    "--no-prompt",
    "--allow-read",
    "--unstable-worker-options",
    "--v8-flags=--expose-gc",
    `data:application/javascript,${encodeURIComponent(program)}`,
  ]);
  assert.equal(stdout, "collected\n", stderr);
});

Deno.test("errors keep class, code and cause in both directions", async () => {
  const thread = await startTestThread({
    services: {
      fail: () => {
        throw new RuntimeError("STORE_DENIED", "outer", {
          cause: new Deno.errors.NotFound("inner"),
        });
      },
    },
    api: `{
      fail: () => {
        const cause = Object.assign(new RangeError("inner"), { code: "E_IN" });
        throw new TypeError("outer", { cause });
      },
      time: () => { throw new DOMException("late", "TimeoutError") },
      text: () => { throw "only a text" },
      trap: () => { throw Object.defineProperty(new Error("m"), "cause", { get() { throw 1 } }) },
      relay: async () => {
        const error = await call("fail").catch((error) => error);
        return [error.constructor.name, error.code, error.message, error.cause.constructor.name];
      },
      again: () => call("fail"),
    }`,
  });
  const caught = async (name: string) => {
    return await thread.call(name, []).catch((error) => error) as Error & { code?: unknown };
  };
  const error = await caught("fail");
  assert.ok(error instanceof TypeError);
  assert.equal(error.message, "outer");
  assert.ok(error.cause instanceof RangeError);
  assert.equal((error.cause as { code?: unknown }).code, "E_IN");
  const late = await caught("time");
  assert.ok(late instanceof DOMException);
  assert.equal(late.name, "TimeoutError");
  assert.equal((await caught("text")).message, "only a text");
  assert.equal((await caught("trap")).message, "m");
  assert.deepEqual(await thread.call("relay", []), [
    "RuntimeError",
    "STORE_DENIED",
    "outer",
    "NotFound",
  ]);
  const again = await caught("again");
  assert.ok(again instanceof RuntimeError);
  assert.equal(again.code, "STORE_DENIED");
  assert.ok(again.cause instanceof Deno.errors.NotFound);
  assert.equal(await thread.close(10_000), "closed");
});

Deno.test("values that cannot be cloned reject their call and leave the thread as it is", async () => {
  const thread = await startTestThread({
    services: { give: () => () => {} },
    api: `{
      echo: (value) => value,
      give: () => () => {},
      ask: (how) => call("give", how === "function" ? () => {} : 1).then(() => "?", (e) => e.name),
    }`,
  });
  const clone = { name: "DataCloneError" };
  await assert.rejects(thread.call("echo", [() => {}]), clone);
  await assert.rejects(thread.call("echo", [{ deep: [Symbol("s")] }]), clone);
  await assert.rejects(thread.call("give", []), { name: "TypeError", message: /Unserializable/ });
  assert.equal(await thread.call("ask", ["value"]), "TypeError");
  assert.equal(await thread.call("ask", ["function"]), "DataCloneError");
  assert.equal(await thread.call("echo", ["still here"]), "still here");
  assert.equal(await thread.close(10_000), "closed");
});

Deno.test("a worker may call thousands of times at once: calls wait for their turn, in order", async () => {
  const heard: unknown[] = [];
  let open = 0;
  let most = 0;
  const thread = await startTestThread({
    services: {
      note: async (value) => {
        most = Math.max(most, ++open);
        heard.push((value as { n: number }).n);
        // Slower than the worker calls, so that calls pile up.
        await new Promise((resolve) => setTimeout(resolve));
        open--;
      },
    },
    api: `{
      flood: async () => {
        const value = { n: 0 };
        const calls = [];
        for (let n = 0; n < 5000; n++) { value.n = n; calls.push(call("note", value)); }
        value.n = "changed after it was sent";
        calls.push(call("note", () => {}).catch((error) => error.name));
        return (await Promise.all(calls)).at(-1);
      },
    }`,
  });
  assert.equal(await thread.call("flood", []), "DataCloneError");
  assert.deepEqual(heard, Array.from({ length: 5000 }, (_, n) => n));
  assert.ok(most <= 1024, `${most} at once`);
  assert.equal(await thread.close(10_000), "closed");
});
