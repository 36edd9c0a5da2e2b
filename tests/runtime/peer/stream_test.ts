import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { ErrorCode } from "../../../runtime/errors.ts";
import { Answers, PeerError, type Peers } from "../../../runtime/peer/mod.ts";
import type { PeerAddress, PeerHandler } from "../../../runtime/peer/mod.ts";
import { addressOf, Box, makePeers, PATH, Stranger, until, untilEnded, write } from "./support.ts";

/** Too much for two of them in one frame. */
const LARGE = 40_000;
const HEAD_BYTES = 36;
const VALUES = ["a", "b", "c"].map((letter) => letter.repeat(LARGE));

const emitAll: PeerHandler = ({ value }) =>
  Promise.resolve(
    new Answers(async (emit) => {
      for (const item of value as unknown[]) {
        emit(item);
        await setImmediate();
      }
    }),
  );

/** Calls, and returns what came with what was thrown at the end. */
async function stream(
  { client }: Peers,
  address: PeerAddress,
  value: unknown,
  options: { mostValues?: number; timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<{ got: unknown[]; error: unknown }> {
  const got: unknown[] = [];
  const onValue = (value: unknown) => void got.push(value);
  const error = await client.stream(address, PATH, value, { mostValues: 9, onValue, ...options })
    .then(() => undefined, (error) => error);
  return { got, error };
}

function isFault(error: unknown, code: ErrorCode, text: RegExp): void {
  assert.ok(error instanceof PeerError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, text);
  assert.ok(error.mayHaveRun);
}

Deno.test("PeerClient.stream() gets each value when it is there, whatever its size", async () => {
  const gate = Promise.withResolvers<void>();
  const values = ["first", undefined, "x".repeat(3_000_000), new Map([[1, new Set([2n])]]), -0];
  await using box = new Box({}, {}, () =>
    Promise.resolve(
      new Answers(async (emit) => {
        emit("early");
        await gate.promise;
        for (const value of values) emit(value);
      }),
    ));
  using peers = makePeers();
  const got: unknown[] = [];
  const done = peers.client.stream(box.address, PATH, 0, {
    mostValues: 6,
    onValue: (value) => void got.push(value),
  });
  await until(() => got.length === 1);
  gate.resolve();
  await done;
  assert.deepEqual(got, ["early", ...values]);
});

Deno.test("PeerClient.stream() takes no values at all, and refuses one answer in their place", async () => {
  await using box = new Box({}, {}, emitAll);
  await using plain = new Box();
  using peers = makePeers();
  assert.deepEqual(await stream(peers, box.address, []), { got: [], error: undefined });
  const { error } = await stream(peers, plain.address, []);
  isFault(error, "PEER_BAD_ANSWER", /its head is not signed .* or not for several values/);
  await assert.rejects(peers.client.call(box.address, PATH, ["a"]), {
    code: "PEER_BAD_ANSWER",
    message: /not signed with the secret of the call/,
  });
});

/** The frames of an answer, each with its head. */
function framesOf(bytes: Uint8Array): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0);
    frames.push(bytes.subarray(at, at += HEAD_BYTES + length));
  }
  return frames;
}

function joined(frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(frames.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
  }
  return bytes;
}

function changed(frame: Uint8Array, at: number): Uint8Array {
  const copy = frame.slice();
  copy[at]! ^= 1;
  return copy;
}

type Tamper = (frames: Uint8Array[], before: Uint8Array[]) => Uint8Array[];

/** Someone on the way who changes the second answer; `before` are the frames of the first. */
async function throughChanger(tamper: Tamper): Promise<{ got: unknown[]; error: unknown }> {
  using theirs = makePeers();
  let before: Uint8Array[] | undefined;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const response = await theirs.server.answer(request, emitAll);
      const frames = framesOf(await response.bytes());
      const sent = before === undefined ? frames : tamper(frames, before);
      before ??= frames;
      return new Response(joined(sent), response);
    },
  );
  const address = addressOf((server.addr as Deno.NetAddr).port);
  using peers = makePeers();
  assert.deepEqual(await stream(peers, address, VALUES), { got: VALUES, error: undefined });
  return await stream(peers, address, VALUES);
}

const WRONG = /frame \d is not signed with the secret of the call, or was changed; it may have run/;

const TAMPERED: Record<string, [tamper: Tamper, fine: number, text: RegExp]> = {
  "a byte of a value": [([a, b, c, end]) => [a!, changed(b!, 99), c!, end!], 1, WRONG],
  "a byte of a signature": [([a, ...rest]) => [changed(a!, 9), ...rest], 0, WRONG],
  "the signature of the end": [
    ([a, b, c, end]) => [a!, b!, c!, changed(end!, 9)],
    3,
    /its end is not signed/,
  ],
  "the order of frames": [([a, b, c, end]) => [a!, c!, b!, end!], 1, WRONG],
  "a frame that comes again": [([a, b, c, end]) => [a!, a!, b!, c!, end!], 1, WRONG],
  "a frame that is left out": [([a, , c, end]) => [a!, c!, end!], 1, WRONG],
  "the last frame left out": [([a, b, , end]) => [a!, b!, end!], 2, /its end is not signed/],
  "an end that comes early": [([a, , , end]) => [a!, end!], 1, /its end is not signed/],
  "a frame of the answer before": [([a, , c, end], [, b]) => [a!, b!, c!, end!], 1, WRONG],
  "the whole answer before": [(_frames, before) => before, 0, WRONG],
  "something behind the end": [(frames) => [...frames, new Uint8Array(1)], 3, /after its end/],
  "a length of four gigabytes": [
    ([a, b]) => [a!, joined([new Uint8Array(4).fill(255), b!.subarray(4)])],
    1,
    /a value of more than the \d+ bytes that are allowed/,
  ],
};

for (const [what, [tamper, fine, text]] of Object.entries(TAMPERED)) {
  Deno.test(`PeerClient.stream() refuses an answer with a change: ${what}`, async () => {
    const { got, error } = await throughChanger(tamper);
    isFault(error, "PEER_BAD_ANSWER", text);
    assert.deepEqual(got, VALUES.slice(0, fine), "what is not signed was never read");
  });
}

for (
  const [where, cut] of Object.entries<(frames: Uint8Array[]) => Uint8Array[]>({
    "before the end": (frames) => frames.slice(0, 3),
    "within a frame": ([a, b, c]) => [a!, b!, c!.subarray(0, 100)],
    "within a head": ([a, b, c]) => [a!, b!, c!.subarray(0, 3)],
  })
) {
  Deno.test(`PeerClient.stream() knows an answer that was cut ${where}`, async () => {
    const { got, error } = await throughChanger((frames) => cut(frames));
    isFault(error, "PEER_LOST", /its end is missing/);
    assert.ok(got.length >= 2);
  });
}

/** A box behind someone who writes its whole answer and then does as he likes with the connection. */
async function afterSome(then: (connection: Deno.Conn) => Promise<void>, timeoutMs = 5000) {
  using theirs = makePeers();
  await using stranger = new Stranger(async (connection, text) => {
    const [head, body] = text.split("\r\n\r\n") as [string, string];
    const lines = head.split("\r\n").slice(1).map((line) => line.split(": ") as [string, string]);
    const bytes = Uint8Array.from(body, (letter) => letter.charCodeAt(0));
    const request = new Request(`http://x${PATH}`, { method: "POST", headers: lines, body: bytes });
    const response = await theirs.server.answer(request, emitAll);
    const frames = framesOf(await response.bytes());
    const signed = `tandem: ${response.headers.get("tandem")}`;
    await write(connection, `HTTP/1.1 200 OK\r\n${signed}\r\ntransfer-encoding: chunked\r\n\r\n`);
    await chunk(connection, joined(frames.slice(0, -1)));
    await then(connection);
  });
  using peers = makePeers({ maxAnswerBytes: 100_000 });
  return await stream(peers, stranger.address, ["one", "two"], { timeoutMs });
}

async function chunk(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  await write(connection, `${bytes.length.toString(16)}\r\n`);
  await write(connection, joined([bytes, new TextEncoder().encode("\r\n")]));
}

Deno.test("PeerClient.stream() keeps what came before the connection is cut", async () => {
  const { got, error } = await afterSome(() => Promise.resolve());
  assert.deepEqual(got, ["one", "two"]);
  isFault(error, "PEER_LOST", /the connection ended before it was whole/);
});

Deno.test("PeerClient.stream() gives up a gigabyte at once, announced or not", async () => {
  for (const length of [2 ** 30, 99_000]) {
    const { got, error } = await afterSome(async (connection) => {
      const head = new Uint8Array(HEAD_BYTES);
      new DataView(head.buffer).setUint32(0, length);
      await chunk(connection, head);
      for (let sent = 0; sent < 2 ** 30; sent += 65_536) {
        await chunk(connection, new Uint8Array(65_536));
      }
      assert.fail("it took a gigabyte");
    });
    assert.deepEqual(got, ["one", "two"]);
    isFault(error, "PEER_BAD_ANSWER", length > 100_000 ? /more than the 100000 bytes/ : WRONG);
  }
});

Deno.test("PeerClient.stream() does not wait for ever for the end", async () => {
  const { got, error } = await afterSome(untilEnded, 300);
  assert.deepEqual(got, ["one", "two"]);
  isFault(error, "DEADLINE_EXCEEDED", /within 300 ms/);
});

Deno.test("PeerClient.stream() takes no more values than it asked for, and the handler learns that nobody reads", async () => {
  let seen: AbortSignal | undefined;
  let turns = 0;
  await using box = new Box({}, {}, ({ signal }) => {
    seen = signal;
    return Promise.resolve(
      new Answers(async (emit) => {
        while (!signal.aborted) {
          emit(turns++);
          await setImmediate();
        }
      }),
    );
  });
  using peers = makePeers();
  const { got, error } = await stream(peers, box.address, 0, { mostValues: 5 });
  assert.deepEqual(got, [0, 1, 2, 3, 4]);
  isFault(error, "PEER_BAD_ANSWER", /more than the 5 values that were asked for/);
  await until(() => seen!.aborted);
});

Deno.test("PeerClient.stream() ends with the reason of its signal, with its time and with its client", async () => {
  const signals: AbortSignal[] = [];
  await using box = new Box({}, {}, ({ signal }) => {
    signals.push(signal);
    return Promise.resolve(
      new Answers(async (emit) => {
        emit("first");
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        emit("nobody reads this");
      }),
    );
  });
  using peers = makePeers();
  const abort = new AbortController();
  const reason = new Error("enough");
  const given = peers.client.stream(box.address, PATH, 0, {
    mostValues: 5,
    signal: abort.signal,
    onValue: () => abort.abort(reason),
  });
  await assert.rejects(given, (error) => error === reason);
  const { got, error } = await stream(peers, box.address, 0, { timeoutMs: 200 });
  assert.deepEqual(got, ["first"]);
  isFault(error, "DEADLINE_EXCEEDED", /within 200 ms/);
  const closed = peers.client.stream(box.address, PATH, 0, {
    mostValues: 5,
    onValue: () => peers.close(),
  });
  await assert.rejects(closed, { code: "STOPPING" });
  await until(() => signals.length === 3 && signals.every(({ aborted }) => aborted));
});

Deno.test("PeerClient.stream() ends with what onValue() throws, and its connection is let go", async () => {
  await using box = new Box({}, {}, emitAll);
  using peers = makePeers();
  const reason = new Error("no good");
  const call = peers.client.stream(box.address, PATH, VALUES, {
    mostValues: 5,
    onValue: () => {
      throw reason;
    },
  });
  await assert.rejects(call, (error) => error === reason);
  assert.deepEqual((await stream(peers, box.address, [1])).got, [1]);
});

Deno.test("Answers refuse to the handler what cannot travel or is too large, and go on", async () => {
  const errors: unknown[] = [];
  await using box = new Box({ maxAnswerBytes: 1000 }, {}, () =>
    Promise.resolve(
      new Answers((emit) => {
        for (const value of [1, () => 1, "x".repeat(2000), 2]) {
          try {
            emit(value);
          } catch (error) {
            errors.push((error as RuntimeFault).code, (error as Error).name);
          }
        }
        return Promise.resolve();
      }),
    ));
  using peers = makePeers();
  assert.deepEqual(await stream(peers, box.address, 0), { got: [1, 2], error: undefined });
  assert.deepEqual(errors, [25, "DataCloneError", "RESULT_TOO_LARGE", "RuntimeError"]);
});

interface RuntimeFault {
  code: unknown;
}

Deno.test("Answers that fail cut the connection", async () => {
  await using box = new Box({}, {}, () =>
    Promise.resolve(
      new Answers(async (emit) => {
        emit("first");
        await setImmediate();
        await setImmediate();
        throw new Error("broken");
      }),
    ));
  using peers = makePeers();
  const { error } = await stream(peers, box.address, 0);
  isFault(error, "PEER_LOST", /it may have run/);
});

Deno.test("Answers of one turn are one piece, and share a frame if they are small", async () => {
  using theirs = makePeers();
  using caller = makePeers();
  const body = caller.client.encode(addressOf(1), 0).bytes;
  const to = "127.0.0.1:1";
  const { headers } = caller.keyring.sign({ method: "POST", path: PATH, body, to, from: "me" });
  const request = new Request(`http://${to}${PATH}`, { method: "POST", headers, body });
  const response = await theirs.server.answer(request, () =>
    Promise.resolve(
      new Answers((emit) => {
        for (let turn = 0; turn < 20; turn++) emit(turn);
        for (const value of VALUES) emit(value);
        return Promise.resolve();
      }),
    ));
  const pieces = await Array.fromAsync(response.body!);
  assert.equal(pieces.length, 1);
  assert.equal(framesOf(pieces[0]!).length, 4);
});
