import assert from "node:assert/strict";
import {
  HEALTH,
  lagLevel,
  queueFillLevel,
  queueWaitLevel,
  smoothLag,
} from "../../../runtime/box/health_metrics.ts";

Deno.test("HEALTH numbers the levels", () => {
  assert.deepEqual(HEALTH, { bold: 100, moderate: 75, cautious: 50, noMore: 25, backOff: 0 });
});

Deno.test("lagLevel() goes by milliseconds", () => {
  const levels = [0, 99, 100, 249, 250, 499, 500, 999, 1000, Infinity].map(lagLevel);
  assert.deepEqual(levels, [
    ...["bold", "bold"],
    ...["moderate", "moderate"],
    ...["cautious", "cautious"],
    ...["noMore", "noMore"],
    ...["backOff", "backOff"],
  ]);
});

Deno.test("smoothLag() lets no single pause shed load", () => {
  for (const pause of [400, 2000, 60_000]) {
    const after = smoothLag(0, pause);
    assert.ok(["moderate", "cautious"].includes(lagLevel(after)), `${pause}: ${after}`);
    assert.ok(smoothLag(smoothLag(after, 0), 0) < after / 2);
  }
});

Deno.test("smoothLag() follows a loop that is always late", () => {
  let lag = 0;
  const levels = [1, 2, 3].map(() => lagLevel(lag = smoothLag(lag, 1400)));
  assert.deepEqual(levels, ["cautious", "noMore", "backOff"]);
  for (let sample = 0; sample < 50; sample++) lag = smoothLag(lag, 20);
  assert.equal(Math.round(lag), 20);
});

Deno.test("smoothLag() counts a timer that is early as one in time", () => {
  assert.equal(smoothLag(0, -50), 0);
});

Deno.test("queueWaitLevel() goes by the share of the shortest limit", () => {
  const levels = [0, 49, 50, 74, 75, 89, 90, 1000].map((waited) => queueWaitLevel(waited, 100));
  assert.deepEqual(levels, [
    ...["bold", "bold"],
    ...["moderate", "moderate"],
    ...["cautious", "cautious"],
    ...["noMore", "noMore"],
  ]);
  assert.equal(queueWaitLevel(75, 1000, 100), "cautious");
  assert.equal(queueWaitLevel(75, 0, 100), "cautious", "0 is no limit");
  assert.equal(queueWaitLevel(75, 0, 0), "bold");
  assert.equal(queueWaitLevel(75), "bold");
});

Deno.test("queueFillLevel() goes by the share of the limit and never asks to back off", () => {
  const levels = [0, 31, 32, 47, 48, 57, 58, 64, 70].map((queued) => queueFillLevel(queued, 64));
  assert.deepEqual(levels, [
    ...["bold", "bold"],
    ...["moderate", "moderate"],
    ...["cautious", "cautious"],
    ...["noMore", "noMore", "noMore"],
  ]);
  assert.equal(queueFillLevel(0, 0), "bold");
  assert.equal(queueFillLevel(9, 0), "bold", "a pool without a queue");
  assert.equal(queueFillLevel(9, Infinity), "bold");
});
