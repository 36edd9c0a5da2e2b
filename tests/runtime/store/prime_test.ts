import assert from "node:assert/strict";
import { primeStore } from "../../../runtime/store/mod.ts";
import type { Log } from "../../../runtime/types/log.ts";
import { memoryStore, rejectsWith } from "./support.ts";

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
