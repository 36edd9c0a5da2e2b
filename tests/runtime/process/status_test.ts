import assert from "node:assert/strict";
import * as pcntl from "../../../runtime/process/mod.ts";
import { lacksPhp, runPhp } from "../../support/php.ts";

const FUNCTIONS = [
  "wifexited",
  "wexitstatus",
  "wifsignaled",
  "wtermsig",
  "wifstopped",
  "wstopsig",
  "wifcontinued",
] as const;

/** Word, then what the seven functions say of it. */
const TABLE: [number, (number | boolean)[]][] = [
  [0, [true, 0, false, 0, false, 0, false]],
  [3 << 8, [true, 3, false, 0, false, 3, false]],
  [255 << 8, [true, 255, false, 0, false, 255, false]],
  [9, [false, 0, true, 9, false, 0, false]],
  [0x80 | 11, [false, 0, true, 11, false, 0, false]],
  [0x137f, [false, 19, false, 127, true, 19, false]],
  [0xffff, [false, 255, false, 127, false, 255, true]],
  [65792, [true, 1, false, 0, false, 1, false]],
  [2 ** 40 + 9, [false, 0, true, 9, false, 0, false]],
  [-1, [false, 255, false, 127, false, 255, true]],
];

Deno.test.each(TABLE)("the status functions read the word %s", (word, expected) => {
  assert.deepEqual(FUNCTIONS.map((name) => pcntl[name](word)), expected);
});

Deno.test.each([...FUNCTIONS])("%s() takes nothing but whole numbers", (name) => {
  for (const word of [1.5, NaN, Infinity, "9", null, undefined, 9n]) {
    assert.throws(() => pcntl[name](word as number), TypeError);
  }
});

Deno.test({
  name: "the status functions agree with PHP on every word of 16 bits",
  ignore: lacksPhp(),
  async fn() {
    const calls = FUNCTIONS.map((name) => `(int) pcntl_${name}($s)`).join(', " ", ');
    const said = await runPhp(`for ($s = 0; $s < 65536; $s++) echo ${calls}, "\\n";`);
    const lines = said.trimEnd().split("\n");
    assert.equal(lines.length, 65_536);
    const wrong = lines.filter((line, word) =>
      line !== FUNCTIONS.map((name) => Number(pcntl[name](word))).join(" ")
    );
    assert.deepEqual(wrong, []);
  },
});
