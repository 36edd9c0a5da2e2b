import assert from "node:assert/strict";
import { decodeValue, encodeValue } from "../../../runtime/process/ipc_codec.ts";
import { FRAME, MAX_CHUNK, MAX_STREAMS, WINDOW } from "../../../runtime/process/stream_frames.ts";
import { StreamLanes } from "../../../runtime/process/stream_lanes.ts";
import { until } from "../http/support.ts";

type Message = { list: { body: ReadableStream<Uint8Array>; name: string }[] };

/** Two sides that hear each other in the next turn, and all frames that passed. */
function pair() {
  const frames: unknown[][] = [];
  const faults: (string | undefined)[] = [];
  const messages: Message[] = [];
  const pass = (to: () => StreamLanes) => (bytes: Uint8Array) => {
    const frame = decodeValue(bytes) as unknown[];
    frames.push(frame);
    queueMicrotask(() => faults.push(to().take(frame)));
  };
  const left: StreamLanes = new StreamLanes({ send: pass(() => right), onMessage: () => {} });
  const right: StreamLanes = new StreamLanes({
    send: pass(() => left),
    onMessage: (message) => messages.push(message as Message),
  });
  const wrong = () => faults.filter((fault) => fault !== undefined);
  return { left, right, frames, messages, wrong };
}

/** Makes the pair, sends a stream from left to right and brings it as it arrives. */
async function sent(source: ReadableStream<unknown>) {
  const both = pair();
  const message = { list: [{ name: "a", body: source }] };
  both.left.post(message, [source]);
  assert.equal(message.list[0]!.body, source, "the sender's message stays as it is");
  await until(() => both.messages.length === 1);
  const [{ name, body }] = both.messages[0]!.list as [Message["list"][0]];
  assert.equal(name, "a");
  return { ...both, body };
}

function source(chunks: unknown[], fails?: unknown) {
  const known = { pulls: 0, cancelled: undefined as unknown };
  const left = [...chunks];
  const stream = new ReadableStream<unknown>({
    pull(controller) {
      known.pulls++;
      if (left.length > 0) return controller.enqueue(left.shift());
      if (fails === undefined) controller.close();
      else controller.error(fails);
    },
    cancel: (reason) => void (known.cancelled = reason),
  }, { highWaterMark: 0 });
  return { known, stream };
}

const bytes = (length: number, fill = 1) => new Uint8Array(length).fill(fill);

Deno.test("a stream arrives in order and whole, in chunks that are not too large", async () => {
  const large = bytes(2 * MAX_CHUNK + 7, 2);
  const { stream } = source([bytes(3), new Uint8Array(), large, bytes(1, 3).subarray(0, 1)]);
  const { body, wrong } = await sent(stream);
  const chunks = await Array.fromAsync(body);
  assert.deepEqual(chunks.map(({ length }) => length), [3, 0, MAX_CHUNK, MAX_CHUNK, 7, 1]);
  assert.deepEqual([chunks[4]![6], chunks[5]![0]], [2, 3]);
  assert.deepEqual(wrong(), []);
});

Deno.test("a stream is not read before its reader is, nor far ahead of it", async () => {
  const { stream, known } = source(Array.from({ length: 100 }, () => bytes(1)));
  const { body, frames } = await sent(stream);
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(known.pulls, 0);
  const reader = body.getReader();
  for (let read = 1; read <= 50; read++) {
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve));
    assert.ok(known.pulls <= read + WINDOW, `${known.pulls} for ${read}`);
  }
  assert.ok(frames.filter(([kind]) => kind === FRAME.pull).length < 20, "not one pull a chunk");
  await reader.cancel();
});

Deno.test("a stream that is cancelled or fails says so on the other side", async () => {
  const cancelled = source([bytes(1), bytes(1)]);
  const one = await sent(cancelled.stream);
  const reader = one.body.getReader();
  await reader.read();
  await reader.cancel(new RangeError("enough"));
  await until(() => cancelled.known.cancelled !== undefined);
  assert.match(String(cancelled.known.cancelled), /RangeError: enough/);
  const failed = await sent(source([bytes(1)], new RangeError("broken off")).stream);
  await assert.rejects(Array.fromAsync(failed.body), { name: "RangeError", message: "broken off" });
  const text = source(["text"]);
  const typed = await sent(text.stream);
  await assert.rejects(Array.fromAsync(typed.body), /chunk of type string.*only bytes/);
  await until(() => text.known.cancelled !== undefined);
  assert.deepEqual([...one.wrong(), ...failed.wrong(), ...typed.wrong()], []);
});

Deno.test("streams end on both sides when the other one has gone", async () => {
  const { stream, known } = source([bytes(1)]);
  const { left, right, body } = await sent(stream);
  const gone = new Error("it has gone");
  right.close(gone);
  left.close(gone);
  await assert.rejects(body.getReader().read(), gone);
  assert.equal(known.cancelled, gone);
  left.post({}, []);
  assert.equal(right.take([FRAME.end, 1]), undefined);
});

Deno.test("what cannot be moved to a process is refused, and nothing is locked", () => {
  const { left, frames } = pair();
  const { port1, port2 } = new MessageChannel();
  const name = "DataCloneError";
  const body = new ReadableStream<Uint8Array>();
  assert.throws(() => left.post({ port1, body }, [body, port1]), { name, message: /MessagePort/ });
  port1.close();
  port2.close();
  const pipe = new WritableStream();
  assert.throws(() => left.post({ pipe }, [pipe]), { name, message: /WritableStream/ });
  assert.throws(() => left.post({}, [body]), { name, message: /not in the message/ });
  assert.throws(() => left.post({ body }, []), { name, message: /ReadableStream/ });
  assert.throws(() => left.post({ body, f() {} }, [body]), {
    name,
    message: /could not be cloned/,
  });
  assert.equal(body.locked, false);
  const locked = new ReadableStream();
  locked.getReader();
  assert.throws(() => left.post({ locked }, [locked]), { name, message: /locked/ });
  assert.deepEqual(frames, []);
  const buffer = new ArrayBuffer(4);
  left.post({ buffer }, [buffer]);
  assert.equal(buffer.byteLength, 4, "it is copied");
});

Deno.test("streams that are open at once are counted", () => {
  const { left } = pair();
  for (let open = 0; open < MAX_STREAMS; open++) {
    const body = new ReadableStream();
    left.post({ body }, [body]);
  }
  const body = new ReadableStream();
  assert.throws(() => left.post({ body }, [body]), { message: /1024 are open already/ });
});

const HOSTILE: [string, unknown[], RegExp][] = [
  ["a frame of no kind", [99], /not open/],
  ["a frame of a text", ["message"], /not open/],
  ["nothing", [], /not open/],
  ["a chunk of no stream", [FRAME.chunk, 5, bytes(1)], /not open/],
  ["an end of no stream", [FRAME.end, 5], /not open/],
  ["a chunk that nobody asked for", [FRAME.chunk, 1, bytes(1)], /nobody asked for/],
  ["a chunk of text", [FRAME.chunk, 1, "x"], /nobody asked for/],
  ["a chunk that is too large", [FRAME.chunk, 1, bytes(MAX_CHUNK + 1)], /nobody asked for/],
  ["the other side's ready", [FRAME.ready, 1], /no kind/],
  ["a pull of a stream that never was", [FRAME.pull, 9, 1], /no stream/],
  ["a pull of a text", [FRAME.pull, "1", 1], /no stream/],
  ["a pull of nothing", [FRAME.pull, 1, 0], /too many/],
  ["a pull of half a chunk", [FRAME.pull, 1, 0.5], /too many/],
  ["a pull of too many", [FRAME.pull, 1, WINDOW + 1], /too many/],
  ["a cancel of a stream that never was", [FRAME.cancel, 9], /no stream/],
  ["places of no list", [FRAME.message, { a: null }, "a"], /too many streams/],
  ["too many places", [FRAME.message, {}, Array(MAX_STREAMS + 1)], /too many streams/],
  ["a place of no list", [FRAME.message, { a: null }, [5]], /no place/],
  ["an empty path", [FRAME.message, { a: null }, [[[], 2]]], /no place/],
  ["a path of no keys", [FRAME.message, { a: null }, [[[{}], 2]]], /no place/],
  ["a path into a prototype", [FRAME.message, {}, [[["__proto__"], 2]]], /no place/],
  ["a path beside it", [FRAME.message, { a: null }, [[["b"], 2]]], /no place/],
  ["a path to a value", [FRAME.message, { a: 1 }, [[["a"], 2]]], /no place/],
  ["a path through a value", [FRAME.message, { a: "x" }, [[["a", 0], 2]]], /no place/],
  ["a path into bytes", [FRAME.message, { a: bytes(1) }, [[["a", 0], 2]]], /no place/],
  ["a path that is too long", [FRAME.message, {}, [[Array(17).fill("a"), 2]]], /no place/],
  ["a number that is in use", [FRAME.message, { a: null }, [[["a"], 1]]], /no place/],
  ["a number out of turn", [FRAME.message, { a: null }, [[["a"], 7]]], /no place/],
  ["the same place twice", [FRAME.message, { a: null }, [[["a"], 2], [["a"], 3]]], /no place/],
];

Deno.test.each(HOSTILE)("a side takes no %s", (_, frame, fault) => {
  const { left } = pair();
  // One stream is open each way, both with the number 1.
  const body = new ReadableStream();
  left.post({ body }, [body]);
  assert.equal(left.take([FRAME.message, { body: null }, [[["body"], 1]]]), undefined);
  assert.match(left.take(decodeValue(encodeValue(frame)) as unknown[])!, fault);
});

Deno.test("a side that asks for more than may be on the way is refused", () => {
  const { left } = pair();
  const body = new ReadableStream();
  left.post({ body }, [body]);
  assert.equal(left.take([FRAME.pull, 1, WINDOW]), undefined);
  assert.equal(left.take([FRAME.pull, 1, WINDOW]), undefined);
  assert.match(left.take([FRAME.pull, 1, 1])!, /too many/);
});
