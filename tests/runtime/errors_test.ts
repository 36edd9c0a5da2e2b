import assert from "node:assert/strict";
import {
  fromErrorRecord,
  messageOf,
  parseErrorRecord,
  RECORD_LIMITS,
  RuntimeError,
  toErrorRecord,
} from "../../runtime/errors.ts";

/** As an error arrives on the other side: recorded, cloned, checked, rebuilt. */
function cross(thrown: unknown): Error & { code?: unknown } {
  return fromErrorRecord(parseErrorRecord(structuredClone(toErrorRecord(thrown)))!);
}

const coded = Object.assign(new TypeError("bad"), { code: "ERR_BAD" });
const KNOWN: [string, Error][] = [
  ["Error", new Error("m")],
  ["EvalError", new EvalError("m")],
  ["RangeError", new RangeError("m")],
  ["ReferenceError", new ReferenceError("m")],
  ["SyntaxError", new SyntaxError("m")],
  ["TypeError with a code", coded],
  ["URIError", new URIError("m")],
  ["RuntimeError", new RuntimeError("QUEUE_FULL", "m", { cause: new RangeError("c") })],
  ["AbortError", new DOMException("m", "AbortError")],
  ["TimeoutError", new DOMException("m", "TimeoutError")],
  ["DataCloneError", new DOMException("m", "DataCloneError")],
  ["NotFound", new Deno.errors.NotFound("m")],
  ["NotCapable", new Deno.errors.NotCapable("m")],
  ["AddrInUse", new Deno.errors.AddrInUse("m", { cause: new Deno.errors.Busy("c") })],
];

Deno.test.each(KNOWN)("an error record keeps class, message, code and cause of %s", (_, error) => {
  const back = cross(error);
  assert.equal(back.constructor, error.constructor);
  assert.equal(back.name, error.name);
  assert.equal(back.message, error.message);
  assert.equal(back.stack, error.stack);
  assert.equal(back.code, (error as { code?: unknown }).code);
  const { cause } = error as { cause?: Error };
  assert.equal((back.cause as Error)?.message, cause?.message);
  assert.equal(back.cause?.constructor, cause?.constructor);
});

Deno.test("an error record makes an Error of that name of a class that it does not know", () => {
  class OwnError extends Error {
    override name = "OwnError";
  }
  for (const error of [new OwnError("m"), new AggregateError([new Error("x")], "m")]) {
    const back = cross(error);
    assert.equal(Object.getPrototypeOf(back), Error.prototype);
    assert.deepEqual([back.name, back.message], [error.name, "m"]);
  }
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "Object"]) {
    const back: Error & { code?: unknown } = fromErrorRecord({ name, message: "m", code: "c" });
    assert.equal(Object.getPrototypeOf(back), Error.prototype);
    assert.deepEqual([back.name, back.message, back.code], [name, "m", "c"]);
  }
});

Deno.test("an error record of a RuntimeError has a code of the closed union or BAD_MESSAGE", () => {
  for (const code of [undefined, "ROOT", "toString", "__proto__"]) {
    const back = fromErrorRecord({ name: "RuntimeError", message: "m", code });
    assert.ok(back instanceof RuntimeError);
    assert.equal(back.code, "BAD_MESSAGE");
  }
  assert.equal(cross(new RuntimeError("STORE_DENIED", "m")).code, "STORE_DENIED");
});

class RoomError extends RuntimeError {
  override name = "RoomError";
}

Deno.test("an error record keeps base class, name and code of a RuntimeError's subclass", () => {
  const back = cross(new RoomError("NO_REQUEST", "m"));
  assert.ok(back instanceof RuntimeError);
  assert.deepEqual([back.name, back.message, back.code], ["RoomError", "m", "NO_REQUEST"]);
  const forged = cross(Object.assign(new Error("m"), { name: "RoomError", code: "ROOT" }));
  assert.ok(!(forged instanceof RuntimeError));
});

Deno.test("toErrorRecord() bounds texts, causes and cycles", () => {
  const huge = Object.assign(new Error("m".repeat(1e6)), {
    name: "n".repeat(1e6),
    code: "c".repeat(1e6),
    stack: "s".repeat(1e6),
  });
  const { name, message, code, stack } = toErrorRecord(huge);
  const lengths = [name, message, code, stack].map((text) => text!.length);
  assert.deepEqual(lengths, [128, RECORD_LIMITS.text, 128, RECORD_LIMITS.stack]);
  const cyclic = new Error("again");
  cyclic.cause = cyclic;
  let depth = 0;
  for (let at = toErrorRecord(cyclic).cause; at !== undefined; at = at.cause) depth++;
  assert.equal(depth, RECORD_LIMITS.causes);
});

Deno.test("toErrorRecord() never throws, whatever was thrown", () => {
  const fail = () => {
    throw new Error("trap");
  };
  const getters = new Error("m");
  for (const key of ["name", "message", "code", "stack", "cause"]) {
    Object.defineProperty(getters, key, { get: fail });
  }
  assert.deepEqual(toErrorRecord(getters), { name: "unreadable", message: "unreadable" });
  const odd = [
    new Proxy(new Error("m"), { get: fail, getPrototypeOf: fail }),
    new Proxy({}, { get: fail, getPrototypeOf: fail, has: fail }),
    Object.create(null),
    { toString: 1, valueOf: 1 },
    { toString: fail },
    Symbol("s"),
    undefined,
    null,
    () => {},
    Object.assign(new Error("m"), { message: { toString: fail }, name: Symbol("n") }),
  ];
  for (const thrown of odd) {
    const record = toErrorRecord(thrown);
    assert.equal(typeof record.name, "string");
    assert.equal(typeof record.message, "string");
    assert.ok(structuredClone(record));
    assert.equal(typeof messageOf(thrown), "string");
  }
  assert.deepEqual(toErrorRecord("text"), { name: "Error", message: "text" });
  assert.deepEqual(toErrorRecord(7), { name: "Error", message: "thrown value: 7" });
});

Deno.test("parseErrorRecord() takes nothing but texts, and copies no more than it knows", () => {
  const garbage = [
    undefined,
    null,
    1,
    "x",
    [],
    {},
    new Map([["name", "x"]]),
    { name: "x" },
    { message: "x" },
    { name: 1, message: "x" },
    { name: "x", message: {} },
  ];
  for (const value of garbage) assert.equal(parseErrorRecord(value), undefined);
  const record = parseErrorRecord({
    name: "n".repeat(1000),
    message: "m".repeat(10_000),
    code: 7,
    stack: {},
    cause: { name: "c", message: 1 },
    extra: new SharedArrayBuffer(1),
    isError: true,
  });
  assert.deepEqual(record, { name: "n".repeat(128), message: "m".repeat(RECORD_LIMITS.text) });
  let chain: unknown = { name: "e", message: "last" };
  for (let i = 0; i < 10_000; i++) chain = { name: "e", message: `${i}`, cause: chain };
  let causes = 0;
  for (let at = parseErrorRecord(chain)?.cause; at !== undefined; at = at.cause) causes++;
  assert.equal(causes, RECORD_LIMITS.causes);
});
