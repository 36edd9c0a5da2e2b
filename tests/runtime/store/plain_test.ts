import assert from "node:assert/strict";
import { isPlain } from "../../../runtime/store/plain.ts";

Deno.test("isPlain() does not list the bytes of a typed array", () => {
  const bytes = new Proxy({}, {
    getPrototypeOf: () => Uint8Array.prototype,
    ownKeys: () => assert.fail("its names were listed"),
  });
  assert.equal(isPlain(bytes), false);
});

Deno.test.each<[unknown, boolean]>([
  [[1, { a: [] }], true],
  [Object.assign([1], { extra: 1 }), false],
  [new Array(2), false],
  [new (class extends Array {})(), false],
  [new (class {})(), false],
  [Object.create(null), false],
  [new Uint8Array(2), false],
])("isPlain(%j) is %s", (value, expected) => assert.equal(isPlain(value), expected));
