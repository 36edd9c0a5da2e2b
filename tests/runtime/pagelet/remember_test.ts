import assert from "node:assert/strict";
import { remember } from "../../../runtime/pagelet/remember.ts";

function counted(maxCharacters: number) {
  const asked: string[] = [];
  const twice = remember((text) => (asked.push(text), text + text), maxCharacters);
  return { asked, twice };
}

Deno.test("remember() asks once for what it keeps", () => {
  const { asked, twice } = counted(100);
  assert.deepEqual(["a", "b", "a", ""].map(twice), ["aa", "bb", "aa", ""]);
  assert.equal(twice(""), "");
  assert.deepEqual(asked, ["a", "b", ""]);
});

Deno.test("remember() drops what was used least recently", () => {
  const { asked, twice } = counted(24); // eight answers of three characters
  for (const text of "abcdefgh") twice(text);
  twice("a");
  twice("i"); // b has to go
  asked.length = 0;
  for (const text of "acdefghi") twice(text);
  assert.deepEqual(asked, []);
  twice("b");
  assert.deepEqual(asked, ["b"]);
});

Deno.test("remember() never keeps a text above an eighth of the bound", () => {
  const { asked, twice } = counted(240);
  const long = "x".repeat(11);
  twice("a");
  assert.equal(twice(long), long + long);
  twice(long);
  twice("a");
  assert.deepEqual(asked, ["a", long, long]);
});

Deno.test("remember() keeps nothing of a call that threw", () => {
  let calls = 0;
  const fail = remember(() => {
    throw new Error(`call ${++calls}`);
  }, 100);
  assert.throws(() => fail("a"), /call 1/);
  assert.throws(() => fail("a"), /call 2/);
});
