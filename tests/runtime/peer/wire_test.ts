import assert from "node:assert/strict";
import { decode, encode, PeerError, WIRE_VERSION } from "../../../runtime/peer/mod.ts";

const copyOf = <T>(value: T): T => decode(encode(value), "a box") as T;

Deno.test("decode() gives back all that structured clone carries", () => {
  const values: unknown[] = [
    undefined,
    null,
    false,
    -0,
    NaN,
    -Infinity,
    "",
    "héllo→😀",
    2n ** 70n,
    new Date(5),
    new Date(NaN),
    /a+/giu,
    [1, , 3], // deno-lint-ignore no-sparse-arrays
    [undefined, null, -0],
    new Map<unknown, unknown>([[{ a: 1 }, new Set([1n, new Map()])]]),
    new Uint8Array([1, 2]),
    new Float64Array([1.5, -0]),
    new BigUint64Array([1n]),
    new DataView(new ArrayBuffer(3)),
    new ArrayBuffer(4),
    { type: "seen", nested: { list: [1, "two", { three: true }] }, gone: undefined },
  ];
  for (const value of values) {
    const copy = copyOf(value);
    assert.deepEqual(copy, value);
    assert.ok(typeof value !== "number" || Object.is(copy, value));
  }
  assert.ok(!(1 in (copyOf(values[12]) as unknown[])), "a hole stays one");
  assert.ok(Object.is((copyOf(values[13]) as unknown[])[2], -0));
});

Deno.test("decode() keeps cycles, what occurs twice, and errors with their class and cause", () => {
  const cyclic: Record<string, unknown> = { list: [] };
  cyclic.self = cyclic;
  (cyclic.list as unknown[]).push(cyclic, cyclic.list);
  const copy = copyOf(cyclic) as { self: unknown; list: unknown[] };
  assert.equal(copy.self, copy);
  assert.equal(copy.list[0], copy);
  assert.equal(copy.list[1], copy.list);
  const error = copyOf(new RangeError("no", { cause: new TypeError("why") }));
  assert.ok(error instanceof RangeError && error.cause instanceof TypeError);
  assert.deepEqual([error.message, error.cause.message], ["no", "why"]);
});

Deno.test("encode() refuses by name what cannot leave a process", () => {
  using port = new (class {
    readonly channel = new MessageChannel();
    [Symbol.dispose]() {
      this.channel.port1.close();
      this.channel.port2.close();
    }
  })();
  const cases: [unknown, RegExp][] = [
    [() => 1, /could not be cloned/],
    [{ fn() {} }, /could not be cloned/],
    [Symbol("s"), /could not be cloned/],
    [new SharedArrayBuffer(4), /SharedArrayBuffer/],
    [{ deep: [new SharedArrayBuffer(4)] }, /SharedArrayBuffer/],
    [new Uint8Array(new SharedArrayBuffer(4)), /SharedArrayBuffer/],
    [{ at: new Uint8Array(new SharedArrayBuffer(4)) }, /SharedArrayBuffer/],
    [port.channel.port1, /MessagePort/],
    [{ port: port.channel.port1 }, /MessagePort/],
    [new Blob(["x"]), /Blob/],
    [{ blob: new Blob(["x"]) }, /Blob/],
    [new ReadableStream(), /ReadableStream/],
    [new Map([["k", new URL("http://host.test/")]]), /URL/],
    [new Error("e", { cause: new Headers() }), /Headers/],
    [new WeakMap(), /WeakMap/],
    [Promise.resolve(), /Promise/],
  ];
  for (const [value, naming] of cases) {
    assert.throws(() => encode(value), (error) => {
      assert.ok(error instanceof DOMException && error.name === "DataCloneError", String(error));
      assert.match(error.message, /^Cannot send a value to another box: /);
      assert.match(error.message, naming);
      return true;
    });
  }
});

Deno.test("decode() names both versions where they differ, and refuses damaged bytes", () => {
  const is = (code: string, text: RegExp) => (error: unknown) =>
    error instanceof PeerError && error.code === code && text.test(error.message);
  const bytes = encode(new Map([["a", 1]]));
  assert.equal(bytes[0], WIRE_VERSION);
  const newer = Uint8Array.from(bytes);
  newer[0] = WIRE_VERSION + 1;
  const both = /value of box-1: it has version 2 of the wire format, and this box speaks version 1/;
  assert.throws(() => decode(newer, "box-1"), is("PEER_VERSION", both));
  for (const bad of [[], [1], [1, 0xff], [1, 9, 9, 9], [...bytes.slice(0, -2)]]) {
    assert.throws(
      () => decode(Uint8Array.from(bad), "box-1"),
      is("PEER_BAD_ANSWER", /value of box-1/),
      String(bad),
    );
  }
});
