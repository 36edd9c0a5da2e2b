import assert from "node:assert/strict";
import { createLog, isLogLevel, withFields } from "../../runtime/log.ts";
import type { LogLevel } from "../../runtime/types/log.ts";

const LEVELS: LogLevel[] = ["debug", "info", "warn", "error"];

function collect(level: LogLevel = "debug", fields?: Record<string, unknown>) {
  const lines: string[] = [];
  return { lines, log: createLog({ level, write: (line) => void lines.push(line), fields }) };
}

Deno.test.each(LEVELS)("createLog() drops what is below level %s", (level) => {
  const { lines, log } = collect(level);
  for (const name of LEVELS) log[name](name);
  const kept = lines.map((line) => line.split(" ")[2]);
  assert.deepEqual(kept, LEVELS.slice(LEVELS.indexOf(level)));
});

Deno.test("createLog() writes time, level, message and fields on one line", () => {
  const { lines, log } = collect("debug", { box: 1 });
  withFields(log, { worker: "w 1", none: undefined }).warn("It ended", {
    why: 'said "no"',
    ok: false,
    list: [1],
  });
  assert.match(
    lines[0]!,
    /^\d{4}-\d\d-\d\dT[\d:.]+Z WARN It ended box=1 worker="w 1" why="said \\"no\\"" ok=false list="\[ 1 \]"$/,
  );
});

const BREAKS: [string, string][] = [
  ["a line feed", "\n"],
  ["a carriage return", "\r"],
  ["a line separator", "\u2028"],
  ["a paragraph separator", "\u2029"],
  ["an escape sequence", "\u001b[2J"],
  ["a null", "\0"],
  ["a delete", "\u007f"],
];

Deno.test.each(BREAKS)(
  "createLog() keeps %s in message and field names from the line",
  (_, text) => {
    const { lines, log } = collect();
    const forged = `${text}2026-01-01T00:00:00.000Z ERROR forged`;
    log.info(`message${forged}`, { [`name${forged}`]: 1 });
    assert.equal(lines.length, 1);
    // deno-lint-ignore no-control-regex -- these are what must not be there
    assert.doesNotMatch(lines[0]!, /[\u0000-\u001f\u007f\u2028\u2029]/);
  },
);

Deno.test("createLog() keeps line feeds and escapes in values from the line", () => {
  const { lines, log } = collect();
  log.info("m", { why: "a\nb\r\u001b[2J\0", error: new Error("x\ny") });
  // deno-lint-ignore no-control-regex -- these are what must not be there
  assert.doesNotMatch(lines[0]!, /[\u0000-\u001f]/);
});

Deno.test("createLog() bounds a line", () => {
  const { lines, log } = collect();
  log.info("m".repeat(1e6), { a: "v".repeat(1e6) });
  assert.equal(lines[0]!.length, 16_385);
});

Deno.test("createLog() takes fields named like what every object has", () => {
  const { lines, log } = collect();
  withFields(log, { a: 1 }).info("m", JSON.parse('{"__proto__":{"x":1},"constructor":2}'));
  assert.match(lines[0]!, /INFO m a=1 __proto__="\{ x: 1 \}" constructor=2$/);
  assert.equal(({} as { x?: number }).x, undefined);
});

Deno.test("isLogLevel() knows the levels and nothing else", () => {
  for (const level of LEVELS) assert.equal(isLogLevel(level), true);
  for (const other of ["INFO", "toString", "__proto__", "", 1, null, undefined, ["info"]]) {
    assert.equal(isLogLevel(other), false);
  }
});
