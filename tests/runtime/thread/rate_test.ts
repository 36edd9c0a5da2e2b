import assert from "node:assert/strict";
import { mock } from "node:test";
import { Rate } from "../../../runtime/thread/rate.ts";

/** A rate on a clock that a test sets. */
function clocked(burst: number, perSecond: number) {
  const clock = { now: 1000 };
  const mocked = mock.method(performance, "now", () => clock.now);
  const rate = new Rate(burst, perSecond);
  const takes = (most = 1e6) => {
    let taken = 0;
    while (taken < most && rate.take()) taken++;
    return taken;
  };
  return { clock, takes, [Symbol.dispose]: () => mocked.mock.restore() };
}

Deno.test("Rate gives what may happen at once, and no more while time stands still", () => {
  using rate = clocked(1000, 500);
  assert.equal(rate.takes(), 1000);
  assert.equal(rate.takes(), 0);
});

Deno.test("Rate gives so many more in each second", () => {
  using rate = clocked(1000, 500);
  rate.takes();
  // What was refused is owed.
  rate.clock.now += 2;
  assert.equal(rate.takes(), 0);
  let taken = 0;
  for (let i = 0; i < 100; i++) {
    rate.clock.now += 100;
    taken += rate.takes(50);
  }
  assert.ok(taken >= 4900 && taken <= 5000, `${taken}`);
});

Deno.test("Rate loses nothing of what comes between two looks at its clock", () => {
  using rate = clocked(1, 500);
  rate.takes(1);
  let taken = 0;
  // A token comes every 2 ms, and never when somebody looks.
  for (let i = 0; i < 1000; i++) {
    rate.clock.now += 2.3;
    taken += rate.takes(1);
    rate.clock.now += 1.7;
    taken += rate.takes(1);
  }
  assert.equal(taken, 2000);
});

Deno.test("Rate gives no more than the burst after a long silence", () => {
  using rate = clocked(1000, 500);
  rate.takes(10);
  rate.clock.now += 3_600_000;
  const taken = rate.takes();
  assert.ok(taken >= 1000 && taken <= 1000 + 64, `${taken}`);
});
