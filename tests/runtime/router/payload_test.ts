import assert from "node:assert/strict";
import { decodePayload, encodePayload } from "../../../runtime/router/payload.ts";

const named = Object.assign([1, 2], { name: "x" });
delete named[0];

Deno.test.each<[string, unknown]>([
  ["an array with a hole", [1, , 3]],
  ["an array with a hole and a name", named],
  ["an array with a name", Object.assign([1], { name: "x" })],
  ["a plain list", [1, [2, { a: null }]]],
  ["minus zero", -0],
])("encodePayload() keeps %s", (_name, value) => {
  assert.deepEqual(decodePayload(encodePayload(value, false), false), value);
});
