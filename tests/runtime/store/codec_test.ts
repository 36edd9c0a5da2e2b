import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { encodeValue } from "../../../runtime/store/codec.ts";
import { decodeValue } from "../../../runtime/store/decode.ts";

function copyOf<T>(value: T): T {
  return decodeValue(encodeValue(value, ["k"])) as T;
}

Deno.test("decodeValue() gives back what structured clone carries", () => {
  const shared = { n: 1 };
  const values: unknown[] = [
    undefined,
    null,
    true,
    -0,
    NaN,
    "héllo→😀",
    12345678901234567890n,
    new Date(5),
    /a+/gi,
    [1, , 3], // deno-lint-ignore no-sparse-arrays
    new Map<unknown, unknown>([[{ a: 1 }, new Set([1n])]]),
    new Float64Array([1.5, -0]),
    new BigUint64Array([1n]),
    new Float16Array([0.5]),
    new DataView(new ArrayBuffer(3)),
    new ArrayBuffer(4),
    { deep: { a: shared, b: shared } },
  ];
  for (const value of values) assert.deepEqual(copyOf(value), value);
  const { deep } = copyOf({ deep: { a: shared, b: shared } });
  assert.equal(deep.a, deep.b);
  const error = copyOf(new RangeError("no", { cause: new TypeError("why") }));
  assert.ok(error instanceof RangeError && error.cause instanceof TypeError);
  assert.equal(error.cause.message, "why");
});

Deno.test("decodeValue() gives every typed array a buffer of its own and of its size", () => {
  const value = copyOf({
    a: new Uint8Array([1, 2]),
    b: new Float64Array([3]),
    text: "x".repeat(99),
  });
  assert.equal(value.a.buffer.byteLength, 2);
  assert.equal(value.b.buffer.byteLength, 8);
  assert.equal(value.a.byteOffset, 0);
});

Deno.test("encodeValue() stores of a view only what it shows", () => {
  const pool = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
  const bytes = copyOf(Buffer.from(pool.buffer, 2, 3));
  assert.deepEqual([...bytes], [3, 4, 5]);
  assert.equal(bytes.buffer.byteLength, 3);
  const words = copyOf(new Uint16Array(pool.buffer, 4, 2));
  assert.ok(words instanceof Uint16Array);
  assert.deepEqual(words, new Uint16Array([0x0605, 0x0807]));
  assert.equal(copyOf(new DataView(pool.buffer, 1, 2)).buffer.byteLength, 2);
});

Deno.test("encodeValue() refuses what cannot be cloned and names the key", () => {
  const { port1, port2 } = new MessageChannel();
  const values: unknown[] = [
    () => 1,
    Symbol("s"),
    Promise.resolve(),
    new SharedArrayBuffer(8),
    new Uint8Array(new SharedArrayBuffer(8)),
    { deep: [new SharedArrayBuffer(8)] },
    { deep: [() => 1] },
    new WeakMap(),
    new Proxy({}, {}),
    new URL("http://a/"),
    new Headers(),
    { deep: port1 },
  ];
  for (const value of values) {
    assert.throws(() => encodeValue(value, ["facts", 1]), (error: Error) => {
      assert.ok(error instanceof DOMException, String(error));
      assert.equal(error.name, "DataCloneError");
      assert.match(error.message, /^Cannot store a value under \["facts", 1\]: .*[^.]$/);
      return true;
    });
  }
  port1.close();
  port2.close();
  const own = new Error("own");
  const thrower = {
    get a() {
      throw own;
    },
  };
  assert.throws(() => encodeValue(thrower, ["k"]), (error) => error === own);
});
