import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { containChannelFaults } from "../../../runtime/process/ipc_faults.ts";
import { workerProcess } from "../../../runtime/process/worker_process.ts";
import type { ThreadEnd } from "../../../runtime/thread/thread.ts";
import { startDeno } from "../../support/program.ts";
import { until } from "../http/support.ts";
import { source, startTestThread, type TestThread } from "../thread/support.ts";

/** Nothing but a process that has lost its owner takes so long to end. */
const LONGEST_MS = 5_000;

const start = ({ options, ...rest }: TestThread, maxHeapMb?: number) =>
  startTestThread({ ...rest, options: { ...options, carrier: workerProcess({ maxHeapMb }) } });

Deno.test("a thread in a process is called, calls, and is closed", async () => {
  const heard: unknown[] = [];
  const thread = await start({
    api: "{ add: (a, b) => a + b, tell: (value) => call('hear', value), name: () => self.name }",
    services: { hear: (value) => heard.push(value) },
  });
  assert.equal(await thread.call("add", [1, 2]), 3);
  await thread.call("tell", [new Map([[1, { at: new Date(0) }]])]);
  assert.deepEqual(heard, [new Map([[1, { at: new Date(0) }]])]);
  assert.equal(await thread.call("name", []), "test 1");
  assert.ok(thread.pid! > 0 && thread.stops);
  assert.ok(await thread.ping(5_000) !== undefined);
  assert.equal(await thread.close(10_000), "closed");
  await assert.rejects(thread.call("add", [1, 2]), { code: "THREAD_EXITED" });
});

Deno.test("startThread() rejects when the process of a document ends or does not load", async () => {
  const starts: [TestThread, string, RegExp][] = [
    [{ document: "throw new Error('at load')" }, "DOCUMENT_INVALID", /at load/],
    [{ document: "export {" }, "DOCUMENT_INVALID", /./],
    [{ document: "self.close()" }, "THREAD_EXITED", /it left with code 0/],
    [{ document: "Deno.exit(3)" }, "THREAD_EXITED", /it left with code 3/],
    [
      { document: "await new Promise(() => {})", options: { startTimeoutMs: 300 } },
      "DEADLINE_EXCEEDED",
      /not ready within 300 ms/,
    ],
    [{ document: "for (;;);", options: { startTimeoutMs: 300 } }, "DEADLINE_EXCEEDED", /not ready/],
    [
      {
        options: {
          modules: { kind: source("import 'file:///nowhere.ts'"), clients: {}, documents: {} },
        },
      },
      "THREAD_EXITED",
      /it left with code 1/,
    ],
  ];
  for (const [given, code, message] of starts) {
    await assert.rejects(start(given), { code, message });
  }
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
  ["leaves a rejection", "Promise.reject(new Error('alone'))", "failed", /in promise.*alone/],
  ["kills itself", "Deno.kill(Deno.pid, 'SIGKILL')", "failed", /ended by SIGKILL/],
  [
    "exhausts its heap",
    "const held = []; for (;;) held.push(new Array(1000).fill(Math.random()))",
    "failed",
    /exhausted its heap of 48 MB \(maxHeapMb\)/,
  ],
  ["leaves its owner", "process.disconnect()", "exited", /it left with code 1/],
  [
    "breaks what its messages are made with",
    "process.getBuiltinModule('node:v8').Serializer.prototype.releaseBuffer = () => undefined; " +
    "setTimeout(() => { throw new Error('timed') })",
    "exited",
    /it left with code 1/,
  ],
  [
    "breaks what its faults are told with",
    "Object.defineProperty(globalThis, 'name', { get() { throw new Error('no name') } }); " +
    "setTimeout(() => { throw new Error('timed') })",
    "exited",
    /it left with code 1/,
  ],
];

Deno.test.each(ENDS)("a process that %s ends its thread and every open call", async (
  _,
  code,
  reason,
  text,
) => {
  const never = "new Promise(() => setTimeout(() => {}, 2 ** 30))";
  const api = `{ hang: () => ${never}, leave: () => { ${code}; return ${never}; } }`;
  const thread = await start({ api }, 48);
  const fates = await Promise.allSettled([thread.call("hang", []), thread.call("leave", [])]);
  const end = await thread.ended;
  assert.equal(end.reason, reason);
  assert.match(end.error.message, text);
  for (const fate of fates) assert.equal((fate as PromiseRejectedResult).reason, end.error);
  await thread.gone;
});

Deno.test("an error that a document takes care of ends no process", async () => {
  const api = `{ wrong: () => {
    addEventListener("error", (event) => event.preventDefault());
    onunhandledrejection = (event) => event.preventDefault();
    setTimeout(() => { throw new Error("timed") });
    Promise.reject(new Error("alone"));
    return new Promise((resolve) => setTimeout(() => resolve("well"), 5));
  } }`;
  const thread = await start({ api });
  assert.equal(await thread.call("wrong", []), "well");
  assert.equal(await thread.close(10_000), "closed");
});

Deno.test("Thread.close() kills a process that does not answer", async () => {
  const thread = await start({ api: "{ spin: () => { for (;;); } }" });
  const open = thread.call("spin", []).catch((error) => error.code);
  assert.equal(await thread.close(20), "stuck");
  assert.equal(await open, "THREAD_EXITED");
});

const FRAMES: [string, string, RegExp][] = [
  ["a message that is no record", "postMessage([1])", /no record/],
  [
    "a call of no service",
    "postMessage({ id: 'x', type: 'APPLY', path: ['y'], argumentList: [] })",
    /unknown name/,
  ],
  [
    "a heartbeat that nobody asked for",
    "postMessage({ type: 'PONG', heapBytes: 1 })",
    /nobody asked/,
  ],
  [
    "a stream in a call",
    "const s = new ReadableStream(); postMessage({ id: 'x', type: 'APPLY', path: ['goodbye'], " +
    "argumentList: [{ type: 'RAW', value: s }] }, [s])",
    /with a ReadableStream/,
  ],
  [
    "arrays that are far larger than their message",
    "const far = () => { const list = []; list[30_000_000] = 1; return list; };" +
    "postMessage([far(), far(), far()])",
    /would fill the memory of its box/,
  ],
  [
    "bytes that are no value",
    "v8.Serializer.prototype.releaseBuffer = () => new Uint8Array(9); postMessage(1)",
    /no frame/,
  ],
];

Deno.test.each(FRAMES)("a process is ended for %s", async (_, code, text) => {
  const api =
    `{ attack: async () => { const { default: v8 } = await import("node:v8"); ${code} } }`;
  const thread = await start({ api });
  thread.call("attack", []).catch(() => {});
  const { reason, error } = await thread.ended;
  assert.equal(reason, "violated");
  assert.match(error.message, text);
  await thread.gone;
});

Deno.test("a process that spins ends with its owner, whatever its document has put in the place of Worker", async () => {
  const here = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  await using owner = startDeno([
    "run",
    "--quiet",
    "--no-check",
    "--allow-run=deno",
    "--allow-env",
    "--allow-read",
    "--unstable-worker-options",
    source(`import { startTestThread } from ${here("../thread/support.ts")};
      import { workerProcess } from ${here("../../../runtime/process/worker_process.ts")};
      const thread = await startTestThread({
        document: "globalThis.Worker = class {}; Object.defineProperty(Deno, 'ppid', { value: 1 })",
        api: "{ look: () => Deno.pid, spin: () => { console.log('spins'); for (;;); } }",
        options: { carrier: workerProcess({ maxHeapMb: undefined }) },
      });
      console.log("pid " + await thread.call("look", []));
      await thread.call("spin", []);`),
  ]);
  await owner.stdout.line(/^spins$/);
  const pid = Number((await owner.stdout.line(/^pid /)).slice(4));
  owner.kill("SIGKILL");
  // It holds the output of its owner for as long as it is there.
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), LONGEST_MS);
  });
  const hasGone = await Promise.race([owner.stdout.end.then(() => true), late]);
  clearTimeout(timer!);
  if (!hasGone) await new Deno.Command("sh", { args: ["-c", `kill -9 ${pid}`] }).output();
  assert.ok(hasGone, `process ${pid} was still there after ${LONGEST_MS} ms`);
});

Deno.test("a child that sends half a message does not end its parent", async () => {
  containChannelFaults();
  // A function cannot be cloned; the channel sends what it has of the message.
  const program = `import process from "node:process";
    process.send({ f() {} }, () => {});
    process.on("message", () => {});`;
  const child = spawn("deno", ["run", "--quiet", "--deny-run", source(program)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  });
  const faults: string[] = [];
  const hear = (event: ErrorEvent) => void faults.push(event.message);
  addEventListener("error", hear);
  try {
    await until(() => faults.length > 0);
    assert.match(faults[0]!, /Failed to read value/);
  } finally {
    removeEventListener("error", hear);
    const ended = new Promise((resolve) => child.on("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    if (child.connected) child.disconnect();
  }
});
