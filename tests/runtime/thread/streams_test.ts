import assert from "node:assert/strict";
import { RuntimeError } from "../../../runtime/errors.ts";
import { isStreamFault } from "../../../runtime/thread/stream_faults.ts";
import { guardStream } from "../../../runtime/thread/streams.ts";
import { startTestThread } from "./support.ts";

const bytes = (length: number) => new Uint8Array(length);

/** A source that is read on demand, and what is known of it. */
function makeSource(chunks: unknown[], fails?: unknown) {
  const known = { pulls: 0, cancelled: undefined as unknown };
  const left = [...chunks];
  const stream = new ReadableStream<unknown>({
    pull(controller) {
      known.pulls++;
      if (left.length > 0) return controller.enqueue(left.shift());
      if (fails === undefined) controller.close();
      else controller.error(fails);
    },
    cancel(reason) {
      known.cancelled = reason;
    },
  }, { highWaterMark: 0 });
  return { known, stream };
}

/** Reads to the end; how the end was told is collected. */
function guarded(stream: ReadableStream<unknown>, maxBytes = 100, signal?: AbortSignal) {
  const ends: unknown[] = [];
  const onEnd = (error?: unknown) => void ends.push(error);
  return { ends, out: guardStream(stream, { maxBytes, signal, onEnd }) };
}

Deno.test("guardStream() passes bytes on and says once that all was read", async () => {
  const { stream } = makeSource([bytes(60), bytes(40)]);
  const { out, ends } = guarded(stream);
  assert.deepEqual((await Array.fromAsync(out)).map(({ length }) => length), [60, 40]);
  assert.deepEqual(ends, [undefined]);
});

Deno.test("guardStream() fails above its limit, and cancels the source", async () => {
  const { stream, known } = makeSource([bytes(60), bytes(41), bytes(1)]);
  const { out, ends } = guarded(stream);
  await assert.rejects(Array.fromAsync(out), { code: "RESULT_TOO_LARGE" });
  assert.equal(ends.length, 1);
  assert.equal(known.cancelled, ends[0]);
  assert.equal(known.pulls, 2);
});

const CHUNKS: [string, unknown][] = [
  ["a text", "text"],
  ["null", null],
  ["undefined", undefined],
  ["a number", 1],
  ["a buffer", new ArrayBuffer(1)],
  ["a view of another kind", new Uint16Array(1)],
  ["a list", [1, 2]],
  ["a record with a length", { byteLength: -1, buffer: new ArrayBuffer(0) }],
  ["shared bytes", new Uint8Array(new SharedArrayBuffer(1))],
];

Deno.test.each(CHUNKS)("guardStream() fails at %s, and cancels the source", async (_, chunk) => {
  const { stream, known } = makeSource([bytes(1), chunk, bytes(1)]);
  const { out, ends } = guarded(stream);
  await assert.rejects(Array.fromAsync(out), { code: "BAD_MESSAGE" });
  assert.equal(ends.length, 1);
  assert.equal(known.cancelled, ends[0]);
});

const FAILURES: [string, unknown, string, RegExp][] = [
  ["an error", new RangeError("m"), "RangeError", /^m$/],
  ["a text", "broken", "Error", /^broken$/],
  ["null", null, "Error", /null/],
  ["what has no text", { toString: 1, valueOf: 1 }, "Error", /^unreadable$/],
  ["a huge error", new Error("x".repeat(1e6)), "Error", /^x{4096}$/],
  ["a forged error of ours", { name: "RuntimeError", code: "STOPPING" }, "Error", /object/],
];

Deno.test.each(FAILURES)("guardStream() fails with an error when the source fails with %s", async (
  _,
  thrown,
  name,
  message,
) => {
  const { stream } = makeSource([bytes(1)], thrown);
  const { out, ends } = guarded(stream);
  await assert.rejects(Array.fromAsync(out), { name, message });
  assert.equal(ends.length, 1);
  assert.ok(ends[0] instanceof Error);
});

Deno.test("guardStream() ends with its signal, before it begins, while it waits and after its end", async () => {
  const reason = new RuntimeError("THREAD_EXITED", "gone");
  const early = makeSource([bytes(1)]);
  const dead = guarded(early.stream, 100, AbortSignal.abort(reason));
  await assert.rejects(Array.fromAsync(dead.out), reason);
  assert.deepEqual([early.known.pulls, early.known.cancelled, dead.ends], [0, reason, [reason]]);

  const abort = new AbortController();
  const silent = new ReadableStream({ pull: () => new Promise<void>(() => {}) });
  const waiting = guarded(silent, 100, abort.signal);
  const read = Array.fromAsync(waiting.out);
  abort.abort(reason);
  await assert.rejects(read, reason);
  assert.deepEqual(waiting.ends, [reason]);

  const late = new AbortController();
  const whole = guarded(makeSource([]).stream, 100, late.signal);
  await Array.fromAsync(whole.out);
  late.abort(reason);
  assert.deepEqual(whole.ends, [undefined]);
});

Deno.test("guardStream() pulls on demand only", async () => {
  const { stream, known } = makeSource([bytes(1), bytes(1), bytes(1)]);
  const { out } = guarded(stream);
  const reader = out.getReader();
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(known.pulls, 0);
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(known.pulls, 1);
  await reader.cancel("enough");
  assert.equal(known.cancelled, "enough");
});

const STREAMS = `(() => {
  let pulled = 0;
  let cancelled;
  const make = (body) => ({ __proto__: null, body });
  const port = self.postMessage.bind(self);
  return {
    endless: (id) => {
      const stream = new ReadableStream({
        pull: (controller) => { pulled++; controller.enqueue(new Uint8Array(1024)); },
        cancel: (reason) => { cancelled = String(reason?.message ?? reason); },
      }, { highWaterMark: 0 });
      port({ id: "s", type: "APPLY", path: ["noop"], argumentList: [] });
      return context.transfer(stream);
    },
    known: () => [pulled, cancelled],
    leave: () => self.close(),
  };
})()`;

/** Starts a thread and gets a stream of it that never ends. */
async function endless() {
  const document = `
    import { transfer } from ${
    JSON.stringify(new URL("../../../runtime/deps/comlink.ts", import.meta.url).href)
  };
    export default (stream) => transfer({ body: stream }, [stream]);`;
  const api = STREAMS.replace("context.transfer", "context.documents.main.default");
  const thread = await startTestThread({ api, document, services: { noop: () => {} } });
  const accept = (value: unknown) => value;
  const { body } = await thread.call("endless", [], { accept }) as { body: ReadableStream };
  const guard = guarded(body, 2 ** 30, thread.signal);
  return { thread, ...guard, reader: guard.out.getReader() };
}

Deno.test("a worker's stream ends with its worker", async () => {
  const { thread, reader, ends } = await endless();
  assert.equal((await reader.read()).value!.byteLength, 1024);
  thread.call("leave", []).catch(() => {});
  await assert.rejects(
    (async () => {
      while (!(await reader.read()).done);
    })(),
    { code: "THREAD_EXITED" },
  );
  assert.equal((await thread.ended).reason, "exited");
  assert.equal(ends.length, 1);
});

Deno.test("a worker's stream is pulled on demand, and hears that it was cancelled", async () => {
  const { thread, reader, ends } = await endless();
  for (let i = 0; i < 3; i++) await reader.read();
  // Ten round trips later a stream without back-pressure would have run far ahead.
  let pulled = 0;
  for (let i = 0; i < 10; i++) [pulled] = await thread.call("known", []) as [number];
  assert.ok(pulled >= 3 && pulled <= 8, `${pulled} pulled for 3 that were read`);
  await reader.cancel(new Error("enough"));
  let cancelled: unknown;
  while (cancelled === undefined) [, cancelled] = await thread.call("known", []) as unknown[];
  assert.equal(cancelled, "enough");
  assert.equal(ends.length, 1);
  assert.equal(await thread.close(10_000), "closed");
});

Deno.test("isStreamFault() knows errors of a stream's port and no other", () => {
  const make = (line: string, message = "Cannot read properties of null (reading 'type')") =>
    Object.assign(new TypeError(message), { stack: `TypeError: ${message}\n${line}` });
  const inside = "    at MessagePort.<anonymous> (ext:deno_web/06_streams.js:1:88131)";
  assert.equal(isStreamFault(make(inside)), true);
  const others = [
    make("    at MessagePort.<anonymous> (file:///work/app.ts:1:1)\n" + inside),
    make("    at f (ext:deno_web/06_streams.js:1:1)"),
    make("    at f (file:///work/app.ts:1:1)", inside),
    Object.assign(new Error("m"), { stack: `Error: m\n${inside}` }),
    inside,
    null,
    undefined,
  ];
  for (const other of others) assert.equal(isStreamFault(other), false);
});
