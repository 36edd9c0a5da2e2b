import assert from "node:assert/strict";
import { LimitedLog, type LogLimitOptions } from "../../../runtime/box/log_limit.ts";
import type { Log, LogLevel } from "../../../runtime/types/log.ts";

/** A limited log on a clock that stands still, and what came through. */
function setUp(options: LogLimitOptions = {}) {
  const clock = { time: 5000 };
  const lines: { level: LogLevel; message: string; fields?: Record<string, unknown> }[] = [];
  const at = (level: LogLevel): Log[LogLevel] => (message, fields) =>
    lines.push({ level, message, fields });
  const target: Log = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
  const log = new LimitedLog(target, { now: () => clock.time, ...options });
  /** Writes lines and counts those that came through, without warnings of the log itself. */
  const write = (count: number, message = "line") => {
    const before = lines.length;
    for (let i = 0; i < count; i++) log.info(message);
    return lines.slice(before).filter((line) => line.message === message).length;
  };
  /** What the warnings say was dropped. */
  const told = () => lines.flatMap(({ fields }) => fields?.dropped ?? []);
  return { clock, lines, log, write, told };
}

Deno.test("LimitedLog passes lines on as they are, whatever their level", () => {
  const { log, lines } = setUp();
  for (const level of ["debug", "info", "warn", "error"] as const) log[level](level, { n: 1 });
  log.info("bare");
  assert.deepEqual(lines, [
    { level: "debug", message: "debug", fields: { n: 1 } },
    { level: "info", message: "info", fields: { n: 1 } },
    { level: "warn", message: "warn", fields: { n: 1 } },
    { level: "error", message: "error", fields: { n: 1 } },
    { level: "info", message: "bare", fields: undefined },
  ]);
});

Deno.test("LimitedLog drops and counts what is more than a burst", () => {
  const { log, write, told } = setUp();
  assert.equal(write(1000), 200);
  assert.equal(log.dropped, 800);
  assert.deepEqual(told(), []);
});

Deno.test("LimitedLog drops what is more than a mebibyte of text at once", () => {
  const { write } = setUp();
  assert.equal(write(2, "x".repeat(2 ** 19)), 2);
  assert.equal(write(1, "x"), 0);
});

Deno.test("LimitedLog limits all levels together", () => {
  const { log, lines } = setUp({ burstLines: 2 });
  for (const level of ["debug", "error", "warn", "info"] as const) log[level]("line");
  assert.deepEqual(lines.map(({ level }) => level), ["debug", "error"]);
});

Deno.test("LimitedLog lets a steady writer write all", () => {
  const { clock, log, write } = setUp();
  for (let line = 0; line < 2000; line++) {
    assert.equal(write(1), 1);
    clock.time += 10;
  }
  assert.equal(log.dropped, 0);
});

Deno.test("LimitedLog refills by the time that has passed, up to a burst", () => {
  const { clock, write } = setUp();
  write(200);
  clock.time += 500;
  assert.equal(write(50), 50);
  clock.time += 60_000;
  assert.equal(write(300), 200);
});

Deno.test("LimitedLog tells once how much was dropped, before the first line that passes again", () => {
  const { clock, log, lines, write } = setUp();
  write(207);
  lines.length = 0;
  clock.time += 1000;
  assert.equal(write(2), 2);
  assert.deepEqual(lines.map(({ level }) => level), ["warn", "info", "info"]);
  assert.deepEqual(lines[0]!.fields, { dropped: 7 });
  assert.match(lines[0]!.message, /^Lines were dropped: 100 lines and 1048576 characters a second/);
  assert.equal(log.dropped, 0);
});

Deno.test("LimitedLog stays shut until a second's worth has come back", () => {
  const { clock, write, told } = setUp();
  write(201);
  clock.time += 990;
  assert.equal(write(1), 0);
  clock.time += 10;
  assert.equal(write(150), 100);
  assert.deepEqual(told(), [2]);
});

Deno.test("LimitedLog warns at most once a second in a flood", () => {
  const { clock, write, told } = setUp();
  let passed = 0;
  for (let ms = 0; ms < 10_000; ms++, clock.time++) passed += write(5);
  assert.ok(passed > 1000 && passed <= 200 + 10 * 100, `${passed}`);
  assert.ok(told().length > 5 && told().length < 10, `${told()}`);
});

Deno.test("LimitedLog opens again when its burst is less than a second's worth", () => {
  const { clock, write } = setUp({ burstLines: 3, linesPerSecond: 100 });
  assert.equal(write(10), 3);
  clock.time += 30;
  assert.equal(write(10), 3);
});

Deno.test("LimitedLog opens again when a second's worth is less than a line", () => {
  const { clock, write } = setUp({ burstLines: 2, linesPerSecond: 0.5 });
  assert.equal(write(10), 2);
  clock.time += 1000;
  assert.equal(write(1), 0);
  clock.time += 1000;
  assert.equal(write(2), 1);
});

Deno.test("LimitedLog limits the text of messages and fields", () => {
  const { clock, log, lines, write } = setUp({ burstText: 100, textPerSecond: 50 });
  assert.equal(write(20, "0123456789"), 10);
  clock.time += 2000;
  lines.length = 0;
  log.info("12345", { name: "x".repeat(41), n: 1 });
  assert.equal(lines.length, 2, "with the warning");
  // 5 + 4 + 41 + 1 + 24 of 100 are gone.
  assert.equal(write(1, "x".repeat(26)), 0);
  clock.time += 500;
  assert.equal(write(1, "x".repeat(25)), 1);
});

Deno.test("LimitedLog saves up no more text than a burst, and stays shut for a second's worth", () => {
  const { clock, write } = setUp({ burstText: 100, textPerSecond: 50 });
  clock.time += 60_000;
  assert.equal(write(11, "0123456789"), 10);
  clock.time += 990;
  assert.equal(write(1, "01"), 0);
  clock.time += 10;
  assert.equal(write(11, "0123456789"), 5);
});

Deno.test("LimitedLog passes a line that is longer than a burst when nothing else came for a while", () => {
  const { clock, write } = setUp({ burstText: 100, textPerSecond: 50 });
  assert.equal(write(2, "x".repeat(1000)), 1);
  clock.time += 1990;
  assert.equal(write(1, "x".repeat(1000)), 0);
  clock.time += 10;
  assert.equal(write(1, "x".repeat(1000)), 1);
});

Deno.test("LimitedLog does not mind a clock that goes back", () => {
  const { clock, write } = setUp();
  assert.equal(write(100), 100);
  clock.time -= 60_000;
  assert.equal(write(200), 100);
});

Deno.test("LimitedLog.tellDropped() tells what no later line would, once", () => {
  const { log, write, told } = setUp();
  log.tellDropped();
  assert.deepEqual(told(), []);
  write(203);
  log.tellDropped();
  log.tellDropped();
  assert.deepEqual(told(), [3]);
});

Deno.test("LimitedLog refuses limits that let nothing through", () => {
  for (const name of ["burstLines", "linesPerSecond", "burstText", "textPerSecond"]) {
    for (const bad of [0, -1, NaN]) assert.throws(() => setUp({ [name]: bad }), RangeError);
  }
  assert.throws(() => setUp({ burstLines: 0.5 }), RangeError);
});
