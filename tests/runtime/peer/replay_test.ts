import assert from "node:assert/strict";
import { ReplayGuard, type Seen } from "../../../runtime/peer/mod.ts";
import { Counts } from "../../../runtime/peer/counts.ts";
import { until } from "./support.ts";

const CLOCK = { clockSkewMs: 1000, now: () => 50_000 };

Deno.test("Counts.add() tells new numbers from old ones as a set does, within its window", () => {
  let seed = 7;
  const random = (below: number) => (seed = seed * 16807 % 2147483647) % below;
  const counts = new Counts(64);
  const model = new Set<number>();
  let end = 0;
  for (let turn = 0; turn < 5000; turn++) {
    const count = Math.max(0, end - 80 + random(turn % 50 === 0 ? 300 : 90));
    const isNew = count >= end - 64 && !model.has(count);
    assert.equal(counts.add(count), isNew, `${count} of ${end}`);
    model.add(count);
    end = Math.max(end, count + 1);
  }
  assert.ok(counts.add(2 ** 40) && !counts.add(2 ** 40) && counts.add(2 ** 40 - 3));
});

Deno.test("ReplayGuard.admit() takes each number of each sender once, in any order", () => {
  const guard = new ReplayGuard(CLOCK);
  const order = Array.from({ length: 2000 }, (_, index) => index ^ 63);
  for (const sender of ["a", "b"]) {
    for (const count of order) assert.equal(guard.admit(sender, count, 50_000), "new");
    for (const count of order) assert.equal(guard.admit(sender, count, 50_000), "seen");
  }
});

Deno.test("ReplayGuard keeps no more senders than it may, and none whose time is over", () => {
  let now = 50_000;
  const guard = new ReplayGuard({ clockSkewMs: 1000, mostSenders: 3, now: () => now });
  for (const sender of ["a", "b", "c"]) assert.equal(guard.admit(sender, 0, now), "new");
  assert.equal(guard.admit("d", 0, now), "full");
  assert.equal(guard.admit("a", 0, now), "seen");
  now += 1001;
  assert.equal(guard.senders, 0);
  assert.equal(guard.admit("d", 0, now), "new");
  now -= 1001; // the clock is set back
  assert.equal(guard.admit("a", 0, now), "seen");
});

Deno.test("ReplayGuard tells what it has seen, and refuses what it was told of", async () => {
  const [here, there] = [new ReplayGuard(CLOCK), new ReplayGuard(CLOCK)];
  const told: Seen[][] = [];
  here.onSeen((seen) => {
    told.push(seen);
    for (const one of seen) there.note(...one);
  });
  there.onSeen(() => assert.fail("what was told is told on"));
  for (let count = 0; count < 100; count++) here.admit("a", count, 50_000);
  here.admit("a", 5, 50_000);
  await until(() => told.length > 0);
  assert.equal(told.length, 1, "many at once");
  assert.equal(told[0]!.length, 100);
  for (let count = 0; count < 100; count++) assert.equal(there.admit("a", count, 50_000), "seen");
  here.admit("a", 100, 50_000);
  here.close();
  assert.deepEqual(told[1], [["a", 100, 50_000]]);
  here.admit("a", 101, 50_000);
  assert.equal(told.length, 2);
  there.close();
});
