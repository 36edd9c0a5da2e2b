import assert from "node:assert/strict";
import { Deserializer, Serializer } from "node:v8";
import { encodeValue } from "../../../runtime/store/codec.ts";
import { decodeValue } from "../../../runtime/store/decode.ts";
import { decodePlain, encodePlain } from "../../../runtime/store/wire.ts";

function byV8(value: unknown): Uint8Array {
  const serializer = new Serializer();
  serializer.writeHeader();
  serializer.writeValue(value);
  return serializer.releaseBuffer();
}

function read(bytes: Uint8Array): unknown {
  const deserializer = new Deserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue();
}

const PLAIN: unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  1,
  -1,
  63,
  64,
  -64,
  -65,
  2 ** 30,
  -(2 ** 30),
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 31,
  2 ** 53,
  1.5,
  NaN,
  Infinity,
  -Infinity,
  "",
  "text",
  "\u0000\u007f\u0080\u00ff",
  "\u0100",
  "a\u0100",
  "\ud800",
  "\u{1F600}",
  ...[31, 32, 33, 127, 128, 4095, 4096, 4097, 70_000].flatMap((length) => [
    "a".repeat(length),
    "\u00e9".repeat(length),
    "\u20ac".repeat(length),
    "a".repeat(length) + "\u00e9",
    "a".repeat(length) + "\u20ac",
  ]),
  [],
  {},
  [[], {}, [1, "a", null]],
  { a: 1, b: { c: [true, undefined] }, "": 0 },
  { 0: "zero", 10: "ten", "-1": 1, "01": 2, 4294967295: 3 },
  { "\u20ac": "\u20ac", "\u00e9": "\u00e9", a: "\u20ac" },
  Array.from({ length: 300 }, (_, n) => ({ n, text: `entry ${n}`, more: [n / 2] })),
];

Deno.test("encodePlain() writes what V8 reads", () => {
  for (const value of PLAIN) {
    const bytes = encodePlain(value)!;
    assert.deepEqual(read(bytes), value);
    assert.deepEqual(Object.keys(Object(read(bytes))), Object.keys(Object(value)));
  }
});

Deno.test("decodePlain() reads what V8 and encodePlain() write", () => {
  for (const value of PLAIN) {
    for (const bytes of [encodePlain(value)!, byV8(value)]) {
      const found = decodePlain(bytes);
      assert.deepEqual(found, { value });
      const shifted = new Uint8Array(bytes.length + 3);
      shifted.set(bytes, 3);
      assert.deepEqual(decodePlain(shifted.subarray(3)), { value });
    }
  }
});

Deno.test("encodePlain() leaves bigints to V8", () => {
  for (const value of [1n, [1n], { a: { b: 1n } }]) assert.equal(encodePlain(value), undefined);
});

Deno.test("decodePlain() leaves to V8 what is not plain", () => {
  const shared = {};
  const others = [
    1n,
    new Date(0),
    new Map(),
    /a/,
    Object("a"),
    new Error("a"),
    new ArrayBuffer(1),
    [shared, shared],
    [1, , 3], // deno-lint-ignore no-sparse-arrays
    Object.assign([1], { a: 1 }),
    JSON.parse('{"__proto__": 1}'),
    [[new Set()]],
  ];
  for (const value of others) assert.equal(decodePlain(byV8(value)), undefined);
});

Deno.test("decodePlain() makes nothing of bytes that were cut off or changed", () => {
  const value = { a: [1, 2.5, "text", "\u20ac"], b: { c: "x".repeat(100) } };
  const bytes = encodePlain(value)!;
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(decodePlain(bytes.subarray(0, length)), undefined);
  }
  for (let at = 0; at < bytes.length; at++) {
    for (const byte of [0, 0x22, 0x41, 0x63, 0x7f, 0xff]) {
      const changed = bytes.slice();
      changed[at] = byte;
      decodePlain(changed); // whatever comes of it, it ends
    }
  }
});

Deno.test("encodeValue() is not confused by a getter that encodes as well", () => {
  const value = {
    before: "x".repeat(50),
    get within() {
      return encodeValue({ other: "y".repeat(100) }, ["k"]).length;
    },
    after: "z",
  };
  const decoded = decodeValue(encodeValue(value, ["k"])) as typeof value;
  assert.deepEqual([decoded.before, decoded.after], ["x".repeat(50), "z"]);
  assert.ok(decoded.within > 100);
});

Deno.test.each<[string, () => unknown]>([
  ["lengthens its array", () => {
    const list: unknown[] = [{
      get x() {
        list.push(1);
        return 1;
      },
    }, 2];
    return list;
  }],
  ["shortens its array", () => {
    const list: unknown[] = [{
      get x() {
        list.length = 1;
        return 1;
      },
    }, 2];
    return list;
  }],
  ["becomes a date", () => {
    let reads = 0;
    return {
      get x() {
        return reads++ === 0 ? 1 : new Date(5);
      },
    };
  }],
  ["becomes a cycle", () => {
    let reads = 0;
    const cycle: Record<string, unknown> = {};
    cycle.cycle = cycle;
    return {
      get x() {
        return reads++ === 0 ? 1 : cycle;
      },
    };
  }],
])("encodeValue() makes bytes that V8 reads of a getter that %s", (_, make) => {
  const value = make();
  const bytes = encodeValue(value, ["k"]);
  assert.deepEqual(decodeValue(bytes), read(bytes));
  // By now each getter gives the same at each read, but for the lists, which go on changing.
  if (!Array.isArray(value)) assert.deepEqual(decodeValue(bytes), structuredClone(value));
});
