import assert from "node:assert/strict";
import { mock } from "node:test";
import { expose, wrap } from "../../../runtime/deps/comlink.ts";
import { RuntimeError, toErrorRecord } from "../../../runtime/errors.ts";
import { type Accept, Guard } from "../../../runtime/thread/guard.ts";
import { installErrorTransfer } from "../../../runtime/thread/transfer.ts";

installErrorTransfer();

type Message = Record<string, unknown>;
type Remote = Record<string, (...args: unknown[]) => Promise<unknown>>;

const MAX_OPEN = 4;
const SHARED = new SharedArrayBuffer(8);

/** A guard between a port that is not there and Comlink's two ends. */
function guarded() {
  const sent: Message[] = [];
  const faults: string[] = [];
  const called: unknown[][] = [];
  const release: ((value?: unknown) => void)[] = [];
  const note = (name: string) => (...args: unknown[]) => void called.push([name, ...args]);
  const guard = new Guard({
    names: new Set(["ping", "hold"]),
    post: (message) => void sent.push(structuredClone(message) as Message),
    onViolation: (what) => void faults.push(what),
    maxOpenCalls: MAX_OPEN,
    onAnswers: (list) =>
      list[0] === "bad" ? "sent a bad answer" : void called.push(["answers", ...list]),
    onPong: (heapBytes) => void called.push(["pong", heapBytes]),
  });
  const services = Object.assign(Object.create(null), {
    ping: note("ping"),
    secret: note("secret"),
    hold: () => new Promise((resolve) => release.push(resolve)),
  });
  expose(services, guard.calls);
  const remote = wrap(guard.answers) as unknown as Remote;
  const proxies = new Map<string, Remote[string]>();
  return {
    guard,
    sent,
    faults,
    called,
    release,
    /** What the worker posts, as structured clone brings it. */
    receive: (data: unknown) => guard.receive({ data, ports: [] } as unknown as MessageEvent),
    /** Asks the worker; the answer's fate is always handled. */
    ask: (accept?: Accept) => {
      const method = proxies.get("run") ?? remote.run!;
      proxies.set("run", method);
      const answer = guard.asking(accept, () => method(1));
      const fate = { value: undefined as unknown, error: undefined as unknown };
      const settled = answer.then((value) => fate.value = value, (error) => fate.error = error);
      return { id: sent.at(-1)!.id as string, fate, settled };
    },
  };
}

const call = (over: Message = {}): Message => ({
  id: "1",
  type: "APPLY",
  path: ["ping"],
  argumentList: [{ type: "RAW", value: 1 }],
  ...over,
});
const withValue = (value: unknown) => call({ argumentList: [{ type: "RAW", value }] });
const deep = (value: unknown, depth: number): unknown => {
  for (let i = 0; i < depth; i++) value = { value };
  return value;
};
const owning = (key: string, value: unknown) =>
  Object.defineProperty({}, key, { value, enumerable: true });

Deno.test("Guard hands a well-formed call on, rebuilt, and its answer back", async () => {
  const { receive, sent, called, faults } = guarded();
  const value = { a: [1n, new Date(0), new Map([["k", new Set([new Uint8Array(2)])]]), /x/u] };
  receive({ ...withValue(value), extra: SHARED, value: SHARED });
  await Promise.resolve();
  assert.deepEqual(called, [["ping", value]]);
  for (let i = 0; i < 10; i++) await Promise.resolve();
  assert.deepEqual(sent, [{ type: "RAW", value: undefined, id: "1" }]);
  receive(call());
  assert.equal(called.length, 2, "an id may be used again once it is answered");
  assert.deepEqual(faults, []);
});

const { port1, port2 } = new MessageChannel();
port1.close();
port2.close();

const VIOLATIONS: [string, unknown][] = [
  // No frame at all.
  ["undefined", undefined],
  ["null", null],
  ["a text", "APPLY"],
  ["a number", 1],
  ["a list", [call()]],
  ["bytes", new Uint8Array(4)],
  ["a map", new Map(Object.entries(call()))],
  ["an error", new Error("x")],
  ["shared memory", SHARED],
  ["an empty record", {}],
  // Ids.
  ["no id", call({ id: undefined })],
  ["an empty id", call({ id: "" })],
  ["a number as id", call({ id: 1 })],
  ["an object as id", call({ id: { toString: "x" } })],
  ["a list as id", call({ id: ["1"] })],
  ["an id of 129 characters", call({ id: "x".repeat(129) })],
  // Types.
  ...["GET", "SET", "CONSTRUCT", "ENDPOINT", "RELEASE", "apply", "", "__proto__"].map((
    type,
  ): [string, unknown] => [`type ${type}`, call({ type })]),
  ["no type", call({ type: undefined })],
  ["a list as type", call({ type: ["APPLY"] })],
  // Paths.
  ["no path", call({ path: undefined })],
  ["an empty path", call({ path: [] })],
  ["a text as path", call({ path: "ping" })],
  ["an array-like path", call({ path: { length: 1, 0: "ping" } })],
  ["a nested path", call({ path: ["ping", "constructor"] })],
  ["a path that comes back", call({ path: ["ping", "__proto__", "ping"] })],
  ["a number in the path", call({ path: [0] })],
  ["a list in the path", call({ path: [["ping"]] })],
  ["a sparse path", call({ path: new Array(1) })],
  ...[
    "constructor",
    "__proto__",
    "prototype",
    "toString",
    "hasOwnProperty",
    "then",
    "bind",
    "apply",
    "secret",
    "nothing",
    "ping ",
    "",
  ].map((name): [string, unknown] => [`the name "${name}"`, call({ path: [name] })]),
  // Argument lists.
  ["no argument list", call({ argumentList: undefined })],
  ["null for the argument list", call({ argumentList: null })],
  ["a text for the argument list", call({ argumentList: "x" })],
  ["an array-like argument list", call({ argumentList: { length: 0 } })],
  ["an argument list of null", call({ argumentList: [null] })],
  ["an argument that is plain", call({ argumentList: [1] })],
  ["an argument without a type", call({ argumentList: [{ value: 1 }] })],
  ["a sparse argument list", call({ argumentList: new Array(2) })],
  ["17 arguments", call({ argumentList: Array(17).fill({ type: "RAW", value: 1 }) })],
  ...["proxy", "throw", "nothing", "__proto__"].map((name): [string, unknown] => [
    `an argument of handler ${name}`,
    call({ argumentList: [{ type: "HANDLER", name, value: { isError: false, value: 1 } }] }),
  ]),
  ["a bad argument behind a good one", call({ argumentList: [{ type: "RAW" }, null] })],
  // Values that are no private data.
  ["shared memory as argument", withValue(SHARED)],
  ["shared memory in an object", withValue({ a: { b: SHARED } })],
  ["shared memory in a list", withValue([[SHARED]])],
  ["shared memory 3000 deep", withValue(deep(SHARED, 3000))],
  ["shared memory as the key of a map", withValue(new Map([[SHARED, 1]]))],
  ["shared memory as the value of a map", withValue(new Map([["k", [SHARED]]]))],
  ["shared memory in a set", withValue(new Set([{ a: SHARED }]))],
  ["a view of shared memory", withValue([new Uint8Array(SHARED)])],
  ["a data view of shared memory", withValue([new DataView(SHARED)])],
  ["shared memory as the cause of an error", withValue(new Error("x", { cause: SHARED }))],
  [
    "shared memory in the cause of a cause",
    withValue(new Error("x", { cause: new Error("y", { cause: { a: SHARED } }) })),
  ],
  ["shared memory below __proto__", withValue(owning("__proto__", { a: SHARED }))],
  ["shared memory beside a named entry of a list", withValue(Object.assign([1], { x: SHARED }))],
  ["a port", withValue({ port: port1 })],
  ["a stream", withValue(new ReadableStream())],
  ["a stream to write to", withValue([new WritableStream()])],
  ["a transform", withValue({ a: new TransformStream() })],
  ["a blob", withValue(new Blob([]))],
  ["a proxy of nothing", withValue(new WeakRef({}))],
];

Deno.test.each(VIOLATIONS)("Guard refuses a message that is or has %s", async (_, message) => {
  const { receive, sent, faults, called } = guarded();
  receive(message);
  receive(call({ id: "2" }));
  receive(message);
  for (let i = 0; i < 10; i++) await Promise.resolve();
  assert.equal(faults.length, 1, "one violation, and silence after it");
  assert.equal(typeof faults[0], "string");
  assert.ok(faults[0]!.length < 200);
  assert.deepEqual(called, []);
  assert.deepEqual(sent, []);
});

Deno.test("Guard refuses a port, and closes it", () => {
  const { guard, faults, called } = guarded();
  let closed = 0;
  const port = { close: () => closed++ };
  guard.receive({ data: call(), ports: [port, port] } as unknown as MessageEvent);
  assert.deepEqual([faults.length, closed, called.length], [1, 2, 0]);
});

Deno.test("Guard refuses an id that is in use, and more open calls than allowed", () => {
  const reused = guarded();
  reused.receive(call({ path: ["hold"] }));
  reused.receive(call({ path: ["ping"] }));
  assert.deepEqual(reused.faults, ["called with an id that is in use"]);
  assert.deepEqual(reused.called, []);
  const flood = guarded();
  for (let id = 0; id < MAX_OPEN; id++) flood.receive(call({ id: `${id}`, path: ["hold"] }));
  assert.deepEqual(flood.faults, []);
  flood.receive(call({ id: "more" }));
  assert.deepEqual(flood.faults, [`has more than ${MAX_OPEN} calls open`]);
});

Deno.test("Guard sends nothing to a worker that it has refused", async () => {
  const { guard, receive, sent, release, faults } = guarded();
  receive(call({ path: ["hold"] }));
  receive(null);
  release[0]!("late");
  for (let i = 0; i < 20; i++) await Promise.resolve();
  guard.asking(undefined, () => guard.answers.postMessage({ id: "9", type: "APPLY" }));
  assert.deepEqual([sent, faults.length], [[], 1]);
});

Deno.test("Guard treats a message that cannot be looked through as a violation", () => {
  const { receive, faults } = guarded();
  receive(withValue(
    new Proxy({}, {
      getPrototypeOf: () => {
        throw new RangeError("Set maximum size exceeded");
      },
    }),
  ));
  assert.match(faults[0]!, /cannot be checked: Set maximum size exceeded/);
});

Deno.test("Guard hands an answer on, once and as accepted", async () => {
  const { receive, ask, faults } = guarded();
  const plain = ask();
  receive({ id: plain.id, type: "RAW", value: { a: 1 }, more: SHARED });
  await plain.settled;
  assert.deepEqual(plain.fate.value, { a: 1 });
  const judged = ask((value) => `judged ${value}`);
  receive({ id: judged.id, type: "RAW", value: 1 });
  await judged.settled;
  assert.equal(judged.fate.value, "judged 1");
  assert.deepEqual(faults, []);
  receive({ id: judged.id, type: "RAW", value: 1 });
  assert.deepEqual(faults, ["answered a question that is not open"]);
});

const thrown = (value: unknown) => ({
  type: "HANDLER",
  name: "throw",
  value: { isError: true, value },
});

const BAD_ANSWERS: [string, Message][] = [
  ["an id that nobody used", { id: "forged", type: "RAW", value: 1 }],
  ["a port's proxy", { type: "HANDLER", name: "proxy", value: {} }],
  ["an unknown handler", { type: "HANDLER", name: "nothing", value: {} }],
  ["a handler named __proto__", { type: "HANDLER", name: "__proto__", value: {} }],
  ["no handler", { type: "HANDLER", value: { isError: true, value: toErrorRecord(1) } }],
  ["a throw of nothing", { type: "HANDLER", name: "throw" }],
  ["a throw of null", thrown(null)],
  ["a throw of a text", thrown("no")],
  ["a throw of a value", { type: "HANDLER", name: "throw", value: { isError: false, value: 1 } }],
  ["a throw without a message", thrown({ name: "Error" })],
  ["a throw with a name of objects", thrown({ name: {}, message: [] })],
  ["a throw of a list", thrown([{ name: "Error", message: "x" }])],
  ["shared memory", { type: "RAW", value: [SHARED] }],
  ["a stream that nobody asked for", { type: "RAW", value: { body: new ReadableStream() } }],
  ["what its accept refuses", { type: "RAW", value: "refuse" }],
];

Deno.test.each(BAD_ANSWERS)("Guard refuses an answer with %s", async (_, answer) => {
  const { receive, ask, faults } = guarded();
  const refusing: Accept = () => {
    throw new TypeError("it is refused");
  };
  const { id, fate } = ask(answer.value === "refuse" ? refusing : undefined);
  receive({ id, ...answer });
  receive({ id, type: "RAW", value: "late" });
  for (let i = 0; i < 10; i++) await Promise.resolve();
  assert.equal(faults.length, 1);
  assert.deepEqual(fate, { value: undefined, error: undefined });
});

Deno.test("Guard rebuilds an error from what is allowed of it", async () => {
  const { receive, ask, faults } = guarded();
  const { id, fate, settled } = ask();
  receive({
    id,
    ...thrown({
      name: "RuntimeError",
      message: "x".repeat(10_000),
      code: "ROOT_ACCESS",
      stack: "at a",
      isAdmin: SHARED,
      cause: { name: "NotFound", message: "gone", cause: { name: 1 } },
      __proto__: null,
    }),
  });
  await settled;
  const error = fate.error as RuntimeError;
  assert.ok(error instanceof RuntimeError);
  assert.equal(error.code, "BAD_MESSAGE", "a code that is none of ours is not taken over");
  assert.equal(error.message.length, 4096);
  assert.ok(error.cause instanceof Deno.errors.NotFound);
  assert.equal(error.cause.cause, undefined);
  assert.equal("isAdmin" in error, false);
  assert.deepEqual(faults, []);
});

Deno.test("Guard answers for the worker when a question cannot be cloned", async () => {
  const sent: unknown[] = [];
  const guard = new Guard({
    names: new Set(),
    post: (message) => void sent.push(structuredClone(message)),
    onViolation: () => assert.fail(),
    maxOpenCalls: 1,
    onAnswers: () => assert.fail(),
    onPong: () => assert.fail(),
  });
  const method = (wrap(guard.answers) as unknown as Remote).run!;
  await assert.rejects(guard.asking(undefined, () => method(() => {})), { name: "DataCloneError" });
  assert.deepEqual(sent, []);
});

Deno.test("Guard never tells a worker of collected proxies", () => {
  const { guard, sent } = guarded();
  for (const type of ["RELEASE", "GET", "SET", "CONSTRUCT", "ENDPOINT"]) {
    guard.answers.postMessage({ id: "1", type });
  }
  assert.deepEqual(sent, []);
});

const SILENT: [string, unknown][] = [
  ["answers that are no list", { type: "ANSWERS", list: "x" }],
  ["answers without a list", { type: "ANSWERS" }],
  ["an array-like list of answers", { type: "ANSWERS", list: { length: 1, 0: 1 } }],
  ["bytes for answers", { type: "ANSWERS", list: new Uint8Array(1) }],
  ["no answer", { type: "ANSWERS", list: [] }],
  ["65 answers", { type: "ANSWERS", list: Array(65).fill([1, 0, null, 1]) }],
  ["answers that the pool refuses", { type: "ANSWERS", list: ["bad"] }],
  ["a call that says that it is answers", call({ type: "ANSWERS" })],
  ["a list as the type", { type: ["ANSWERS"], list: [1] }],
  ["a heartbeat that nobody asked for", { type: "PONG", heapBytes: 1 }],
  ["a question of the entry", { type: "PING" }],
  ["tasks", { type: "TASKS", list: [1] }],
];

Deno.test.each(SILENT)("Guard refuses %s", (_, message) => {
  const { receive, faults, called } = guarded();
  receive(message);
  receive(call());
  assert.deepEqual([faults.length, called], [1, []]);
});

Deno.test("Guard hands up to 64 answers on as they are", () => {
  const { receive, called, faults } = guarded();
  const list = Array.from({ length: 64 }, (_, i) => [i, 0, { i }, 1]);
  receive({ type: "ANSWERS", list: list.slice(0, 1), id: "1", path: ["ping"] });
  receive({ type: "ANSWERS", list });
  assert.deepEqual(called, [["answers", list[0]], ["answers", ...list]]);
  assert.deepEqual(faults, []);
});

Deno.test("Guard lets one heartbeat pass for each that was asked for", () => {
  const { guard, receive, called, faults } = guarded();
  guard.pinged();
  guard.pinged();
  receive({ type: "PONG", heapBytes: 0 });
  receive({ type: "PONG", heapBytes: 5, path: ["ping"] });
  assert.deepEqual([called, faults], [[["pong", 0], ["pong", 5]], []]);
  receive({ type: "PONG", heapBytes: 5 });
  assert.deepEqual(faults, ["sent a heartbeat that nobody asked for"]);
});

const HEAPS = [NaN, Infinity, -1, 0.5, 1e300, "1", 1n, null, undefined, [1], { valueOf: 1 }, true];

Deno.test("Guard refuses a heartbeat without a size", () => {
  for (const heapBytes of HEAPS) {
    const { guard, receive, called, faults } = guarded();
    guard.pinged();
    receive({ type: "PONG", heapBytes });
    assert.deepEqual([faults, called], [["sent a malformed heartbeat"], []], `${heapBytes}`);
  }
});

/** A guard whose calls are answered at once, and a clock that stands still. */
function flooded() {
  const clock = mock.method(performance, "now", () => 0);
  const asked: unknown[] = [];
  const faults: string[] = [];
  const guard = new Guard({
    names: new Set(["ping"]),
    post: (message) => void asked.push(message),
    onViolation: (what) => void faults.push(what),
    maxOpenCalls: 1,
    onAnswers: () => undefined,
    onPong: () => assert.fail("it is the guard that has asked"),
  });
  const receive = (data: unknown) => guard.receive({ data, ports: [] } as unknown as MessageEvent);
  guard.calls.addEventListener("message", (event) => {
    const { id } = (event as MessageEvent).data;
    guard.calls.postMessage({ id, type: "RAW" });
    asked.pop();
  });
  return {
    asked,
    faults,
    receive,
    /** Makes so many calls, or fewer if one is refused; says how many were taken. */
    calls: (most: number) => {
      for (let i = 0; i < most; i++) {
        receive(call());
        if (faults.length > 0) return i;
      }
      return most;
    },
    [Symbol.dispose]: () => clock.mock.restore(),
  };
}

Deno.test("Guard ends a worker that calls on and on and does not listen", () => {
  using worker = flooded();
  assert.equal(worker.calls(1023), 1023);
  assert.deepEqual(worker.asked, []);
  assert.equal(worker.calls(1), 1);
  assert.deepEqual(worker.asked, [{ type: "PING" }]);
  assert.equal(worker.calls(1e5), 3 * 1024);
  assert.deepEqual(worker.faults, ["floods the box with calls"]);
});

Deno.test("Guard lets a worker call on that listens, up to a rate", () => {
  using worker = flooded();
  let made = 0;
  while (worker.faults.length === 0 && made < 1e6) {
    made += worker.calls(1000);
    if (worker.asked.pop() !== undefined) worker.receive({ type: "PONG", heapBytes: 1 });
  }
  assert.equal(made, 50_000);
  assert.deepEqual(worker.faults, ["floods the box with calls"]);
});
