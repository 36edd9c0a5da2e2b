import assert from "node:assert/strict";
import { hub } from "../../../runtime/process/hub.ts";
import * as pcntl from "../../../runtime/process/mod.ts";
import { scope, throwsAs } from "./process_support.ts";

/** Statements, ticks every so many of them, and ticks. */
const COUNTS: [number, number, number][] = [[3, 1, 3], [5, 2, 2], [9, 3, 3], [1, 2, 0]];

Deno.test.each(COUNTS)("%s statements with a tick every %s make %s", (statements, n, ticks) => {
  let count = 0;
  const run = () => count++;
  pcntl.registerTickFunction(run);
  const tick = pcntl.declareTicks(n);
  pcntl.declareTicks(1); // has a counter of its own
  for (let i = 0; i < statements; i++) tick();
  pcntl.unregisterTickFunction(run);
  assert.equal(count, ticks);
});

Deno.test("tick() runs functions in order with their arguments, not within themselves", async () => {
  await using _ = scope();
  const seen: unknown[][] = [];
  const first = (...args: unknown[]) => {
    seen.push(["first", ...args]);
    pcntl.tick();
  };
  const second = (text: string) => seen.push(["second", text]);
  assert.equal(pcntl.registerTickFunction(first, 1, "a"), true);
  pcntl.registerTickFunction(second, "b");
  pcntl.signal("SIGUSR2", () => seen.push(["signal"]));
  pcntl.kill(Deno.pid, "SIGUSR2");
  pcntl.tick();
  assert.deepEqual(seen, [["first", 1, "a"], ["second", "b"], ["signal"], ["second", "b"]]);
  pcntl.unregisterTickFunction(first);
  pcntl.unregisterTickFunction(second);
  pcntl.tick();
  assert.equal(seen.length, 4);
});

Deno.test("tick() lets an error out, and the function runs again at the next", () => {
  let calls = 0;
  const fails = () => {
    calls++;
    throw new Error("tick");
  };
  pcntl.registerTickFunction(fails);
  for (let i = 0; i < 2; i++) throwsAs(() => pcntl.tick(), Error, /^tick$/);
  pcntl.unregisterTickFunction(fails);
  assert.equal(calls, 2);
});

Deno.test("unregisterTickFunction() takes one entry away, the first, and of a stranger none", () => {
  const seen: string[] = [];
  const note = (text: string) => seen.push(text);
  pcntl.registerTickFunction(note, "a");
  pcntl.registerTickFunction(note, "b");
  pcntl.unregisterTickFunction(() => {});
  for (let i = 0; i < 3; i++) {
    pcntl.tick();
    pcntl.unregisterTickFunction(note);
  }
  assert.deepEqual(seen, ["a", "b", "b"]);
});

Deno.test("declareTicks() and registerTickFunction() refuse wrong arguments", () => {
  for (const n of [0, -1]) throwsAs(() => pcntl.declareTicks(n), RangeError);
  for (const n of [1.5, NaN, "1"]) throwsAs(() => pcntl.declareTicks(n as number), TypeError);
  throwsAs(() => pcntl.registerTickFunction("f" as unknown as () => void), TypeError);
});

Deno.test("checkpoint() lets timers and listeners run, which a resolved promise does not", async () => {
  await using _ = scope();
  let timers = 0;
  let calls = 0;
  pcntl.signal("SIGUSR2", () => calls++);
  Deno.kill(Deno.pid, "SIGUSR2");
  setTimeout(() => timers++, 0);
  for (let i = 0; i < 100; i++) await Promise.resolve();
  assert.deepEqual([timers, hub.queue.size], [0, 0]);
  while (hub.queue.size === 0) await pcntl.checkpoint();
  assert.equal(timers, 1);
  pcntl.tick();
  assert.equal(calls, 1);
});
