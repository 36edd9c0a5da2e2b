import assert from "node:assert/strict";
import { primeStore } from "../../../runtime/store/mod.ts";
import type { Log } from "../../../runtime/types/log.ts";
import { memoryStore, rejectsWith, tempDir } from "./support.ts";
import { runDeno } from "../../support/program.ts";

const lines: [string, unknown][] = [];
const never = new AbortController().signal;
const log: Log = {
  debug() {},
  info: (message, fields) => lines.push([message, fields]),
  warn() {},
  error() {},
};

function source(code: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

Deno.test("primeStore() stores the entries of every kind of source", async () => {
  await using opened = await memoryStore();
  const { store, clock } = opened;
  const sources = [
    source(`export default [["list", 1], { key: ["short", 1], value: 2, ttlMs: 1000 }]`),
    source(`export default new Map([["map", 3]])`),
    source(`export default function* () { yield ["generator", 4]; }`),
    source(`export default async function* () { yield [["async", 1n], undefined]; }`),
    source(
      `export default async () => ({ async *[Symbol.asyncIterator]() { yield ["late", 6]; } })`,
    ),
    source(`export default []`),
  ];
  lines.length = 0;
  assert.equal(await primeStore(store, sources, log, never), 6);
  const keys = ["list", ["short", 1], "map", "generator", "late"];
  assert.deepEqual(await store.getMany(keys), [1, 2, 3, 4, 6]);
  assert.ok(await store.has(["async", 1n]));
  clock.time += 1000;
  assert.equal(await store.has(["short", 1]), false);
  assert.equal(await store.extendTtl("list", 1000), false);
  assert.equal(lines.length, 6);
  assert.deepEqual(lines[0]![0], "Primed the store");
  assert.equal(await primeStore(store, [], log, never), 0);
});

Deno.test("primeStore() names the source and the entry that failed", async () => {
  await using opened = await memoryStore();
  const cases: [string, "DOCUMENT_INVALID" | "BOOT_FAILED", RegExp][] = [
    [`export const a = 1`, "DOCUMENT_INVALID", /: its default export gives undefined, needed are/],
    [`export default "text"`, "DOCUMENT_INVALID", /gives string/],
    [`export default () => null`, "DOCUMENT_INVALID", /gives null/],
    [`export default {}`, "DOCUMENT_INVALID", /gives object/],
    [`export default [["a", 1], 2]`, "DOCUMENT_INVALID", /: entry 2: it is neither/],
    [`export default [["a", 1, 2]]`, "DOCUMENT_INVALID", /: entry 1: it is neither/],
    [`export default [{ key: "a" }]`, "DOCUMENT_INVALID", /: entry 1: it is neither/],
    [
      `export default [["a", 1], ["", 1]]`,
      "BOOT_FAILED",
      /: entry 2: Cannot use "" as a store key/,
    ],
    [`export default [["a", () => 1]]`, "BOOT_FAILED", /: entry 1: Cannot store a value under "a"/],
    [
      `export default [{ key: "a", value: 1, ttlMs: -1 }]`,
      "BOOT_FAILED",
      /: entry 1: .*ttlMs is -1/,
    ],
    [`export default () => { throw new Error("no data") }`, "BOOT_FAILED", /: no data$/],
    [
      `export default function* () { yield ["a", 1]; throw new Error("broke") }`,
      "BOOT_FAILED",
      /: entry 2: broke$/,
    ],
    [`throw new Error("at load")`, "BOOT_FAILED", /: at load$/],
  ];
  for (const [code, kind, message] of cases) {
    const bad = source(code);
    const error = await rejectsWith(
      primeStore(opened.store, [source(`export default [["fine", 1]]`), bad], log, never),
      kind,
      message,
    );
    assert.ok(error.message.startsWith(`Cannot prime the store from ${bad.href}: `));
    assert.equal(error.cause instanceof Error, kind === "BOOT_FAILED");
  }
});

Deno.test("primeStore() stops the other sources when one fails, and leaves their iterators", async () => {
  await using opened = await memoryStore();
  const endless = source(`export default function* () {
    try { for (let n = 0;; n++) yield [["endless", n], n]; } finally { globalThis.left = true; }
  }`);
  const stuck = source(`export default async function* () { await new Promise(() => {}); }`);
  const bad = source(`export default [["a", 1], "bad"]`);
  const priming = primeStore(opened.store, [endless, stuck, bad], log, never);
  await rejectsWith(priming, "DOCUMENT_INVALID", /entry 2/);
  assert.equal((globalThis as { left?: boolean }).left, true);
  Reflect.deleteProperty(globalThis, "left");
});

Deno.test("primeStore() rejects with the reason of its signal", async () => {
  await using opened = await memoryStore();
  const controller = new AbortController();
  const reason = new Error("stop");
  const stuck = source(`export default () => new Promise(() => {})`);
  const priming = primeStore(opened.store, [stuck], log, controller.signal);
  controller.abort(reason);
  await assert.rejects(priming, (error) => error === reason);
  await assert.rejects(primeStore(opened.store, [], log, controller.signal), (e) => e === reason);
});

const encoder = new TextEncoder();

/** A stream of these chunks; `onCancel` runs when it is left before its end. */
function streamOf(
  chunks: Iterable<string | Uint8Array>,
  onCancel = () => {},
): ReadableStream<Uint8Array> {
  const left = chunks[Symbol.iterator]();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = left.next();
      if (done) controller.close();
      else controller.enqueue(typeof value === "string" ? encoder.encode(value) : value);
    },
    cancel: onCancel,
  }, { highWaterMark: 0 });
}

async function writeFile(folder: string, name: string, text: string): Promise<URL> {
  await Deno.writeTextFile(`${folder}/${name}`, text);
  return new URL(`file://${folder}/${name}`);
}

Deno.test("Store.prime() reads lines of JSON from files", async () => {
  await using folder = await tempDir();
  await using opened = await memoryStore({ ttlLimitMs: 500 });
  const { store, clock } = opened;
  const file = await writeFile(
    folder.path,
    "a.ndjson",
    `\uFEFF{"key": "a", "value": {"b": [1, null]}}\r\n\r\n   \n{"value": false, "key": ["c", 1, true]}\n` +
      `{"key": "short", "value": 1, "ttlMs": 1000}`,
  );
  assert.equal(await store.prime(file), 3);
  assert.deepEqual(await store.getMany(["a", ["c", 1, true]]), [{ b: [1, null] }, false]);
  clock.time += 600;
  assert.deepEqual(await store.hasMany(["a", "short"]), ["a", "short"]);
  await store.set("a", 2);
  clock.time += 600;
  assert.deepEqual(await store.hasMany(["a", "short"]), []); // ordinary now, and over
  assert.equal(await store.prime((await writeFile(folder.path, "b.JSONL", "")).href), 0);
  assert.equal(await store.prime(await writeFile(folder.path, "c.jsonl", "\uFEFF")), 0);
});

Deno.test("Store.prime() reads lines however the stream is cut", async () => {
  const bytes = encoder.encode(
    `\uFEFF{"key":"\u00e9","value":"\u{1F600}"}\r\n{"key":"\u20ac","value":"\u2028"}\n`,
  );
  for (let size = 1; size <= bytes.length; size++) {
    await using opened = await memoryStore();
    const chunks = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
    assert.equal(await opened.store.prime(streamOf(chunks)), 2);
    assert.deepEqual(await opened.store.getMany(["\u00e9", "\u20ac"]), ["\u{1F600}", "\u2028"]);
  }
});

Deno.test("Store.prime() stores many entries, in the order of the source", async () => {
  await using folder = await tempDir();
  await using opened = await memoryStore({ url: `${folder.path}/kv` });
  const { store } = opened;
  function* entries() {
    for (let n = 0; n < 5000; n++) {
      yield { key: ["n", n % 2500], value: n };
      if (n % 500 === 0) yield ["twice", "x".repeat(n === 4500 ? 1 : 100_000)] as const;
    }
  }
  for (let round = 0; round < 2; round++) {
    assert.equal(await store.prime(entries()), 5010);
    const { entries: count } = await store.info();
    assert.equal(count, 2501);
    assert.equal(await store.get("twice"), "x");
    for await (const { key, value } of store.list({ prefix: "n" })) {
      assert.equal(value, Number(key[1]) + 2500);
    }
  }
});

Deno.test("Store.prime() names the line that is malformed", async (t) => {
  const dump = `{"format":"tandem-store-dump","version":1}\n`;
  const cases: [lines: string, line: number, found: RegExp][] = [
    [`{"key": "a"`, 1, /it is no JSON: (?!.*line 1 column)/],
    [`{"key": "a", "value": 1}\n\n{"key": "b", "value": 1}}`, 3, /it is no JSON/],
    [`{"key": "a", "value": 1}\r\nkey`, 2, /it is no JSON/],
    [`[1]`, 1, /it is an array, needed is \{"key"/],
    [`null`, 1, /it is null, needed/],
    [`"text"`, 1, /it is "text", needed/],
    [`{}`, 1, /it has no "key"/],
    [`{"key": "a"}`, 1, /it has no "value"/],
    [`{"value": 1}`, 1, /it has no "key"/],
    [`{"key": "a", "value": 1, "ttl": 5}`, 1, /it has "ttl", allowed are key, value, ttlMs/],
    [`{"key": "a", "value": 1, "expiresAt": 5}`, 1, /it has "expiresAt", allowed/],
    [`{"key": "a", "value": 1}\n${dump}`, 2, /it has "format", allowed/],
    [`{"format": "other", "version": 1}`, 1, /its format is "other" in version 1, known is/],
    [`{"format": "tandem-store-dump", "version": 2}`, 1, /in version 2, known is/],
    [`${dump}{"key":["a"],"value":1}\n`, 3, /the dump breaks off: its last line is missing/],
    [dump.trimEnd(), 2, /the dump breaks off/],
    [`${dump}{"key":["a"],"value":1}\n{"end":true,"entries":2}`, 3, /counts 2 entries, but 1 are/],
    [`${dump}{"end":true,"entries":0}\n\n{"key":["a"],"value":1}`, 4, /behind the end of the dump/],
    [`${dump}{"key":"a","value":1}`, 2, /its key is "a", needed is an array/],
    [`${dump}{"key":["a"]}`, 2, /either "value" or "clone"/],
    [`${dump}{"key":["a"],"value":1,"clone":""}`, 2, /either "value" or "clone"/],
    [`${dump}{"key":["a"],"clone":"%"}`, 2, /its clone is not the base64 of a value/],
    [`${dump}{"key":["a"],"clone":"/w9v"}`, 2, /its clone is not the base64 of a value/],
    [`${dump}{"key":["a"],"clone":5}`, 2, /its clone is not/],
    [`${dump}{"key":["a"],"value":1,"expiresAt":"1"}`, 2, /expiresAt is "1", needed/],
    [`${dump}{"key":["a"],"value":1,"primed":1}`, 2, /primed is 1, needed/],
    [
      `${dump}{"key":["a"],"value":1,"ttlMs":1}`,
      2,
      /it has "ttlMs", allowed are key, value, clone/,
    ],
    [
      `${dump}{"key":[{"bigint":"x"}],"value":1}`,
      2,
      /its key has \{"bigint":"x"\}, which is no part/,
    ],
    [`${dump}{"key":[{"number":"1"}],"value":1}`, 2, /which is no part/],
    [`${dump}{"key":[{"bytes":"%"}],"value":1}`, 2, /which is no part/],
  ];
  for (const [lines, line, found] of cases) {
    await t.step(JSON.stringify(lines.replace(dump, "…")), async () => {
      await using opened = await memoryStore();
      const error = await rejectsWith(
        opened.store.prime(streamOf([lines])),
        "DOCUMENT_INVALID",
        found,
      );
      const start = `Cannot prime the store from a stream: line ${line}: `;
      assert.equal(error.message.slice(0, start.length), start);
      assert.equal(error.cause, undefined);
    });
  }
});

Deno.test("Store.prime() names the line whose entry the store refuses", async (t) => {
  const cases: [line: string, found: RegExp][] = [
    [`{"key": "", "value": 1}`, /Cannot use "" as a store key/],
    [`{"key": 5, "value": 1}`, /Cannot use 5 as a store key/],
    [`{"key": null, "value": 1}`, /Cannot use null as/],
    [`{"key": [], "value": 1}`, /at least one part/],
    [`{"key": ["a", null], "value": 1}`, /part 2 is null/],
    [`{"key": ["a", {"bigint": "1"}], "value": 1}`, /part 2 is an object/],
    [`{"key": ["${"k".repeat(9000)}"], "value": 1}`, /at most \d+ are allowed/],
    [`{"key": "a", "value": 1, "ttlMs": -1}`, /ttlMs is -1/],
    [`{"key": "a", "value": 1, "ttlMs": 1.5}`, /ttlMs is 1.5/],
    [`{"key": "a", "value": 1, "ttlMs": "1"}`, /ttlMs is "1"/],
    [`{"key": "a", "value": "${"v".repeat(2000)}"}`, /takes \d+ bytes, at most 1000/],
  ];
  for (const [line, found] of cases) {
    await t.step(line.slice(0, 60), async () => {
      await using opened = await memoryStore({ maxValueBytes: 1000 });
      const lines = `{"key": "fine", "value": 1}\n\n${line}\n{"key": "later", "value": 1}\n`;
      const error = await rejectsWith(
        opened.store.prime(streamOf([lines])),
        "DOCUMENT_INVALID",
        found,
      );
      assert.match(error.message, /from a stream: line 3: /);
      assert.ok(error.cause instanceof Error);
      assert.deepEqual(await opened.store.hasMany(["fine", "later"]), ["fine"]);
    });
  }
});

Deno.test("Store.prime() refuses bytes that are no UTF-8, long lines and chunks that are no bytes", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  const fine = encoder.encode(`{"key":"a","value":1}\n`);
  for (const bad of [[0xff], [0x22, 0xc3], [0xed, 0xa0, 0x80]]) {
    const chunk = new Uint8Array([...fine, ...fine, ...bad, 10, ...fine]);
    await rejectsWith(
      store.prime(streamOf([chunk])),
      "DOCUMENT_INVALID",
      /line 3: it is no UTF-8$/,
    );
    const end = chunk.subarray(0, chunk.length - fine.length - 1);
    await rejectsWith(store.prime(streamOf([end])), "DOCUMENT_INVALID", /line 3: it is no UTF-8$/);
  }
  let isLeft = false;
  function* endless() {
    yield fine;
    while (true) yield " ".repeat(1000);
  }
  const long = streamOf(endless(), () => isLeft = true);
  await rejectsWith(
    store.prime(long, { maxLineBytes: 10_000 }),
    "DOCUMENT_INVALID",
    /line 2: it is longer than 10000 bytes$/,
  );
  assert.ok(isLeft);
  await rejectsWith(
    store.prime(streamOf([`{"key":"a","value":1}\n{"key":"a","value":22}\n`]), {
      maxLineBytes: 21,
    }),
    "DOCUMENT_INVALID",
    /line 2: it is longer than 21 bytes$/,
  );
  const texts = ReadableStream.from(["text"]) as unknown as ReadableStream<Uint8Array>;
  await rejectsWith(
    store.prime(texts),
    "DOCUMENT_INVALID",
    /line 1: the stream gives "text", needed/,
  );
  for (const maxLineBytes of [0, 1.5, NaN]) {
    await assert.rejects(store.prime(streamOf([]), { maxLineBytes }), RangeError);
  }
});

Deno.test("Store.prime() says why a source cannot be had", async () => {
  await using folder = await tempDir();
  await using opened = await memoryStore();
  const { store } = opened;
  const missing = new URL(`file://${folder.path}/missing.ndjson`);
  await rejectsWith(store.prime(missing), "DOCUMENT_INVALID", /missing\.ndjson: No such file/);
  await Deno.mkdir(`${folder.path}/folder.ndjson`);
  await rejectsWith(
    store.prime(new URL(`file://${folder.path}/folder.ndjson`)),
    "DOCUMENT_INVALID",
    /folder\.ndjson: .*directory/i,
  );
  await rejectsWith(primeStore(store, [missing], log, never), "BOOT_FAILED", /No such file/);
  await assert.rejects(store.prime("./a.ndjson"), /"\.\/a\.ndjson": it is no absolute URL/);
  await rejectsWith(
    store.prime(5 as never),
    "DOCUMENT_INVALID",
    /given entries: the source is number/,
  );
  const error = await rejectsWith(
    store.prime("http://127.0.0.2:9999/a.ndjson"),
    "PERMISSION_MISSING",
    /a\.ndjson: access is not granted, run with --allow-net=127\.0\.0\.2:9999 /,
  );
  await rejectsWith(
    primeStore(store, [new URL("http://127.0.0.2:9999/a.ndjson")], log, never),
    "PERMISSION_MISSING",
    /--allow-net/,
  );
  assert.ok(error.cause instanceof Deno.errors.NotCapable);
});

Deno.test("Store.prime() names the flag that a file needs", async () => {
  const code = `import { openStore } from "@tandem/tandem";
    await using store = await openStore({ url: ":memory:" });
    await store.prime("file:///no%20such/a.ndjson").catch((error) => console.log(error.code, error.message));`;
  const { stdout, stderr } = await runDeno([
    "eval",
    "--no-check",
    `
    Deno.permissions.revokeSync({ name: "read" });
    ${code}
  `,
  ]);
  assert.match(stdout, /^PERMISSION_MISSING .*run with --allow-read=\/no such\/a\.ndjson /, stderr);
});

Deno.test("Store.prime() reads lines by HTTP", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  const lines = Array.from({ length: 3000 }, (_, n) => `{"key":["n",${n}],"value":${n}}\n`);
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/a.ndjson") return new Response(streamOf(lines));
    if (pathname === "/empty.ndjson") return new Response(null);
    return new Response("no", { status: 404 });
  });
  const base = `http://127.0.0.1:${server.addr.port}`;
  assert.equal(await store.prime(`${base}/a.ndjson?v=1`), 3000);
  assert.equal(await store.get(["n", 2999]), 2999);
  assert.equal(await store.prime(`${base}/empty.ndjson`), 0);
  await rejectsWith(
    store.prime(`${base}/b.ndjson`),
    "DOCUMENT_INVALID",
    /b\.ndjson: the answer is 404 Not Found$/,
  );
});

Deno.test("Store.prime() ends with its signal, and leaves the stream", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  const reason = new Error("stop");
  for (const isBefore of [true, false]) {
    const controller = new AbortController();
    const left = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const stuck = new ReadableStream<Uint8Array>({
      pull() {
        asked.resolve();
        return new Promise(() => {});
      },
      cancel: () => left.resolve(),
    }, { highWaterMark: 0 });
    if (isBefore) controller.abort(reason);
    const priming = store.prime(stuck, { signal: controller.signal });
    if (!isBefore) {
      await asked.promise;
      controller.abort(reason);
    }
    await assert.rejects(priming, (error) => error === reason);
    if (!isBefore) await left.promise;
  }
});

Deno.test("primeStore() stops all sources when one fails, and writes the completion keys at the end", async () => {
  await using folder = await tempDir();
  await using opened = await memoryStore({ ttlLimitMs: 10 });
  const { store, clock } = opened;
  const bad = await writeFile(folder.path, "bad.ndjson", `{"key":"a","value":1}\n{`);
  const stuck = source(`export default async function* () { await new Promise(() => {}); }`);
  const keys = ["primed", ["primed", 1]];
  await rejectsWith(
    primeStore(store, [stuck, bad], log, never, keys),
    "DOCUMENT_INVALID",
    /bad\.ndjson: line 2: it is no JSON/,
  );
  assert.deepEqual(await store.hasMany(keys), []);
  const fine = await writeFile(folder.path, "fine.ndjson", `{"key":"a","value":1}\n`);
  assert.equal(await primeStore(store, [fine, fine], log, never, keys), 2);
  clock.time += 10;
  assert.deepEqual(await store.getMany(keys), [true, true]);
  await rejectsWith(
    primeStore(store, [], log, never, [""]),
    "BOOT_FAILED",
    /given entries: entry 1: Cannot use "" as a store key/,
  );
});

Deno.test("Store.prime() keeps the store's own codes", async () => {
  const opened = await memoryStore();
  await opened.store.close();
  await rejectsWith(
    opened.store.prime([["a", 1]]),
    "STORE_CLOSED",
    /entry 1: Cannot use the store/,
  );
});

Deno.test("Store.prime() names no secret of a source's URL", async () => {
  await using opened = await memoryStore();
  const source = new URL("http://user:SECRET@127.0.0.1:1/a.ndjson?key=SECRET");
  const error = await rejectsWith(
    opened.store.prime(source),
    "DOCUMENT_INVALID",
    /^Cannot prime the store from http:\/\/127\.0\.0\.1:1\/a\.ndjson: /,
  );
  assert.doesNotMatch(error.message, /SECRET/);
});
