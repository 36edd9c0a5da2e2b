import assert from "node:assert/strict";
import {
  compareKeys,
  describeKey,
  hasPrefix,
  keyId,
  type KvKey,
  MAX_KEY_BYTES,
  toKvKey,
} from "../../../runtime/store/keys.ts";
import { memoryStore } from "./support.ts";

Deno.test("toKvKey() takes text for a key of one part and copies arrays", () => {
  assert.deepEqual(toKvKey("a"), ["a"]);
  const bytes = new Uint8Array([1]);
  const given = ["a", 1, 2n, true, bytes];
  const key = toKvKey(given);
  bytes[0] = 9;
  given[0] = "b";
  assert.deepEqual(key, ["a", 1, 2n, true, new Uint8Array([1])]);
  assert.ok(Object.is(toKvKey([-0])[0], 0));
});

Deno.test("toKvKey() refuses what is no key with a TypeError that names it", () => {
  const cases: [unknown, RegExp][] = [
    ["", /Cannot use "" as a store key: part 1 is empty text$/],
    [[], /Cannot use \[\] as a store key: a key has at least one part$/],
    [["a", ""], /part 2 is empty text$/],
    [[NaN], /Cannot use \[NaN\] as a store key: part 1 is NaN$/],
    [["\ud800"], /no well-formed text$/],
    [[["a"]], /part 1 is an array, allowed are/],
    [[null], /part 1 is null/],
    [[{}], /part 1 is an object/],
    [[Symbol("s")], /part 1 is Symbol\(s\)/],
    [[() => 1], /part 1 is a function/],
    [[new Uint16Array(1)], /part 1 is an object/],
    [new Array(4_000_000_000), /part 1 is undefined/],
    [{ length: 1, 0: "a" }, /a key is text or an array of parts$/],
    [undefined, /Cannot use undefined as/],
    [1, /Cannot use 1 as/],
    [null, /Cannot use null as/],
  ];
  for (const [key, message] of cases) {
    assert.throws(() => toKvKey(key), { name: "TypeError", message });
  }
});

Deno.test("toKvKey() counts the bytes of a key as Deno KV does", async () => {
  await using opened = await memoryStore();
  const { store } = opened;
  const largest: KvKey[] = [
    ["x".repeat(MAX_KEY_BYTES - 2)],
    ["é".repeat((MAX_KEY_BYTES - 2) / 2)],
    ["\0".repeat((MAX_KEY_BYTES - 2) / 2)],
    [new Uint8Array((MAX_KEY_BYTES - 2) / 2)],
  ];
  const inPlain: KvKey[] = [
    Array.from({ length: 220 }, (_, index) => index),
    Array.from({ length: 1900 }, () => true),
    [2n ** 2040n - 1n, -(2n ** 2040n - 1n)],
  ];
  for (const key of [...largest, ...inPlain]) {
    await store.set(key, 1);
    assert.equal(await store.get(key), 1);
    assert.deepEqual(await Array.fromAsync(store.list({ prefix: key })), [{ key, value: 1 }]);
  }
  assert.throws(() => toKvKey("x".repeat(MAX_KEY_BYTES - 1)), {
    name: "RangeError",
    message: new RegExp(
      `^Cannot use "x{64}…" as a store key: it takes ${MAX_KEY_BYTES + 1} bytes, ` +
        `at most ${MAX_KEY_BYTES} are allowed$`,
    ),
  });
  for (const key of largest) {
    assert.throws(() => toKvKey([...key, 1]), { name: "RangeError", message: /are allowed$/ });
  }
  assert.throws(() => toKvKey([2n ** 2040n]), { name: "RangeError", message: /256 bytes/ });
});

Deno.test("A key of too many parts for its length is refused by name", async () => {
  await using opened = await memoryStore();
  const key = Array.from({ length: 500 }, (_, index) => index);
  for (const call of [opened.store.set(key, 1), opened.store.get(key)]) {
    await assert.rejects(call, {
      name: "RangeError",
      message: /it has 500 parts, which are too many/,
    });
  }
});

Deno.test("describeKey() puts keys into words and shortens them", () => {
  assert.equal(describeKey("a"), '"a"');
  assert.equal(describeKey(["a"]), '"a"');
  assert.equal(
    describeKey(["a", 1, 2n, true, new Uint8Array(3)]),
    '["a", 1, 2n, true, Uint8Array(3)]',
  );
  assert.equal(describeKey([1, 2, 3, 4, 5, 6, 7, 8, 9]), "[1, 2, 3, 4, 5, 6, 7, 8, …]");
  assert.equal(describeKey([2n ** 70n]), "[a large bigint]");
});

Deno.test("compareKeys() orders keys as Deno KV does", async () => {
  const keys: KvKey[] = [
    ["a"],
    ["a", 1],
    ["a", "b"],
    ["a", "b", 1],
    ["a\0"],
    ["a\0b"],
    ["ab"],
    ["\uffff"],
    ["\u{1f600}"],
    [new Uint8Array([1])],
    [new Uint8Array([1, 0])],
    [new Uint8Array()],
    [-5n],
    [-300n],
    [0n],
    [2n ** 80n],
    [-1.5],
    [-2],
    [0],
    [Infinity],
    [-Infinity],
    [false],
    [true],
    [true, "x"],
  ];
  await using opened = await memoryStore();
  for (const key of keys) await opened.store.set(key, 1);
  const stored = await Array.fromAsync(opened.store.list(), ({ key }) => key as KvKey);
  assert.deepEqual([...keys].sort(compareKeys), stored);
  assert.equal(new Set(keys.map(keyId)).size, keys.length);
});

Deno.test("hasPrefix() compares whole parts", () => {
  assert.ok(hasPrefix(["a", "b"], ["a"]));
  assert.ok(hasPrefix(["a"], ["a"]));
  assert.ok(hasPrefix([new Uint8Array([1]), 2], [new Uint8Array([1])]));
  assert.ok(!hasPrefix(["ab"], ["a"]));
  assert.ok(!hasPrefix(["a"], ["a", "b"]));
  assert.ok(!hasPrefix([1], [1n]));
});
