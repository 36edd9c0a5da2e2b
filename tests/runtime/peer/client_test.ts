import assert from "node:assert/strict";
import type { ErrorCode } from "../../../runtime/errors.ts";
import type { PeersOptions } from "../../../runtime/types/site.ts";
import {
  type PeerAddress,
  PeerClient,
  PeerError,
  type Peers,
  readAddress,
  WIRE_VERSION,
} from "../../../runtime/peer/mod.ts";
import { freePort } from "../../support/loopback.ts";
import {
  addressOf,
  type Answering,
  Box,
  makePeers,
  PATH,
  SECRET,
  Stranger,
  until,
  untilEnded,
  write,
} from "./support.ts";

const TIMEOUT_MS = 400;
/** Only so much that a call that hangs is seen. */
const MARGIN_MS = 3000;
const MAX_ANSWER = 100_000;
const OK = "HTTP/1.1 200 OK\r\n";
const SIGNED = `tandem: wire=${WIRE_VERSION}; signature=${"a".repeat(64)}\r\n`;

interface Fault {
  code: ErrorCode;
  text: RegExp;
  mayHaveRun: boolean;
}

/** Calls, expects the fault in time, and then that the same peers still talk to a good box. */
async function fails(peers: Peers, address: PeerAddress, fault: Fault): Promise<void> {
  const start = performance.now();
  await assert.rejects(
    peers.client.call(address, PATH, { n: 1 }, { timeoutMs: TIMEOUT_MS }),
    (error) => {
      assert.ok(error instanceof PeerError, String(error));
      assert.equal(error.code, fault.code, error.message);
      assert.match(error.message, fault.text);
      assert.match(error.message, new RegExp(address.name.replaceAll(".", "\\.")));
      assert.equal(error.mayHaveRun, fault.mayHaveRun, error.message);
      return true;
    },
  );
  const elapsed = performance.now() - start;
  assert.ok(elapsed < TIMEOUT_MS + MARGIN_MS, `it took ${elapsed} ms`);
  await using good = new Box();
  assert.deepEqual(await peers.client.call(good.address, PATH, [1, -0]), [1, -0]);
}

const STRANGERS: Record<string, Fault & { answer: Answering; mayComeBack?: true }> = {
  "never answers": {
    answer: untilEnded,
    code: "DEADLINE_EXCEEDED",
    text: /within 400 ms; it may have run/,
    mayHaveRun: true,
  },
  "answers with a head and then nothing": {
    async answer(connection) {
      await write(connection, `${OK}${SIGNED}content-length: 10\r\n\r\nab`);
      await untilEnded(connection);
    },
    code: "DEADLINE_EXCEEDED",
    text: /within 400 ms/,
    mayHaveRun: true,
  },
  "answers a byte now and then": {
    async answer(connection) {
      await write(connection, `${OK}${SIGNED}transfer-encoding: chunked\r\n\r\n`);
      let isOver = false;
      const ended = untilEnded(connection).finally(() => isOver = true);
      while (!isOver) {
        await write(connection, "1\r\na\r\n");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await ended;
    },
    code: "DEADLINE_EXCEEDED",
    text: /within 400 ms/,
    mayHaveRun: true,
  },
  "does not speak HTTP": {
    answer: (connection) => write(connection, "SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    code: "PEER_BAD_ANSWER",
    text: /does not speak HTTP/,
    mayHaveRun: true,
  },
  "answers a web page": {
    answer: (connection) => write(connection, `${OK}content-length: 4\r\n\r\n<p>x`),
    code: "PEER_BAD_ANSWER",
    text: /no Tandem box gave it; its status is 200/,
    mayHaveRun: true,
  },
  "is a proxy that finds nothing": {
    answer: (connection) => write(connection, "HTTP/1.1 503 No\r\ncontent-length: 4\r\n\r\nnone"),
    code: "PEER_BAD_ANSWER",
    text: /no Tandem box gave it; its status is 503/,
    mayHaveRun: true,
  },
  "answers bytes that it cannot sign": {
    answer: (connection) => write(connection, `${OK}${SIGNED}content-length: 4\r\n\r\n\x01\x09ab`),
    code: "PEER_BAD_ANSWER",
    text: /not signed with the secret of the call/,
    mayHaveRun: true,
  },
  "does not sign": {
    answer: (connection) =>
      write(connection, `${OK}tandem: wire=1\r\ncontent-length: 4\r\n\r\n\x01\x09ab`),
    code: "PEER_BAD_ANSWER",
    text: /it is not signed/,
    mayHaveRun: true,
  },
  "closes at once": {
    answer: () => Promise.resolve(),
    code: "PEER_LOST",
    text: /the connection ended before it was whole .*; it may have run/,
    mayHaveRun: true,
  },
  "closes within the head": {
    answer: (connection) => write(connection, `${OK}content-le`),
    code: "PEER_LOST",
    text: /the connection ended/,
    mayHaveRun: true,
  },
  "closes within the body": {
    answer: (connection) => write(connection, `${OK}${SIGNED}content-length: 100\r\n\r\nabc`),
    code: "PEER_LOST",
    text: /the connection ended/,
    mayHaveRun: true,
  },
  "closes within a chunk": {
    answer: (connection) =>
      write(connection, `${OK}${SIGNED}transfer-encoding: chunked\r\n\r\n9\r\nabc`),
    code: "PEER_LOST",
    text: /the connection ended/,
    mayHaveRun: true,
  },
  "announces a gigabyte": {
    async answer(connection) {
      await write(connection, `${OK}${SIGNED}content-length: ${2 ** 30}\r\n\r\n`);
      await pour(connection, new Uint8Array(65_536));
    },
    code: "PEER_BAD_ANSWER",
    text: /more than the 100000 bytes/,
    mayHaveRun: true,
  },
  "pours without end": {
    async answer(connection) {
      await write(connection, `${OK}${SIGNED}transfer-encoding: chunked\r\n\r\n`);
      await pour(connection, new TextEncoder().encode(`ffff\r\n${"x".repeat(0xffff)}\r\n`));
    },
    code: "PEER_BAD_ANSWER",
    text: /more than the 100000 bytes/,
    mayHaveRun: true,
  },
  "pours more than it has announced": {
    async answer(connection) {
      const heads = "content-length: 5\r\ntransfer-encoding: chunked\r\n";
      await write(connection, `${OK}${SIGNED}${heads}\r\n`);
      await pour(connection, new TextEncoder().encode(`ffff\r\n${"x".repeat(0xffff)}\r\n`));
    },
    code: "PEER_BAD_ANSWER",
    text: /more than the 100000 bytes/,
    mayHaveRun: true,
  },
  "pours until it closes": {
    async answer(connection) {
      await write(connection, `${OK}${SIGNED}\r\n`);
      await pour(connection, new Uint8Array(65_536));
    },
    code: "PEER_BAD_ANSWER",
    text: /more than the 100000 bytes/,
    mayHaveRun: true,
  },
  "pours a head without end": {
    async answer(connection) {
      await write(connection, `${OK}x: `);
      await pour(connection, new TextEncoder().encode("x".repeat(65_536)));
    },
    code: "PEER_BAD_ANSWER",
    text: /does not speak HTTP .*too large/,
    mayHaveRun: true,
  },
  "redirects": {
    answer: (connection) =>
      write(
        connection,
        "HTTP/1.1 307 X\r\nlocation: http://other.test:99/x\r\ncontent-length: 0\r\n\r\n",
      ),
    code: "PEER_BAD_ANSWER",
    text: /it redirects to http:\/\/other\.test:99 \(307\)/,
    mayHaveRun: true,
  },
  "answers as a box, with a status that no box gives": {
    answer: (connection) => write(connection, "HTTP/1.1 204 No\r\ntandem: wire=1\r\n\r\n"),
    code: "PEER_BAD_ANSWER",
    text: /status 204: it does not say why; it may have run/,
    mayHaveRun: true,
  },
  "claims that the credential is wrong, in a long and dirty text": {
    answer: (connection) =>
      write(
        connection,
        `HTTP/1.1 401 No\r\ntandem: wire=1\r\ntandem-refused: \xe9${
          "x".repeat(5000)
        }\r\ncontent-length: 0\r\n\r\n`,
      ),
    code: "PEER_UNAUTHORISED",
    text: /does not accept this box's credential: \?+x{190,200}…$/,
    mayHaveRun: false,
  },
};

for (const [does, { answer, ...fault }] of Object.entries(STRANGERS)) {
  Deno.test(`PeerClient.call() fails in time when the other side ${does}`, async () => {
    await using stranger = new Stranger(answer);
    using peers = makePeers({ maxAnswerBytes: MAX_ANSWER });
    await fails(peers, stranger.address, fault);
    assert.equal(stranger.connections, 1, "no call is made twice");
  });
}

Deno.test("PeerClient.call() does not unpack an answer that becomes large only then", async () => {
  const packed = await new Response(
    new Blob([new Uint8Array(1 << 24)]).stream().pipeThrough(new CompressionStream("gzip")),
  ).bytes();
  await using stranger = new Stranger(async (connection) => {
    const length = `content-length: ${packed.length}`;
    await write(connection, `${OK}${SIGNED}content-encoding: gzip\r\n${length}\r\n\r\n`);
    await write(connection, packed);
  });
  using peers = makePeers({ maxAnswerBytes: MAX_ANSWER });
  const text = /not signed/;
  await fails(peers, stranger.address, { code: "PEER_BAD_ANSWER", text, mayHaveRun: true });
});

Deno.test("PeerClient.call() fails at once when nobody is there", async () => {
  using peers = makePeers();
  const text = /Cannot reach .*refused.*; nothing has run there/;
  const fault: Fault = { code: "UNREACHABLE_PEER", text, mayHaveRun: false };
  await fails(peers, addressOf(freePort()), fault);
});

Deno.test("PeerClient.call() believes only the first of two answers, and of none that came early", async () => {
  using peers = makePeers();
  await using good = new Box();
  let answer = "";
  await using stranger = new Stranger(async (connection, request) => {
    // What a box answers to this very request, and something behind it.
    const [head, body] = request.split("\r\n\r\n") as [string, string];
    const headers = new Headers(
      head.split("\r\n").slice(1).map((line) => line.split(": ") as [string, string]),
    );
    const bytes = Uint8Array.from(body, (letter) => letter.charCodeAt(0));
    const url = `http://${stranger.address.name}${PATH}`;
    const response = await good.peers.server.answer(
      new Request(url, { method: "POST", headers, body: bytes }),
      ({ value }) => Promise.resolve(value),
    );
    const text = new TextDecoder("latin1").decode(await response.bytes());
    const lines = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
    answer = `${OK}${lines}content-length: ${text.length}\r\n\r\n${text}`;
    await write(connection, Uint8Array.from(answer + answer, (letter) => letter.charCodeAt(0)));
    await untilEnded(connection);
  });
  assert.equal(await peers.client.call(stranger.address, PATH, "one"), "one");
  assert.equal(await peers.client.call(stranger.address, PATH, "two"), "two");
  await using early = new Stranger((connection) => write(connection, answer));
  const text = /not signed with the secret of the call/;
  await fails(peers, early.address, { code: "PEER_BAD_ANSWER", text, mayHaveRun: true });
});

const REFUSALS: Record<string, { peer: PeersOptions; aheadMs?: number; text: RegExp }> = {
  "has another secret": {
    peer: { secrets: ["another secret than ours"] },
    text:
      /does not accept this box's credential: it is signed with a secret that is not known here/,
  },
  "has a clock that is an hour ahead": {
    peer: {},
    aheadMs: 3_600_000,
    text: /the sender's clock is 3600 s behind this box's, and 30 s are allowed/,
  },
  "has a clock that is an hour behind": {
    peer: {},
    aheadMs: -3_600_000,
    text: /the sender's clock is 3600 s ahead of this box's, and 30 s are allowed/,
  },
  "goes by another address": {
    peer: { self: ["10.0.0.9:8000"] },
    text: /the credential is for 127\.0\.0\.1:\d+, and this box is 10\.0\.0\.9:8000/,
  },
};

for (const [does, { peer, aheadMs = 0, text }] of Object.entries(REFUSALS)) {
  Deno.test(`PeerClient.call() is refused by a box that ${does}`, async () => {
    let handled = 0;
    const now = () => Date.now() + aheadMs;
    await using box = new Box(peer, { now }, () => Promise.resolve(handled++));
    using peers = makePeers();
    await fails(peers, box.address, { code: "PEER_UNAUTHORISED", text, mayHaveRun: false });
    assert.equal(handled, 0);
  });
}

Deno.test("PeerClient.call() says that it may have run when something on the way has sent it twice", async () => {
  let handled = 0;
  using theirs = makePeers();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const handle = () => Promise.resolve(handled++);
      const first = await theirs.server.answer(request.clone(), handle);
      await first.body?.cancel();
      return await theirs.server.answer(request, handle);
    },
  );
  using peers = makePeers();
  const address = addressOf((server.addr as Deno.NetAddr).port);
  const text = /the credential was used before/;
  await fails(peers, address, { code: "PEER_UNAUTHORISED", text, mayHaveRun: true });
  assert.equal(handled, 1);
});

for (const other of [WIRE_VERSION - 1, WIRE_VERSION + 1]) {
  Deno.test(`PeerClient.call() names both versions when the other box speaks version ${other}`, async () => {
    const text = new RegExp(
      `it speaks version ${other} of the wire format, and this box version 1`,
    );
    using peers = makePeers();
    using theirs = makePeers();
    // A box of another version sees this one's as the other one, and says its own.
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const headers = new Headers(request.headers);
        headers.set(
          "authorization",
          headers.get("authorization")!.replace("wire=1", `wire=${other}`),
        );
        const seen = new Request(request, { headers });
        const response = await theirs.server.answer(seen, () => assert.fail("it was handled"));
        assert.equal(response.status, 426);
        response.headers.set("tandem", `wire=${other}`);
        return response;
      },
    );
    const address = addressOf((server.addr as Deno.NetAddr).port);
    await fails(peers, address, { code: "PEER_VERSION", text, mayHaveRun: false });
    await using late = new Stranger((connection) =>
      write(connection, `${OK}tandem: wire=${other}; more=1\r\ncontent-length: 1\r\n\r\nx`)
    );
    await fails(peers, late.address, { code: "PEER_VERSION", text, mayHaveRun: true });
  });
}

Deno.test("PeerClient.call() works while secrets are changed, one box after another", async () => {
  const next = "the secret that comes next";
  const steps = [[SECRET], [SECRET, next], [next, SECRET], [next]];
  for (let step = 1; step < steps.length; step++) {
    for (const [here, there] of [[step - 1, step], [step, step - 1]] as const) {
      await using box = new Box({ secrets: steps[there]! });
      using peers = makePeers({ secrets: steps[here]! });
      assert.equal(await peers.client.call(box.address, PATH, step), step);
    }
  }
});

Deno.test("PeerClient.call() uses a connection again, and tells who calls and for how long", async () => {
  const ports = new Set<number>();
  const calls: unknown[] = [];
  using theirs = makePeers();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request, { remoteAddr }) => {
      ports.add((remoteAddr as Deno.NetAddr).port);
      return theirs.server.answer(request, ({ from, timeoutMs }) => {
        calls.push([from, timeoutMs]);
        return Promise.resolve();
      });
    },
  );
  const address = addressOf((server.addr as Deno.NetAddr).port);
  using peers = makePeers({ self: ["10.0.0.1:80", "http://me.test"] });
  for (let turn = 0; turn < 20; turn++) await peers.client.call(address, PATH, turn);
  await peers.client.call(address, `${PATH}/a b?x=é`, 0, { from: "bäckerei 1", timeoutMs: 1234.5 });
  assert.equal(ports.size, 1);
  assert.deepEqual(calls[0], ["10.0.0.1:80", 5000]);
  assert.deepEqual(calls.at(-1), ["bäckerei 1", 1235]);
});

Deno.test("PeerClient.call() refuses before anything is sent what may not or cannot be sent", async () => {
  await using stranger = new Stranger(() => assert.fail("something came"));
  const { address } = stranger;
  const call = (peers: Peers, value: unknown, options = {}, path = PATH) => {
    return peers.client.call(address, path, value, options);
  };
  const denied = (error: unknown) =>
    error instanceof PeerError && error.code === "PEER_DENIED" && !error.mayHaveRun;
  using peers = makePeers({ maxMessageBytes: 1000 });
  using strict = makePeers({ allow: ["127.0.0.1:1", "box-2"] });
  using open = makePeers({ secrets: [] });
  await assert.rejects(call(strict, 1), denied);
  await assert.rejects(call(open, 1), denied);
  await assert.rejects(call(peers, "x".repeat(1000)), {
    name: "RangeError",
    message: /the message has 10\d\d bytes, and at most 1000 are allowed/,
  });
  await assert.rejects(call(peers, () => 1), { name: "DataCloneError" });
  for (const timeoutMs of [0, -1, NaN, Infinity]) {
    await assert.rejects(call(peers, 1, { timeoutMs }), { name: "RangeError" });
  }
  for (const path of ["", "x", "@evil.test/", "/x#y"]) {
    await assert.rejects(call(peers, 1, {}, path), { name: "TypeError" });
  }
  await assert.rejects(call(peers, 1, { from: "\ud800" }), { name: "TypeError" });
  const reason = new Error("not now");
  await assert.rejects(
    call(peers, 1, { signal: AbortSignal.abort(reason) }),
    (error) => error === reason,
  );
  assert.equal(stranger.connections, 0);
});

Deno.test("PeerClient.call() names the permission that is missing", async () => {
  using peers = makePeers({ allow: ["10.1.2.3:80"] });
  await assert.rejects(peers.client.call(readAddress("10.1.2.3:80")!, PATH, 1), {
    code: "PERMISSION_MISSING",
    message: /Cannot reach 10\.1\.2\.3:80: .*--allow-net=10\.1\.2\.3:80/,
  });
});

Deno.test("PeerClient.call() ends with the reason of its signal, and the other box's handler learns of it", async () => {
  let seen: AbortSignal | undefined;
  await using box = new Box({}, {}, async ({ value, signal }) => {
    if (value !== "wait") return value;
    seen = signal;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  using peers = makePeers();
  const abort = new AbortController();
  const call = peers.client.call(box.address, PATH, "wait", { signal: abort.signal });
  await until(() => seen !== undefined);
  assert.ok(!seen!.aborted);
  const reason = new Error("enough");
  abort.abort(reason);
  await assert.rejects(call, (error) => error === reason);
  await until(() => seen!.aborted);
  assert.equal(await peers.client.call(box.address, PATH, "after"), "after");
});

Deno.test("PeerClient.call() refuses more calls of one box than it may make, and not those of others", async () => {
  await using stranger = new Stranger(untilEnded);
  await using good = new Box();
  const { keyring } = makePeers();
  const limits = { maxMessageBytes: 1000, maxAnswerBytes: 1000, mostCalls: 2 };
  const client = new PeerClient({ keyring, allow: ["127.0.0.1:*"], from: "", ...limits });
  const calls = [1, 2].map((value) => client.call(stranger.address, PATH, value));
  await assert.rejects(client.call(stranger.address, PATH, 3), {
    code: "QUEUE_FULL",
    message: /2 of 2 calls of that box are under way/,
  });
  assert.equal(await client.call(good.address, PATH, 4), 4);
  client.close();
  for (const call of calls) await assert.rejects(call, { code: "STOPPING" });
});

Deno.test("PeerClient.close() ends what is under way, and takes nothing new", async () => {
  await using stranger = new Stranger(untilEnded);
  using peers = makePeers();
  const stopping = { code: "STOPPING" };
  const calls = [1, 2, 3].map((value) => peers.client.call(stranger.address, PATH, value));
  await until(() => stranger.connections === 3);
  peers.close();
  for (const call of calls) await assert.rejects(call, stopping);
  await assert.rejects(peers.client.call(stranger.address, PATH, 1), stopping);
});

Deno.test("PeerClient.call() brings large values and many at once", async () => {
  await using box = new Box();
  using peers = makePeers();
  const large = crypto.getRandomValues(new Uint8Array(65_536));
  const list = Array.from({ length: 100 }, () => large.slice());
  assert.deepEqual(await peers.client.call(box.address, PATH, list), list);
  const values = Array.from({ length: 500 }, (_, n) => ({ n }));
  const answers = values.map((value) => peers.client.call(box.address, PATH, value));
  assert.deepEqual(await Promise.all(answers), values);
});

/** Writes until the client has had enough; so much, and it has not noticed. */
async function pour(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < 2 ** 30; sent += bytes.length) await write(connection, bytes);
  assert.fail("it took a gigabyte");
}
