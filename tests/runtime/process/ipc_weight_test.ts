import assert from "node:assert/strict";
import { decodeValue, encodeValue, MAX_MESSAGE } from "../../../runtime/process/ipc_codec.ts";
import { MAX_WEIGHT, weigh } from "../../../runtime/process/ipc_weight.ts";

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;
const shared = new ArrayBuffer(8);
const far: number[] = [];
far[100_000] = 1;

const VALUES: [string, unknown][] = [
  ["nothing", [undefined, null, true, false]],
  ["numbers", [0, -0, NaN, 1.5, -1, 2 ** 31, 10n ** 40n, -1n, 0n]],
  ["text", ["", "plain", "é", "€", "\ud800", "x".repeat(300), "€".repeat(300)]],
  ["boxed values", [Object(1), Object("x"), Object("€"), Object(1n), Object(true), Object(false)]],
  ["dates and patterns", [new Date(0), new Date(NaN), /a/, /a/gi, /€/u, /a/dimu, [/a/, 1]]],
  ["objects", [{}, { a: { "€": 1 }, 7: 2 }, cyclic, [cyclic, cyclic]]],
  ["lists", [[], [1, "a", [2]], [, , 1], far, Object.assign([1], { more: 2 })]],
  ["collections", [
    new Map<unknown, unknown>([[1, new Map()], ["a", cyclic]]),
    new Set([new Set([1])]),
  ]],
  [
    "errors",
    [
      new Error("m", { cause: new TypeError("c", { cause: { deep: [new RangeError("r")] } }) }),
      new EvalError("m"),
      new ReferenceError("m"),
      new SyntaxError("m"),
      new URIError("m"),
      new Error("m", { cause: new Uint8Array(3) }),
      new Error(),
    ],
  ],
  [
    "bytes",
    [
      new ArrayBuffer(0),
      new ArrayBuffer(4, { maxByteLength: 16 }),
      new Uint8Array(9),
      [shared, new Uint8Array(shared), new Uint16Array(shared)],
      new Uint8Array(9).subarray(2, 4),
      new DataView(new ArrayBuffer(8), 2),
      new BigInt64Array(2),
      new Float16Array(3),
      new Uint16Array(new ArrayBuffer(8, { maxByteLength: 16 })),
    ],
  ],
];

Deno.test.each(VALUES)("weigh() knows how %s are written", (_, values) => {
  for (const value of [values, ...values as unknown[]]) {
    const bytes = encodeValue(value);
    assert.deepEqual(decodeValue(bytes), value);
    assert.ok(weigh(bytes) < 1_000_000);
    // All was walked through: without its last byte it is none.
    assert.throws(() => weigh(bytes.subarray(0, -1)), /breaks off/);
  }
});

const HEADER = encodeValue(null).subarray(0, 2);

/** An array of so many places, written as one that has none of them. */
const sparse = (...length: number[]) => [0x61, ...length, 0x40, 0, ...length];

const HEAVY: [string, number[]][] = [
  ["a list with a place far out", sparse(0x80, 0x80, 0x80, 0x80, 0x01)],
  [
    "many lists with places that are not so far out",
    Array.from({ length: 1000 }, () => sparse(0x80, 0x80, 0x80, 0x01)).flat(),
  ],
  ["a list that says it is long", [0x41, 0xff, 0xff, 0xff, 0xff, 0x07]],
  ["memory that may grow", [0x7e, 1, 0x80, 0x80, 0x80, 0x80, 0x08, 1]],
  [
    "memory that may grow, many times",
    Array.from({ length: 40_000 }, () => [0x7e, 1, 0x80, 0x20, 1]).flat(),
  ],
];

Deno.test.each(HEAVY)("weigh() finds %s too heavy", (_, parts) => {
  const count = [0x41, 0x80, 0x80, 0x04];
  assert.ok(weigh(Uint8Array.from([...HEADER, ...count, ...parts])) > MAX_WEIGHT);
});

const WRONG: [string, number[], RegExp][] = [
  ["nothing", [], /breaks off/],
  ["another header", [1, 2, 3], /header is another/],
  ["a header only", [...HEADER], /breaks off/],
  ["shared memory", [...HEADER, 0x75, 0], /kind 117/],
  ["a program", [...HEADER, 0x77, 0], /kind 119/],
  ["an object of the host", [...HEADER, 0x5c, 0], /kind 92/],
  ["text that is longer than all", [...HEADER, 0x22, 0x7f, 1], /breaks off/],
  ["a number without an end", [...HEADER, 0x49, 0xff, 0xff], /breaks off/],
  ["an older form", [0xff, 13, 0x30], /header is another/],
  ["a number that goes on", [...HEADER, 0x61, ...Array(200).fill(0x80), 1], /too long/],
  ["an error of no kind", [...HEADER, 0x72, 0x41], /malformed/],
];

Deno.test.each(WRONG)("weigh() refuses %s", (_, bytes, message) => {
  assert.throws(() => weigh(Uint8Array.from(bytes)), { message });
});

Deno.test("encodeValue() refuses what is more than a message may be", () => {
  const bytes = new Uint8Array(MAX_MESSAGE);
  assert.throws(() => encodeValue(bytes), { name: "DataCloneError", message: /at most 134217728/ });
});
