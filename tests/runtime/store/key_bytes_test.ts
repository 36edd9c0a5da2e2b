import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { keyFromBytes, keyToBytes } from "../../../runtime/store/key_bytes.ts";
import { compareKeys, hasPrefix, type KvKey } from "../../../runtime/store/keys.ts";
import type { StoreKeyPart } from "../../../runtime/types/store.ts";

const ROUNDS = 20_000;

Deno.test("keyToBytes() keeps the order of keys, for any keys", () => {
  for (let round = 0; round < ROUNDS; round++) {
    const [a, b] = similarKeys();
    const order = Math.sign(compareKeys(a, b));
    assert.equal(Math.sign(compare(keyToBytes(a), keyToBytes(b))), order, show(a, b));
  }
});

Deno.test("keyFromBytes() gives back what keyToBytes() was given, for any key", () => {
  for (let round = 0; round < ROUNDS; round++) {
    const [key] = similarKeys();
    assert.deepEqual(keyFromBytes(keyToBytes(key)), key);
  }
});

Deno.test("the bytes of a key begin with those of its prefixes and with no others'", () => {
  for (let round = 0; round < ROUNDS; round++) {
    const [a, b] = similarKeys();
    const [key, prefix] = [keyToBytes(a), keyToBytes(b)];
    const begins = prefix.length <= key.length && prefix.every((byte, at) => byte === key[at]);
    assert.equal(begins, hasPrefix(a, b), show(a, b));
    if (begins) assert.notEqual(key[prefix.length], 0xff, show(a, b));
  }
});

Deno.test('["a"] is a prefix of ["a", "b"] but not of ["ab"] nor ["a\\0b"]', () => {
  const prefix = String(keyToBytes(["a"]));
  assert.ok(String(keyToBytes(["a", "b"])).startsWith(`${prefix},`));
  assert.ok(!String(keyToBytes(["ab"])).startsWith(prefix));
  assert.ok(!String(keyToBytes(["a\0b"])).startsWith(prefix));
});

Deno.test("bigints keep their order where their length changes", () => {
  const sizes = [0n, 1n];
  for (let bits = 7n; bits <= 2040n; bits += 1n) sizes.push(2n ** bits - 1n);
  const all = [...sizes.toReversed().map((size) => -size), ...sizes.slice(1)];
  for (let index = 1; index < all.length; index++) {
    const [a, b] = [all[index - 1]!, all[index]!];
    if (a !== b) assert.ok(compare(keyToBytes([a]), keyToBytes([b])) < 0, `${a} ${b}`);
    assert.deepEqual(keyFromBytes(keyToBytes([b])), [b]);
  }
});

Deno.test("keyToBytes() refuses a bigint of more than 255 bytes", () => {
  for (const part of [2n ** 2040n, -(2n ** 2040n)]) {
    assert.throws(() => keyToBytes([part]), { name: "RangeError", message: /of 256 bytes/ });
  }
});

Deno.test("keyToBytes() takes -0 for 0", () => {
  assert.deepEqual(keyToBytes([-0]), keyToBytes([0]));
});

Deno.test("keyFromBytes() leaves its bytes alone and copies from them", () => {
  const bytes = Buffer.from(keyToBytes([new Uint8Array([0, 1, 2]), "\0", -1.5]));
  const kept = Buffer.from(bytes);
  const key = keyFromBytes(bytes);
  assert.deepEqual(bytes, kept);
  bytes.fill(9);
  assert.deepEqual(key, [new Uint8Array([0, 1, 2]), "\0", -1.5]);
});

Deno.test("keyFromBytes() refuses what is no key", () => {
  const wrong = [[0], [8], [255], [1], [2, 65], [2, 0xff, 0], [4], [4, 2, 1], [3, 0xfe], [5, 1, 2]];
  for (const bytes of wrong) {
    assert.throws(() => keyFromBytes(new Uint8Array(bytes)), TypeError, String(bytes));
  }
});

/** Two keys that are often equal in part, so that what differs comes late. */
function similarKeys(): [KvKey, KvKey] {
  const a = randomKey();
  const b = Math.random() < 0.5 ? randomKey() : [...a];
  if (Math.random() < 0.5) b.length = random(b.length + 1);
  if (Math.random() < 0.5) b.push(randomPart());
  return [a, b];
}

function randomKey(): StoreKeyPart[] {
  return Array.from({ length: random(4) }, randomPart);
}

function randomPart(): StoreKeyPart {
  switch (random(6)) {
    case 0:
      return Uint8Array.from({ length: random(4) }, randomByte);
    case 1:
      return Array.from({ length: random(4) }, () => pick([..."\0\u0001\u0002ab~é\uffff😀"])).join(
        "",
      );
    case 2:
      return randomBigint();
    case 3:
      return randomNumber();
    case 4:
      return pick([0, 1, -1, 0.5, -0.5, Infinity, -Infinity, Number.MIN_VALUE, Number.MAX_VALUE]);
    default:
      return Math.random() < 0.5;
  }
}

function randomBigint(): bigint {
  const size = pick([0n, 1n, 255n, 256n, 65_535n, 2n ** 64n, 2n ** 2040n - 1n]) -
    BigInt(random(3));
  return Math.random() < 0.5 || size > 2n ** 2039n ? size : -size;
}

function randomNumber(): number {
  const view = new DataView(new ArrayBuffer(8));
  for (let at = 0; at < 8; at++) view.setUint8(at, randomByte());
  const number = view.getFloat64(0);
  return Number.isNaN(number) || number === 0 ? 0 : number;
}

function randomByte(): number {
  return Math.random() < 0.5 ? random(256) : pick([0, 1, 2, 254, 255]);
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}

function pick<T>(items: readonly T[]): T {
  return items[random(items.length)]!;
}

function compare(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

function show(...keys: KvKey[]): string {
  return keys.map((key) => Deno.inspect(key)).join(" and ");
}
