import assert from "node:assert/strict";
import { type ErrorCode, RuntimeError } from "../../../runtime/errors.ts";
import type { Engine, Row, RowWrite } from "../../../runtime/store/engine.ts";
import type { KvKey } from "../../../runtime/store/keys.ts";
import { decodeReply, encodeRequest } from "../../../runtime/store/served/frames.ts";
import { Lanes } from "../../../runtime/store/served/lanes.ts";
import { FrameLink } from "../../../runtime/store/served/link.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { memoryEngine, servedPair } from "./served/pair.ts";
import { clientFlags, ownerFlags, Peer } from "./served/peer.ts";
import { until } from "./served/until.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

async function put(engine: Engine, key: KvKey, ...values: number[]): Promise<string> {
  return (await engine.commit([], [{ key, value: bytes(...values) }]))!;
}

async function get(engine: Engine, key: KvKey): Promise<number[] | null> {
  const [row] = await engine.read([key]);
  return row!.value === null ? null : [...row!.value];
}

async function rejects(promise: Promise<unknown>, code: ErrorCode, message: RegExp) {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof RuntimeError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return error;
  }
  assert.fail(`no rejection with ${code}`);
}

/** An engine of which some calls are others. */
function changed(engine: Engine, changes: Partial<Engine>): Engine {
  const same: Engine = {
    kind: engine.kind,
    limits: engine.limits,
    read: (keys) => engine.read(keys),
    commit: (checks, writes) => engine.commit(checks, writes),
    scan: (prefix, after, batch) => engine.scan(prefix, after, batch),
    watch: (keys) => engine.watch(keys),
    close: () => engine.close(),
  };
  return Object.assign(same, changes);
}

Deno.test("RemoteEngine carries rows, versions and limits as the engine has them", async () => {
  await using pair = await servedPair();
  const { client, owner: { engine } } = pair;
  assert.equal(client.kind, "served");
  assert.deepEqual(client.limits, engine.limits);
  const version = await put(client, ["a"], 1, 2, 3);
  const rows = await client.read([["none"], ["a"]]);
  assert.deepEqual(rows, [
    { key: ["none"], value: null, versionstamp: null },
    { key: ["a"], value: bytes(1, 2, 3), versionstamp: version },
  ]);
  assert.deepEqual(rows, await engine.read([["none"], ["a"]]));
});

Deno.test("RemoteEngine carries keys of every kind", async () => {
  await using pair = await servedPair();
  const keys: KvKey[] = [
    [bytes(), bytes(0, 255)],
    ["\uFEFFtext", "é\u{10FFFF}\0"],
    [0n, -(2n ** 900n), 2n ** 64n, -1n],
    [0, -0, Infinity, -1.5, 5e-324],
    [true, false],
    Array.from({ length: 300 }, (_, index) => index % 2 === 0),
  ];
  for (const [index, key] of keys.entries()) await put(pair.client, ["k", ...key], index);
  for (const [index, key] of keys.entries()) {
    assert.deepEqual(await get(pair.owner.engine, ["k", ...key]), [index]);
  }
  const seen = await Array.fromAsync(pair.client.scan(["k"]), ({ key }) => key);
  const own = await Array.fromAsync(pair.owner.engine.scan(["k"]), ({ key }) => key);
  assert.equal(seen.length, keys.length);
  assert.deepEqual(seen, own);
});

Deno.test("RemoteEngine.read() keeps the order of many keys and large rows", async () => {
  await using pair = await servedPair();
  const keys: KvKey[] = Array.from({ length: 150 }, (_, index) => ["large", index]);
  const { rowBytes } = pair.client.limits;
  await Promise.all(keys.map((key, index) => {
    const value = new Uint8Array(rowBytes).fill(index);
    return pair.client.commit([], [{ key, value }]);
  }));
  const rows = await pair.client.read(keys.toReversed());
  assert.deepEqual(rows.map(({ key }) => key), keys.toReversed());
  for (const { key, value } of rows) {
    assert.equal(value!.length, rowBytes);
    assert.ok(value!.every((byte) => byte === key[1]));
  }
  assert.deepEqual(await pair.client.read([]), []);
});

Deno.test("RemoteEngine.commit() makes nothing when a check does not hold", async () => {
  await using pair = await servedPair();
  const { client } = pair;
  const version = await put(client, ["a"], 1);
  const writes: RowWrite[] = [{ key: ["a"], value: bytes(2) }, { key: ["b"], value: bytes(2) }];
  const wrong = [{ key: ["a"], versionstamp: null }];
  assert.equal(await client.commit(wrong, writes), null);
  const old = [{ key: ["a"], versionstamp: "00000000000000000000" }];
  assert.equal(await client.commit(old, writes), null);
  assert.deepEqual(await get(client, ["a"]), [1]);
  assert.equal(await get(client, ["b"]), null);
  const right = [{ key: ["a"], versionstamp: version }, { key: ["b"], versionstamp: null }];
  const next = await client.commit(right, writes);
  assert.notEqual(next, null);
  assert.notEqual(next, version);
  assert.deepEqual((await client.read([["a"], ["b"]])).map((row) => row.versionstamp), [
    next,
    next,
  ]);
});

Deno.test("RemoteEngine.commit() removes rows and passes lives on", async () => {
  const memory = await memoryEngine();
  const lives: (number | undefined)[] = [];
  const engine = changed(memory, {
    commit(checks, writes) {
      lives.push(...writes.map(({ expireInMs }) => expireInMs));
      return memory.commit(checks, writes);
    },
  });
  await using pair = await servedPair({ engine });
  const value = bytes(1);
  await pair.client.commit([], [
    { key: ["a"], value },
    { key: ["b"], value, expireInMs: 60_000 },
    { key: ["c"], value, expireInMs: 0 },
  ]);
  assert.deepEqual(lives, [undefined, 60_000, 0]);
  await pair.client.commit([], [{ key: ["a"], value: null }]);
  assert.equal(await get(pair.owner.engine, ["a"]), null);
});

Deno.test("RemoteEngine.commit() takes as much as the limits say", async () => {
  await using pair = await servedPair();
  const { commitBytes, commitRows } = pair.client.limits;
  const value = new Uint8Array(Math.floor(commitBytes / commitRows));
  const writes = Array.from({ length: commitRows }, (_, row) => ({ key: ["r", row], value }));
  const checks = writes.map(({ key }) => ({ key, versionstamp: null }));
  assert.notEqual(await pair.client.commit(checks, writes), null);
});

Deno.test("RemoteEngine.commit() refuses what no frame holds, and sends nothing", async () => {
  await using pair = await servedPair();
  const value = new Uint8Array(5 * 1024 * 1024);
  await assert.rejects(pair.client.commit([], [{ key: ["a"], value }]), RangeError);
  assert.throws(() => pair.client.watch([["a"], [value]]), RangeError);
  assert.equal(await get(pair.client, ["a"]), null);
});

Deno.test("RemoteEngine rejects with the error of the engine, and goes on", async () => {
  await using pair = await servedPair();
  const value = new Uint8Array(70_000);
  await assert.rejects(pair.client.commit([], [{ key: ["a"], value }]), TypeError);
  await put(pair.client, ["a"], 1);
  assert.deepEqual(await get(pair.client, ["a"]), [1]);
});

Deno.test("RemoteEngine carries the code and the cause of an error", async () => {
  const engine = changed(await memoryEngine(), {
    read: () => Promise.reject(new RuntimeError("STORE_FAILED", "No", { cause: new Error("why") })),
  });
  await using pair = await servedPair({ engine });
  const error = await rejects(pair.client.read([["a"]]), "STORE_FAILED", /^No$/);
  assert.equal((error.cause as Error).message, "why");
});

Deno.test("RemoteEngine has many calls under way, answered in any order", async () => {
  const memory = await memoryEngine();
  const held = Promise.withResolvers<void>();
  const engine = changed(memory, {
    async read(keys) {
      if (keys[0]![0] === "slow") await held.promise;
      return await memory.read(keys);
    },
  });
  await using pair = await servedPair({ engine });
  const slow = pair.client.read([["slow"]]);
  const fast = await Promise.all(
    Array.from({ length: 500 }, (_, index) => pair.client.read([["fast", index]])),
  );
  assert.deepEqual(fast.map(([row]) => row!.key[1]), Array.from({ length: 500 }, (_, i) => i));
  held.resolve();
  assert.equal((await slow)[0]!.value, null);
});

Deno.test("RemoteEngine.scan() yields all rows in order, in pages", async () => {
  await using pair = await servedPair();
  const { client, owner: { engine } } = pair;
  await put(client, ["p"], 255);
  for (let row = 0; row < 250; row++) await put(engine, ["p", row], row);
  await put(client, ["q"], 1);
  for (const batch of [undefined, 1, 7, 250, 1000]) {
    const rows = await Array.fromAsync(client.scan(["p"], undefined, batch));
    assert.deepEqual(rows, await Array.fromAsync(engine.scan(["p"], undefined, batch)));
    assert.equal(rows.length, 251);
  }
  const after = await Array.fromAsync(client.scan(["p"], ["p", 99.5], 10), ({ key }) => key[1]);
  assert.deepEqual(after, Array.from({ length: 150 }, (_, index) => 100 + index));
  const afterOwn = await Array.fromAsync(client.scan(["p"], ["p"], 100));
  assert.equal(afterOwn.length, 250);
  assert.deepEqual(await Array.fromAsync(client.scan(["none"])), []);
});

Deno.test("RemoteEngine.scan() ends pages by their bytes and can be left early", async () => {
  await using pair = await servedPair();
  const value = new Uint8Array(60_000);
  for (let row = 0; row < 20; row++) await pair.client.commit([], [{ key: ["p", row], value }]);
  assert.equal((await Array.fromAsync(pair.client.scan(["p"]))).length, 20);
  const seen: Row[] = [];
  for await (const row of pair.client.scan(["p"])) {
    if (seen.push(row) === 3) break;
  }
  assert.equal(seen.length, 3);
});

Deno.test("RemoteEngine.watch() hears of every last change, by whomever", async () => {
  await using pair = await servedPair();
  const other = await pair.connect();
  const watch = pair.client.watch([["a"], ["b"]]);
  await watch.changed();
  for (const [round, writer] of [other, pair.owner.engine, pair.client, other].entries()) {
    await put(writer, [round % 2 === 0 ? "a" : "b"], round);
    const wanted = [round];
    do await watch.changed(); while (
      String(await get(pair.client, [round % 2 === 0 ? "a" : "b"])) !== String(wanted)
    );
  }
  const last = watch.changed();
  watch.close();
  await last;
});

Deno.test("RemoteEngine.watch() ends on the owner's side, too", async () => {
  const memory = await memoryEngine();
  let open = 0;
  const engine = changed(memory, {
    watch(keys) {
      const watch = memory.watch(keys);
      open++;
      return { changed: () => watch.changed(), close: () => (open--, watch.close()) };
    },
  });
  await using pair = await servedPair({ engine });
  const other = await pair.connect();
  const watches = [pair.client.watch([["a"]]), other.watch([["a"]])];
  await until(() => open === 2);
  watches[0]!.close();
  await until(() => open === 1);
  await other.close();
  await until(() => open === 0);
});

Deno.test("RemoteEngine.watch() fails as the engine's watch does", async () => {
  const engine = changed(await memoryEngine(), {
    watch: () => ({ changed: () => Promise.reject(new Error("deaf")), close() {} }),
  });
  await using pair = await servedPair({ engine });
  const watch = pair.client.watch([["a"]]);
  await assert.rejects(async () => {
    for (;;) await watch.changed();
  }, /deaf/);
});

Deno.test("onForeignCommit() tells all but the writer, and before the writer is answered", async () => {
  await using pair = await servedPair();
  const writer = await pair.connect();
  const heard: Record<"owner" | "client" | "writer", unknown[]> = {
    owner: [],
    client: [],
    writer: [],
  };
  pair.owner.engine.onForeignCommit!((keys) => heard.owner.push(keys));
  pair.client.onForeignCommit!((keys) => heard.client.push(keys));
  writer.onForeignCommit!((keys) => heard.writer.push(keys));
  await writer.commit([], [{ key: ["a"], value: bytes(1) }, { key: ["b"], value: null }]);
  assert.deepEqual(heard.owner, [[["a"], ["b"]]]);
  await until(() => heard.client.length === 1);
  assert.deepEqual(heard.client, [[["a"], ["b"]]]);
  await put(pair.owner.engine, ["c"], 1);
  await until(() => heard.writer.length === 1 && heard.client.length === 2);
  assert.deepEqual(heard.writer, [[["c"]]]);
  const refused = [{ key: ["c"], versionstamp: null }];
  assert.equal(await writer.commit(refused, [{ key: ["d"], value: bytes(1) }]), null);
  await put(pair.client, ["e"], 1);
  await until(() => heard.writer.length === 2);
  assert.deepEqual(heard.owner, [[["a"], ["b"]], [["e"]]]);
  assert.equal(heard.client.length, 2);
});

Deno.test("onForeignCommit() tells of a commit that failed, and of what the engine heard", async () => {
  const memory = await memoryEngine();
  let tell: (keys: readonly KvKey[] | null) => void = () => {};
  const engine = changed(memory, {
    commit: () => Promise.reject(new Error("unknown")),
    onForeignCommit: (listener) => void (tell = listener),
  });
  await using pair = await servedPair({ engine });
  const [own, far]: unknown[][] = [[], []];
  pair.owner.engine.onForeignCommit!((keys) => own!.push(keys));
  const other = await pair.connect();
  other.onForeignCommit!((keys) => far!.push(keys));
  await assert.rejects(put(pair.client, ["a"], 1), /unknown/);
  tell(null);
  await until(() => far!.length === 2);
  assert.deepEqual(own, [[["a"]], null]);
  assert.deepEqual(far, own);
});

Deno.test("two clients that increment a row with check and retry end exact", async () => {
  await using pair = await servedPair();
  const other = await pair.connect();
  const key = ["count"];
  const increment = async (engine: Engine) => {
    for (;;) {
      const [row] = await engine.read([key]);
      const count = row!.value === null ? 0 : new DataView(row!.value.buffer).getUint32(0);
      const value = new Uint8Array(4);
      new DataView(value.buffer).setUint32(0, count + 1);
      if (await engine.commit([row!], [{ key, value }]) !== null) return;
    }
  };
  await Promise.all([pair.client, other].map(async (engine) => {
    for (let time = 0; time < 2_000; time++) await increment(engine);
  }));
  assert.deepEqual(await get(pair.owner.engine, key), [0, 0, 4000 >> 8, 4000 & 255]);
});

const HELLO = encodeRequest({ kind: "hello", id: 0 });
const BAD_FRAMES: [name: string, frames: Uint8Array[], reason: RegExp][] = [
  ["of another version", [bytes(0, 0, 0, 6, 9, 0, 0, 0, 0, 0)], /version 9, this is version 1/],
  ["of an unknown kind", [HELLO, bytes(0, 0, 0, 6, 1, 77, 0, 0, 0, 0)], /unknown kind 77/],
  ["that is too long", [HELLO, bytes(255, 0, 0, 0, 1)], /4278190080 bytes, at most 4194304/],
  ["that is empty", [HELLO, bytes(0, 0, 0, 0)], /cut off/],
  [
    "before the greeting",
    [encodeRequest({ kind: "read", id: 1, keys: [["a"]] })],
    /before "hello"/,
  ],
  ["that greets again", [HELLO, HELLO], /"hello" comes twice/],
  [
    "with a key of no kind",
    [HELLO, bytes(0, 0, 0, 12, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 9)],
    /kind 9/,
  ],
  [
    "with a list that cannot be",
    [HELLO, bytes(0, 0, 0, 10, 1, 1, 0, 0, 0, 1, 255, 0, 0, 0)],
    /list/,
  ],
  ["with more than there should be", [HELLO, bytes(0, 0, 0, 7, 1, 5, 0, 0, 0, 1, 0)], /left over/],
  ["with text that is none", [
    HELLO,
    bytes(0, 0, 0, 17, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 255),
  ], /UTF-8/],
  ["with a bigint that is none", [
    HELLO,
    bytes(0, 0, 0, 17, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 120),
  ], /hexadecimal/],
  ["that begins a watch twice", [
    HELLO,
    encodeRequest({ kind: "watch", id: 1, keys: [["a"]] }),
    encodeRequest({ kind: "watch", id: 1, keys: [["a"]] }),
  ], /watch 1 begins twice/],
];

for (const [name, frames, reason] of BAD_FRAMES) {
  Deno.test(`Session ends the connection, and it alone, on a frame ${name}`, async () => {
    await using pair = await servedPair();
    const link = new FrameLink(await pair.dial());
    for (const frame of frames) link.send(frame.slice());
    let goodbye = "";
    for (let frame; (frame = await link.next()) !== null;) {
      const reply = decodeReply(frame);
      if (reply.kind === "goodbye") goodbye = reply.reason;
    }
    link.end();
    assert.match(goodbye, reason);
    await put(pair.client, ["a"], 1);
    assert.deepEqual(await get(pair.client, ["a"]), [1]);
    await until(() => pair.owner.clients === 1);
  });
}

Deno.test("Session survives random bytes and frames that are cut off", async () => {
  await using pair = await servedPair();
  const whole = encodeRequest({
    kind: "commit",
    id: 1,
    checks: [],
    writes: [{ key: ["x"], value: bytes(1) }],
  });
  for (let round = 0; round < 100; round++) {
    const link = new FrameLink(await pair.dial());
    if (round % 2 === 0) {
      const noise = crypto.getRandomValues(new Uint8Array(200));
      noise.set([0, 0, 0, 150, 1, round % 6]);
      link.send(HELLO.slice());
      link.send(noise);
    } else {
      link.send(HELLO.slice());
      link.send(whole.slice(0, round % whole.length));
    }
    await link.flushed();
    link.end();
  }
  await until(() => pair.owner.clients === 1);
  assert.equal(await get(pair.client, ["x"]), null);
});

Deno.test("Session holds a client back that does not take its answers, and no other", async () => {
  await using pair = await servedPair();
  const value = new Uint8Array(60_000);
  await pair.client.commit([], [{ key: ["large"], value }]);
  const silent = new FrameLink(await pair.dial());
  silent.send(HELLO.slice());
  const read = { kind: "read", keys: Array.from({ length: 10 }, () => ["large"]) } as const;
  for (let id = 1; id <= 2_000; id++) silent.send(encodeRequest({ ...read, id })); // 1.2 GB of answers
  for (let round = 0; round < 200; round++) await put(pair.client, ["a"], round);
  const before = Deno.memoryUsage().rss;
  for (let round = 0; round < 200; round++) await put(pair.client, ["a"], round);
  assert.ok(Deno.memoryUsage().rss - before < 100 * 1024 * 1024);
  silent.end();
});

Deno.test("a slow client is told that it missed foreign commits", async () => {
  await using pair = await servedPair();
  const slow = new FrameLink(await pair.dial());
  slow.frameBytes = 1 << 30;
  slow.send(HELLO.slice());
  await slow.next();
  const keys = Array.from({ length: 40 }, (_, row) => ["k", new Uint8Array(1900).fill(1), row]);
  const writes = keys.map((key) => ({ key, value: bytes(1) }));
  for (let round = 0; round < 300; round++) await pair.client.commit([], writes); // 23 MB of keys
  let told = 0;
  for (let frame; (frame = await slow.next()) !== null;) {
    const reply = decodeReply(frame);
    assert.equal(reply.kind, "foreign");
    if (reply.kind === "foreign" && reply.keys === null) break;
    told++;
  }
  assert.ok(told < 300, `${told}`);
  slow.end();
});

Deno.test("RemoteEngine rejects what is under way when the owner goes, and comes back by itself", async () => {
  const memory = await memoryEngine();
  const held = Promise.withResolvers<Row[]>();
  await using pair = await servedPair({ engine: changed(memory, { read: () => held.promise }) });
  const foreign: unknown[] = [];
  pair.client.onForeignCommit!((keys) => foreign.push(keys));
  const watch = pair.client.watch([["a"]]);
  await watch.changed();
  const under = pair.client.read([["a"]]);
  await until(async () => await pair.client.commit([], [{ key: ["n"], value: null }]) !== null);
  pair.cut();
  await rejects(
    under,
    "STORE_FAILED",
    /^Cannot read rows of the store at "test": the owner is gone$/,
  );
  held.resolve([]);
  await pair.replace(await memoryEngine());
  await put(pair.client, ["a"], 1); // waits for the connection
  assert.deepEqual(foreign, [null]);
  do await watch.changed(); while ((await get(pair.client, ["a"])) === null);
  await put(pair.owner.engine, ["a"], 2);
  do await watch.changed(); while ((await get(pair.client, ["a"]))![0] !== 2);
  watch.close();
});

Deno.test("RemoteEngine fails calls in bounded time while there is no owner", async () => {
  await using pair = await servedPair({ callTimeoutMs: 200 });
  await pair.owner.close();
  const start = performance.now();
  await rejects(
    put(pair.client, ["a"], 1),
    "STORE_FAILED",
    /(was closed|within 200 ms: .*refused)/,
  );
  await rejects(put(pair.client, ["a"], 1), "STORE_FAILED", /no answer within 200 ms: .*refused/);
  assert.ok(performance.now() - start < 5_000);
});

Deno.test("RemoteEngine gives up a call that is not answered, and the connection if it is silent", async () => {
  const memory = await memoryEngine();
  const held = Promise.withResolvers<Row[]>();
  let isHeld = true;
  const engine = changed(memory, { read: (keys) => isHeld ? held.promise : memory.read(keys) });
  await using pair = await servedPair({ engine, callTimeoutMs: 100 });
  const foreign: unknown[] = [];
  pair.client.onForeignCommit!((keys) => foreign.push(keys));
  await rejects(pair.client.read([["a"]]), "STORE_FAILED", /the owner was silent for 100 ms$/);
  isHeld = false;
  held.resolve([]);
  assert.equal(await get(pair.client, ["a"]), null);
  assert.deepEqual(foreign, [null]); // it has connected again
});

Deno.test("close() ends a client: calls and watches of it reject, the owner and others go on", async () => {
  await using pair = await servedPair();
  const other = await pair.connect();
  const watch = pair.client.watch([["a"]]);
  await watch.changed();
  const next = (async () => {
    for (;;) await watch.changed();
  })();
  next.catch(() => {}); // handled below
  const under = pair.client.read([["a"]]);
  under.catch(() => {});
  await pair.client.close();
  await pair.client.close();
  await rejects(under, "STORE_CLOSED", /the connection was closed/);
  await rejects(next, "STORE_CLOSED", /the connection was closed/);
  await rejects(put(pair.client, ["a"], 1), "STORE_CLOSED", /the connection was closed/);
  await rejects(pair.client.watch([["a"]]).changed(), "STORE_CLOSED", /the connection was closed/);
  await put(other, ["a"], 1);
  assert.deepEqual(await get(pair.owner.engine, ["a"]), [1]);
});

Deno.test("close() of the owner answers what is under way and tells the clients", async () => {
  const memory = await memoryEngine();
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const engine = changed(memory, {
    async commit(checks, writes) {
      begun.resolve();
      await held.promise;
      return await memory.commit(checks, writes);
    },
  });
  await using pair = await servedPair({ engine, callTimeoutMs: 300 });
  const under = put(pair.client, ["a"], 1);
  await begun.promise;
  const closing = pair.owner.close();
  held.resolve();
  await closing;
  assert.notEqual(await under, null);
  await rejects(put(pair.owner.engine, ["a"], 1), "STORE_CLOSED", /it is closed/);
  await rejects(put(pair.client, ["a"], 1), "STORE_FAILED", /it was closed|refused/);
});

Deno.test("connectBy() rejects a caller's wrong number and an owner that is none", async () => {
  await using pair = await servedPair();
  await assert.rejects(pair.connect({ callTimeoutMs: 0 }), RangeError);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { connectBy } = await import("../../../runtime/store/served/client.ts");
  const { port } = listener.addr;
  const connecting = connectBy(() => Deno.connect({ hostname: "127.0.0.1", port }), '"x"', {
    callTimeoutMs: 100,
  });
  const silent = await listener.accept();
  await rejects(connecting, "STORE_FAILED", /^Cannot reach the store at "x": .* for 100 ms$/);
  silent.close();
  listener.close();
});

Deno.test("Lanes gives turns, whatever waits, and passes those by that are not ready", async () => {
  const lanes = new Lanes(1);
  const done: string[] = [];
  let isReady = false;
  const [a, b, c] = [lanes.open(), lanes.open(), lanes.open(() => isReady)];
  const work = (name: string) => () => Promise.resolve().then(() => void done.push(name));
  for (let time = 0; time < 4; time++) a.push(work("a"));
  for (let time = 0; time < 2; time++) b.push(work("b"));
  c.push(work("c"));
  await lanes.idle();
  assert.equal(done.join(""), "abab" + "aa");
  isReady = true;
  lanes.serve();
  await lanes.idle();
  assert.equal(done.at(-1), "c");
  a.close();
  a.push(work("late"));
  await lanes.idle();
  assert.equal(done.length, 7);
});

Deno.test("serveEngine() and connectEngine() work between processes that may do nothing else", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/s`;
  await using owner = new Peer(ownerFlags(dir.path));
  await using client = new Peer(clientFlags(path));
  assert.equal(await owner.ask({ do: "serve", path, file: `${dir.path}/kv` }), "file");
  assert.deepEqual(await owner.ask({ do: "mode", path }), { mode: 0o600, isSocket: true });
  assert.equal(await client.ask({ do: "connect", path }), "served");
  await client.ask({ do: "put", key: "a", value: 7 });
  assert.equal(await owner.ask({ do: "get", key: "a" }), 7);
  assert.deepEqual(await owner.ask({ do: "foreign" }), [[["a"]]]);
  await client.ask({ do: "close" });
  await owner.ask({ do: "close" });
  const left = await Array.fromAsync(Deno.readDir(dir.path), ({ name }) => name);
  assert.ok(left.every((name) => name.startsWith("kv")), left.join());
});

Deno.test("serveEngine() never takes the path of a living owner, nor a file that is no socket", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/s`;
  await using owner = new Peer(ownerFlags(dir.path));
  await using rival = new Peer(ownerFlags(dir.path));
  await owner.ask({ do: "serve", path, file: `${dir.path}/kv` });
  const error = await rejects(
    rival.ask({ do: "serve", path, file: `${dir.path}/kv` }),
    "STORE_FAILED",
    /^Cannot serve the store at ".*\/s": another process serves there$/,
  );
  assert.equal(error.cause, "AddrInUse");
  // Not even one that hangs.
  owner.signal("SIGSTOP");
  await rejects(
    rival.ask({ do: "serve", path, file: `${dir.path}/kv` }),
    "STORE_FAILED",
    /another process serves there$/,
  );
  owner.signal("SIGCONT");
  await owner.ask({ do: "close" });
  await Deno.writeTextFile(path, "mine");
  await rejects(
    rival.ask({ do: "serve", path, file: `${dir.path}/kv` }),
    "STORE_FAILED",
    /there is a file that is no socket/,
  );
  assert.equal(await Deno.readTextFile(path), "mine");
});

Deno.test("serveEngine() wants a folder of its own", async () => {
  await using dir = await tempDir();
  await Deno.mkdir(`${dir.path}/open`);
  await Deno.chmod(`${dir.path}/open`, 0o755);
  const file = ":memory:";
  const path = `${dir.path}/open/s`;
  await using peer = new Peer(ownerFlags(dir.path, path));
  await rejects(
    peer.ask({ do: "serve", path, file }),
    "STORE_FAILED",
    /open to others \(mode 755\)/,
  );
  const made = `${dir.path}/made/s`;
  await using other = new Peer(ownerFlags(dir.path, made));
  await other.ask({ do: "serve", path: made, file });
  assert.equal((await Deno.stat(`${dir.path}/made`)).mode! & 0o777, 0o700);
  await other.ask({ do: "close" });
});

Deno.test("serveEngine() and connectEngine() name the flags that are missing", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/s`;
  await using peer = new Peer([]);
  await rejects(
    peer.ask({ do: "serve", path, file: ":memory:" }),
    "PERMISSION_MISSING",
    /run with --allow-read=(\S+) --allow-write=\1 --allow-net=unix:\1\/s /,
  );
  await rejects(
    peer.ask({ do: "connect", path }),
    "PERMISSION_MISSING",
    /run with --allow-read=(\S+\/s) --allow-write=\1 --allow-net=unix:\1 /,
  );
  await using long = new Peer([
    `--allow-read=${dir.path}`,
    `--allow-write=${dir.path}`,
    "--allow-net",
  ]);
  await assert.rejects(
    long.ask({ do: "connect", path: `${dir.path}/${"x".repeat(120)}` }),
    /RangeError.*103/,
  );
  await rejects(long.ask({ do: "connect", path }), "STORE_FAILED", /nobody serves there/);
});

Deno.test("a client outlives its owner, which was killed, and finds the next one", async () => {
  await using dir = await tempDir();
  const [path, file] = [`${dir.path}/s`, `${dir.path}/kv`];
  await using first = new Peer(ownerFlags(dir.path));
  await using second = new Peer(ownerFlags(dir.path));
  await using client = new Peer(clientFlags(path));
  await first.ask({ do: "serve", path, file });
  await client.ask({ do: "connect", path });
  await client.ask({ do: "put", key: "a", value: 1 });
  await client.ask({ do: "watch", key: "a" });
  const changed = client.ask({ do: "changed" });
  const under = client.ask({ do: "hammer", name: "h", commits: 1_000_000, inFlight: 8 });
  const failed = rejects(under, "STORE_FAILED", /^Cannot commit of the store at ".*": /);
  await until(async () => (await first.ask<unknown[]>({ do: "foreign" })).length > 1);
  await first.kill();
  await failed;
  assert.ok((await Deno.lstat(path)).isSocket, "it is left behind");
  await second.ask({ do: "serve", path, file });
  await client.ask({ do: "put-when-possible", key: "b", value: 2 });
  await changed;
  assert.equal(await client.ask({ do: "get", key: "a" }), 1);
  assert.equal(await second.ask({ do: "get", key: "b" }), 2);
  assert.ok((await client.ask<unknown[]>({ do: "foreign" })).includes(null));
  await client.ask({ do: "close" });
  await second.ask({ do: "close" });
});

Deno.test("serveEngine() lets one of several have the path of an owner that was killed", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/s`;
  await using dead = new Peer(ownerFlags(dir.path));
  await dead.ask({ do: "serve", path, file: ":memory:" });
  await using stack = new AsyncDisposableStack();
  const rivals = Array.from({ length: 4 }, () => stack.use(new Peer(ownerFlags(dir.path))));
  await Promise.all(rivals.map((rival) => rival.ask({ do: "foreign" }))); // they have started
  await dead.kill();
  const ends = await Promise.allSettled(
    rivals.map((rival) => rival.ask({ do: "serve", path, file: ":memory:" })),
  );
  const won = ends.findIndex(({ status }) => status === "fulfilled");
  assert.equal(ends.filter(({ status }) => status === "fulfilled").length, 1);
  for (const end of ends) {
    if (end.status === "rejected") {
      assert.match(end.reason.message, /another process serves there$/);
    }
  }
  await using client = new Peer(clientFlags(path));
  await client.ask({ do: "connect", path });
  await client.ask({ do: "put", key: "a", value: 5 });
  assert.equal(await rivals[won]!.ask({ do: "get", key: "a" }), 5);
  await rivals[won]!.ask({ do: "close" });
});

Deno.test("two processes that increment a row 2,000 times each end exact", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/s`;
  await using owner = new Peer(ownerFlags(dir.path));
  await using one = new Peer(clientFlags(path));
  await using two = new Peer(clientFlags(path));
  await owner.ask({ do: "serve", path, file: ":memory:" });
  await Promise.all([one, two].map((peer) => peer.ask({ do: "connect", path })));
  await Promise.all([one, two].map((peer) => peer.ask({ do: "increment", times: 2_000 })));
  assert.equal(await owner.ask({ do: "get", key: "count" }), 4_000);
  await owner.ask({ do: "close" });
});

/** The least share of the commits of three writers, as long as all of them write; 1 is a third. */
function leastShare(times: readonly number[][]): number {
  const start = Math.max(...times.map((own) => own[0]!));
  const end = Math.min(...times.map((own) => own.at(-1)!));
  const counts = times.map((own) => own.filter((time) => time >= start && time <= end).length);
  const all = counts.reduce((sum, count) => sum + count, 0);
  return Math.min(...counts) / all * counts.length;
}

for (const inFlight of [[1, 1, 1], [64, 64, 64], [64, 64, 1]]) {
  Deno.test(`three processes with ${inFlight} commits under way get fair shares`, async () => {
    await using dir = await tempDir();
    const path = `${dir.path}/s`;
    await using owner = new Peer(ownerFlags(dir.path));
    await owner.ask({ do: "serve", path, file: `${dir.path}/kv` });
    await using stack = new AsyncDisposableStack();
    const peers = inFlight.map(() => stack.use(new Peer(clientFlags(path))));
    await Promise.all(peers.map((peer) => peer.ask({ do: "connect", path })));
    const times = await Promise.all(peers.map((peer, index) => {
      const commits = 500;
      return peer.ask<number[]>({
        do: "hammer",
        name: `h${index}`,
        commits,
        inFlight: inFlight[index]!,
      });
    }));
    const share = leastShare(times);
    assert.ok(share >= 0.5, `the least share is ${share}`);
    await owner.ask({ do: "close" });
  });
}
