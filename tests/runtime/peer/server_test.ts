import assert from "node:assert/strict";
import { RuntimeError } from "../../../runtime/errors.ts";
import { encode, type PeerHandler, type Peers, type Unsigned } from "../../../runtime/peer/mod.ts";
import type { PeersOptions } from "../../../runtime/types/site.ts";
import { Box, makePeers, PATH, SECRET, until, write } from "./support.ts";

const TO = "127.0.0.1:8000";
const ORIGIN = `http://${TO}`;
const echo: PeerHandler = ({ value }) => Promise.resolve(value);

interface Sent {
  method: string;
  path: string;
  body: Uint8Array<ArrayBuffer>;
  headers: Record<string, string>;
}

/** A request that is good. */
function signed(peers: Peers, value: unknown, more: Partial<Unsigned> = {}): Sent {
  const body = encode(value);
  const unsigned = { method: "POST", path: PATH, to: TO, from: "me", timeoutMs: 5000, ...more };
  const { headers } = peers.keyring.sign({ ...unsigned, body });
  return { method: unsigned.method, path: unsigned.path, body, headers: { ...headers } };
}

function requestOf({ method, path, body, headers }: Sent): Request {
  const content = method === "GET" ? {} : { body };
  return new Request(`${ORIGIN}${path}`, { method, headers, ...content });
}

/** Lets a box answer; what it refuses must say why in header and body. */
async function answerTo(peers: Peers, sent: Sent, handle: PeerHandler = echo): Promise<string> {
  const response = await peers.server.answer(requestOf(sent), handle);
  if (response.status === 200) return `200 ${(await response.bytes()).length}`;
  const text = (await response.text()).trim();
  if (response.status !== 404) assert.equal(response.headers.get("tandem-refused"), text);
  return `${response.status} ${text}`;
}

Deno.test("PeerServer.answer() handles a good call once, whoever sends it again", async () => {
  using caller = makePeers();
  using box = makePeers();
  const sent = signed(caller, "x");
  assert.match(await answerTo(box, sent), /^200 /);
  for (let turn = 0; turn < 3; turn++) {
    assert.equal(await answerTo(box, sent), "401 the credential was used before");
  }
  assert.match(await answerTo(box, signed(caller, "x")), /^200 /);
});

Deno.test("PeerServer.answer() refuses again what a box beside it has seen", async () => {
  using caller = makePeers();
  using one = makePeers();
  using two = makePeers();
  one.replay.onSeen((seen) => seen.forEach((each) => two.replay.note(...each)));
  const sent = signed(caller, "x");
  assert.match(await answerTo(one, sent), /^200 /);
  one.replay.onSeen(undefined); // tells what is left
  assert.match(await answerTo(two, sent), /used before/);
});

const TAMPERED: Record<string, [(sent: Sent) => Sent, RegExp]> = {
  "another body": [
    (sent) => ({ ...sent, body: encode("y") }),
    /^401 the body is not what was signed/,
  ],
  "a longer body": [
    (sent) => ({ ...sent, body: new Uint8Array([...sent.body, 0]) }),
    /^401 the body is not what was signed/,
  ],
  "another path": [(sent) => ({ ...sent, path: "/_tandem/rpc" }), /^401 the signature is wrong/],
  "a query": [(sent) => ({ ...sent, path: `${PATH}?x=1` }), /^401 the signature is wrong/],
  "another name": [header("authorization", /from=me/, "from=you"), /^401 the signature is wrong/],
  "another time limit": [
    header("authorization", /timeout=5000/, "timeout=9000"),
    /^401 the signature is wrong/,
  ],
  "another receiver": [
    header("authorization", /to=[^;]+/, "to=a:1"),
    /^401 the signature is wrong/,
  ],
  "more in its terms": [
    header("authorization", /from=me;/, "from=me; x=1;"),
    /^401 the credential cannot be read/,
  ],
  "no terms": [
    header("authorization", / wire.*; /, " "),
    /^401 the credential cannot be read/,
  ],
  "another version": [
    header("authorization", /wire=1/, "wire=2"),
    /^426 this box speaks version 1 .* not 2$/,
  ],
  "another time": [
    header("authorization", /(; \w{16})\.\d/, "$1.9"),
    /^401 the signature is wrong/,
  ],
  "another number": [
    header("authorization", /(\.\w{32})\.0\./, "$1.1."),
    /^401 the signature is wrong/,
  ],
  "another signature": [header("authorization", /.$/, "~"), /^401 the credential cannot be read/],
  "another digit of the signature": [
    header("authorization", /(.)$/, (digit) => digit === "0" ? "1" : "0"),
    /^401 the signature is wrong/,
  ],
  "another key": [
    header("authorization", /; \w(\w{15}\.)/, "; z$1"),
    /^401 the credential cannot be read/,
  ],
  "an unknown key": [
    header("authorization", /; \w{16}\./, `; ${"0".repeat(16)}.`),
    /^401 it is signed with a secret that is not known here/,
  ],
  "its credential twice": [
    header("authorization", /^(.*)$/, (text) => `${text}, ${text}`),
    /^401 the credential cannot be read/,
  ],
  "an empty credential": [header("authorization", /.*/, ""), /^401 the credential cannot be read/],
  "somebody else's credential": [
    header("authorization", /.*/, "Bearer abc"),
    /^401 the credential cannot be read/,
  ],
  "a huge credential": [
    header("authorization", /$/, "f".repeat(100_000)),
    /^401 the credential cannot be read/,
  ],
};

for (const [what, [tamper, expected]] of Object.entries(TAMPERED)) {
  Deno.test(`PeerServer.answer() refuses a captured call with ${what}`, async () => {
    using caller = makePeers();
    using box = makePeers();
    const sent = tamper(signed(caller, "x"));
    assert.match(await answerTo(box, sent, () => assert.fail("it was handled")), expected);
    assert.match(await answerTo(box, signed(caller, "x")), /^200 /);
  });
}

Deno.test("PeerServer.answer() refuses what has no credential, a method, or secrets to check it with", async () => {
  using caller = makePeers();
  using box = makePeers();
  using none = makePeers({ secrets: [] });
  const sent = signed(caller, "x");
  const bare = { ...sent, headers: {} };
  assert.equal(await answerTo(box, bare), "401 there is no credential");
  assert.match(
    await answerTo(box, signed(caller, "x", { method: "PUT" })),
    /^405 a call is a POST/,
  );
  assert.match(await answerTo(box, signed(caller, "x", { method: "GET" })), /^405/);
  assert.equal(await answerTo(none, sent), "404 404 Not Found");
  const hidden = await none.server.answer(requestOf(sent), echo);
  assert.ok(![...hidden.headers.keys()].some((name) => name.includes("tandem")));
  await hidden.body?.cancel();
});

Deno.test("PeerServer.answer() fills no memory for a stranger", async () => {
  using stranger = makePeers({ secrets: ["what a stranger has guessed"] });
  using forger = makePeers();
  using box = makePeers();
  for (let turn = 0; turn < 200; turn++) {
    await answerTo(box, signed(stranger, turn));
    const forged = signed(forger, turn);
    forged.headers.authorization = forged.headers.authorization!.replace(/.{8}$/, "00000000");
    assert.match(await answerTo(box, forged), /^401 the signature is wrong/);
  }
  assert.equal(box.replay.senders, 0);
});

Deno.test("PeerServer.answer() refuses a body that is no value, although it is signed", async () => {
  using caller = makePeers();
  using box = makePeers();
  const bodies: [number[], RegExp][] = [
    [[], /there are none/],
    [[1, 9, 9], /damaged/],
    [[2, 255, 15], /version 2 .* speaks version 1/],
  ];
  for (const [bytes, expected] of bodies) {
    const body = Uint8Array.from(bytes);
    const unsigned = { method: "POST", path: PATH, to: TO, from: "me", body };
    const { headers } = caller.keyring.sign(unsigned);
    const sent = { ...unsigned, headers: { ...headers } };
    const text = await answerTo(box, sent, () => assert.fail("it was handled"));
    assert.match(text, /^400 Cannot read the value of me: /);
    assert.match(text, expected);
  }
});

Deno.test("PeerServer.answer() answers in place of a value that cannot travel or is too large", async () => {
  const errors: unknown[] = [];
  const setup = {
    onUnencodable(error: unknown) {
      errors.push(error);
      return "instead";
    },
  };
  const handle: PeerHandler = ({ value }) => {
    if (value === "function") return Promise.resolve(() => 1);
    if (value === "large") return Promise.resolve("x".repeat(2000));
    if (value === "throw") throw new Error("thrown");
    return Promise.reject("rejected");
  };
  await using box = new Box({ maxAnswerBytes: 1000 }, setup, handle);
  using caller = makePeers();
  for (const value of ["function", "large", "throw", "reject"]) {
    assert.equal(await caller.client.call(box.address, PATH, value), "instead", value);
  }
  const [cannot, large, thrown, rejected] = errors;
  assert.ok(cannot instanceof DOMException && cannot.name === "DataCloneError");
  assert.ok(large instanceof RuntimeError && large.code === "RESULT_TOO_LARGE");
  assert.match(large.message, /has 20\d\d bytes, and at most 1000 are allowed/);
  assert.deepEqual([(thrown as Error).message, rejected], ["thrown", "rejected"]);
  await using plain = new Box({}, { onUnencodable: () => () => 1 }, handle);
  await assert.rejects(caller.client.call(plain.address, PATH, "throw"), {
    code: "PEER_BAD_ANSWER",
    message: /refuses the call with status 500: Cannot send a value .*; it may have run/,
  });
});

Deno.test("PeerServer.answer() tells the caller when its message is too large", async () => {
  await using box = new Box({ maxMessageBytes: 1000 });
  using caller = makePeers();
  for (const size of [1001, 5_000_000]) {
    await assert.rejects(caller.client.call(box.address, PATH, "x".repeat(size)), {
      code: "PEER_BAD_ANSWER",
      message: /refuses the call with status 413: at most 1000 bytes are taken/,
      mayHaveRun: false,
    });
  }
  assert.equal(await caller.client.call(box.address, PATH, "x"), "x");
});

/** The head of a good call in the form in which it travels. */
function headOf(caller: Peers, box: Box, length: string): string {
  const { headers } = signed(caller, "x", { to: box.address.name });
  const lines = Object.entries({ host: box.address.name, ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${PATH} HTTP/1.1\r\n${lines.join("")}${length}\r\n\r\n`;
}

async function exchange(box: Box, send: (connection: Deno.Conn) => Promise<void>): Promise<string> {
  const [hostname, port] = box.address.name.split(":") as [string, string];
  using connection = await Deno.connect({ hostname, port: Number(port) });
  let text = "";
  const reading = (async () => {
    const space = new Uint8Array(4096);
    while (!text.includes("\r\n\r\n")) {
      const count = await connection.read(space);
      if (count === null) return;
      text += new TextDecoder().decode(space.subarray(0, count));
    }
  })();
  try {
    await send(connection);
  } catch (error) {
    const { BrokenPipe, ConnectionReset } = Deno.errors;
    if (!(error instanceof BrokenPipe || error instanceof ConnectionReset)) throw error;
  }
  await reading;
  return text;
}

const LIMITS: PeersOptions = { maxMessageBytes: 100_000 };

Deno.test("PeerServer.answer() cuts a call that never ends, and one that is announced as too large", async () => {
  await using box = new Box(LIMITS, {}, () => assert.fail("it was handled"));
  using caller = makePeers();
  const endless = await exchange(box, async (connection) => {
    await write(connection, headOf(caller, box, "transfer-encoding: chunked"));
    const chunk = new TextEncoder().encode(`ffff\r\n${"x".repeat(0xffff)}\r\n`);
    for (let turn = 0; turn < 4; turn++) await write(connection, chunk);
  });
  assert.match(endless, /^HTTP\/1\.1 413 /);
  const announced = await exchange(box, async (connection) => {
    await write(connection, headOf(caller, box, `content-length: ${2 ** 30}`));
  });
  assert.match(announced, /^HTTP\/1\.1 413 /);
});

Deno.test("PeerServer.answer() does not read what a stranger sends", async () => {
  await using box = new Box(LIMITS, {}, () => assert.fail("it was handled"));
  const text = await exchange(box, async (connection) => {
    const head = `POST ${PATH} HTTP/1.1\r\nhost: ${box.address.name}\r\n`;
    await write(connection, `${head}content-length: 90000\r\n\r\n`);
  });
  assert.match(text, /^HTTP\/1\.1 401 /);
});

Deno.test("PeerServer.answer() believes none of two credentials", async () => {
  await using box = new Box(LIMITS, {}, () => assert.fail("it was handled"));
  using caller = makePeers();
  const text = await exchange(box, async (connection) => {
    const { headers } = signed(caller, "x", { to: box.address.name });
    const twice = `authorization: ${headers.authorization}\r\ncontent-length: ${
      encode("x").length
    }`;
    await write(connection, headOf(caller, box, twice));
    await write(connection, encode("x"));
  });
  assert.match(text, /^HTTP\/1\.1 401 /);
  assert.match(text, /tandem-refused: the credential cannot be read/);
});

Deno.test("PeerServer.answer() does not wait for ever for a body", async () => {
  await using box = new Box(LIMITS, { longestBodyMs: 50 }, () => assert.fail("it was handled"));
  using caller = makePeers();
  for (const length of ["content-length: 50", "transfer-encoding: chunked"]) {
    const text = await exchange(
      box,
      (connection) => write(connection, headOf(caller, box, length)),
    );
    assert.match(text, /^HTTP\/1\.1 408 /);
    assert.match(text, /the body did not come within 50 ms/);
  }
});

Deno.test("PeerServer.answer() takes chunks as well, and outlives callers that go away in between", async () => {
  let handled = 0;
  await using box = new Box(LIMITS, {}, () => Promise.resolve(handled++));
  using caller = makePeers();
  const [hostname, port] = box.address.name.split(":") as [string, string];
  for (let turn = 0; turn < 5; turn++) {
    using connection = await Deno.connect({ hostname, port: Number(port) });
    await write(connection, `${headOf(caller, box, "content-length: 50")}abc`);
  }
  const text = await exchange(box, async (connection) => {
    const body = encode("x");
    await write(connection, headOf(caller, box, "transfer-encoding: chunked"));
    for (const byte of body) {
      await write(connection, "1\r\n");
      await write(connection, Uint8Array.of(byte));
      await write(connection, "\r\n");
    }
    await write(connection, "0\r\n\r\n");
  });
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.equal(handled, 1);
  assert.equal(await caller.client.call(box.address, PATH, 1), 1);
});

Deno.test("PeerServer.answer() says nothing to a caller that has its answer", async () => {
  const signals: AbortSignal[] = [];
  await using box = new Box({}, {}, ({ value, signal }) => {
    signals.push(signal);
    return Promise.resolve(value);
  });
  using caller = makePeers();
  for (let turn = 0; turn < 3; turn++) await caller.client.call(box.address, PATH, turn);
  caller.close();
  await until(() => signals.length === 3);
  assert.deepEqual(signals.map(({ aborted }) => aborted), [false, false, false]);
});

Deno.test("PeerServer.verify() knows a request of any method by its credential, once", async () => {
  using caller = makePeers({ secrets: [SECRET] });
  using box = makePeers({ secrets: ["the secret that comes next", SECRET] });
  const path = "/_tandem/rpc/add?p=1&p=2";
  const body = new Uint8Array();
  const sent = signed(caller, 0, { method: "GET", path });
  const { headers } = caller.keyring.sign({ method: "GET", path, body, to: TO, from: "me" });
  const request = requestOf({ ...sent, headers: { ...headers } });
  let reads = 0;
  const read = () => Promise.resolve((reads++, body));
  assert.deepEqual(await box.server.verify(request, read), { from: "me", timeoutMs: undefined });
  for (const given of [request, requestOf(sent)]) {
    const refused = await box.server.verify(given, read);
    assert.ok(refused instanceof Response && refused.status === 401);
    await refused.body?.cancel();
  }
  // The second head was used before; that of the third is good, and its body is not what was signed.
  assert.equal(reads, 2);
});

function header(
  name: string,
  what: RegExp,
  by: string | ((found: string) => string),
): (sent: Sent) => Sent {
  return (sent) => {
    const value = sent.headers[name]!;
    const changed = typeof by === "string" ? value.replace(what, by) : value.replace(what, by);
    return { ...sent, headers: { ...sent.headers, [name]: changed } };
  };
}
