import assert from "node:assert/strict";
import { assertSpyCalls, spy, stub } from "@std/testing/mock";
import {
  type HealthClock,
  HealthMonitor,
  type HealthNotice,
  type HealthOptions,
} from "../../../runtime/box/health.ts";
import type { HealthLevel, HealthName } from "../../../runtime/box/health_metrics.ts";
import { createLog } from "../../../runtime/log.ts";

/** A clock that stands still until it is told. */
class FakeClock implements HealthClock {
  time = 1000;
  /** What was asked for: the rhythm of each timer that runs. */
  readonly timers = new Map<() => void, number>();
  readonly now = () => this.time;

  every(ms: number, run: () => void): () => void {
    this.timers.set(run, ms);
    return () => void this.timers.delete(run);
  }

  /** Lets timers run once, `lateMs` after their time. */
  tick(lateMs = 0): void {
    for (const [run, ms] of [...this.timers]) {
      this.time += ms + lateMs;
      run();
    }
  }
}

/** A monitor with one metric that says what it is told. */
function setUp(options: Partial<HealthOptions> = {}) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = createLog({ level: "debug", write: (line) => lines.push(line) });
  const monitor = new HealthMonitor({ log, clock, ...options });
  const notices: HealthNotice[] = [];
  monitor.onChange((notice) => notices.push(notice));
  const metric: { says: HealthName | HealthLevel } = { says: "bold" };
  monitor.add("test", () => metric.says);
  /** Looks once; returns the level. */
  const look = (says: HealthName | HealthLevel, lateMs = 0) => {
    metric.says = says;
    clock.tick(lateMs);
    return monitor.level;
  };
  return { monitor, clock, lines, notices, look };
}

Deno.test("HealthMonitor is bold before its first look and without metrics", () => {
  const clock = new FakeClock();
  const log = createLog({ level: "error", write: assert.fail });
  const monitor = new HealthMonitor({ log, clock });
  assert.equal(monitor.level, 100);
  clock.tick();
  assert.equal(monitor.level, 100);
});

Deno.test("HealthMonitor has the level that a metric names or numbers", () => {
  const { look } = setUp();
  const seen = (["moderate", 75, "cautious", 50, "noMore", 25, "backOff", 0] as const)
    .map((says) => look(says));
  assert.deepEqual(seen, [75, 75, 50, 50, 25, 25, 0, 0]);
});

Deno.test("HealthMonitor takes the worst of its metrics, until they are removed", () => {
  const { monitor, look } = setUp();
  const remove = monitor.add("other", () => "cautious");
  assert.equal(look("moderate"), 50);
  assert.equal(look("noMore"), 25);
  remove();
  assert.deepEqual([look("bold"), look("bold"), look("bold")], [50, 75, 100]);
});

Deno.test("HealthMonitor gets worse at once and better one level at a time", () => {
  const { look } = setUp();
  assert.equal(look("noMore"), 25);
  assert.equal(look("bold"), 50);
  assert.equal(look("backOff"), 0);
  const rise = [1, 2, 3, 4, 5].map(() => look("bold"));
  assert.deepEqual(rise, [25, 50, 75, 100, 100]);
});

Deno.test("HealthMonitor does not rise above what the metrics say", () => {
  const { look } = setUp();
  look("backOff");
  assert.deepEqual([look("cautious"), look("cautious"), look("cautious")], [25, 50, 50]);
});

Deno.test("HealthMonitor holds each level but backOff for dampenMs", () => {
  const { look } = setUp({ dampenMs: 250 });
  look("backOff");
  const rise = Array.from({ length: 10 }, () => look("bold"));
  // Looks are 100 ms apart: a level that is entered at one is left at the third after it.
  assert.deepEqual(rise, [25, 25, 25, 50, 50, 50, 75, 75, 75, 100]);
});

Deno.test("HealthMonitor holds a level from when it was entered", () => {
  const { look } = setUp({ dampenMs: 250 });
  for (let looks = 0; looks < 4; looks++) look("cautious");
  assert.equal(look("bold"), 75);
  assert.equal(look("noMore"), 25);
  assert.equal(look("bold"), 25);
});

Deno.test("HealthMonitor looks every updateMs, with one timer, between 10 and 10000", () => {
  for (
    const [given, used] of [[undefined, 100], [1, 10], [10, 10], [500, 500], [1e9, 10_000]] as const
  ) {
    const { clock } = setUp({ updateMs: given });
    assert.deepEqual([...clock.timers.values()], [used]);
  }
});

Deno.test("HealthMonitor refuses durations that are no numbers", () => {
  assert.throws(() => setUp({ updateMs: NaN }), RangeError);
  assert.throws(() => setUp({ dampenMs: NaN }), RangeError);
  assert.throws(() => setUp({ dampenMs: -1 }), RangeError);
});

Deno.test("HealthMonitor.onChange() tells of changes only", () => {
  const { look, notices } = setUp();
  for (const says of ["bold", "cautious", "cautious", "moderate", "moderate"] as const) look(says);
  assert.deepEqual(notices, [
    { level: 50, previous: 100, mayStart: Infinity },
    { level: 75, previous: 50, mayStart: Infinity },
  ]);
});

Deno.test("HealthMonitor.onChange() lets three tasks start at every look of a recovery", () => {
  const { monitor, look, notices } = setUp({ dampenMs: 150 });
  look("backOff");
  assert.deepEqual(notices.splice(0), [{ level: 0, previous: 100, mayStart: 0 }]);
  look("backOff");
  assert.deepEqual(notices, [], "nothing may start yet");
  for (let looks = 0; looks < 4; looks++) look("cautious");
  assert.deepEqual(notices.splice(0), [
    { level: 25, previous: 0, mayStart: 3 },
    { level: 25, previous: 25, mayStart: 3 },
    { level: 50, previous: 25, mayStart: 3 },
    { level: 50, previous: 50, mayStart: Infinity },
  ]);
  assert.equal(monitor.recovering, false);
  look("bold");
  assert.deepEqual(notices, [{ level: 75, previous: 50, mayStart: Infinity }]);
});

Deno.test("HealthMonitor.onChange() tells of a box that has to back off again", () => {
  const { monitor, look, notices } = setUp();
  look("backOff");
  look("bold");
  assert.equal(monitor.recovering, true);
  look("backOff");
  assert.equal(monitor.recovering, false);
  assert.deepEqual(notices.map(({ mayStart }) => mayStart), [0, 3, 0]);
});

Deno.test("HealthMonitor.onChange() tells each listener until it is removed, whatever others do", () => {
  const { monitor, look, lines } = setUp();
  monitor.onChange(() => {
    throw new Error("deaf");
  });
  const listener = spy();
  const remove = monitor.onChange(listener);
  monitor.onChange(listener);
  look("cautious");
  assertSpyCalls(listener, 2);
  remove();
  look("noMore");
  assertSpyCalls(listener, 3);
  assert.equal(lines.filter((line) => line.includes("deaf")).length, 2);
});

Deno.test("HealthMonitor counts a metric that fails as bold and logs it once", () => {
  const { monitor, look, lines } = setUp();
  monitor.add("broken", () => {
    throw new Error("no figures");
  });
  assert.equal(look("moderate"), 75);
  look("moderate");
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /WARN.* broken .*no figures/);
});

Deno.test("HealthMonitor counts what is no level as a metric that fails", () => {
  for (const bad of [60, NaN, "fine", "toString", undefined]) {
    const { look, lines } = setUp();
    assert.equal(look(bad as HealthName), 100);
    assert.match(lines[0]!, /WARN.* test failed/, String(bad));
  }
});

Deno.test("HealthMonitor.lagMs is how late its timer comes, smoothed", () => {
  const { monitor, look } = setUp();
  look("bold");
  assert.equal(monitor.lagMs, 0);
  look("bold", 1000);
  assert.equal(monitor.lagMs, 350);
  look("bold", 1000);
  assert.equal(monitor.lagMs, 577.5);
  look("bold");
  assert.ok(monitor.lagMs < 400);
});

Deno.test("HealthMonitor.stop() releases the timer, is bold and lets everything start", () => {
  const { monitor, clock, look, notices } = setUp();
  look("backOff");
  monitor.stop();
  assert.equal(monitor.level, 100);
  assert.equal(clock.timers.size, 0);
  assert.deepEqual(notices.at(-1), { level: 100, previous: 0, mayStart: Infinity });
  monitor.stop();
  assert.equal(notices.length, 2);
});

Deno.test("HealthMonitor.stop() ends a recovery that has reached the top, and is silent otherwise", () => {
  const held = setUp();
  held.look("backOff");
  for (let looks = 0; looks < 4; looks++) held.look("bold");
  assert.equal(held.monitor.level, 100);
  assert.equal(held.notices.at(-1)?.mayStart, 3);
  held.monitor.stop();
  assert.equal(held.notices.at(-1)?.mayStart, Infinity);

  const healthy = setUp();
  healthy.look("bold");
  healthy.monitor.stop();
  assert.deepEqual(healthy.notices, []);
});

Deno.test("HealthMonitor stays bold when a metric stops it", () => {
  const { monitor, clock } = setUp();
  monitor.add("last", () => {
    monitor.stop();
    return "backOff";
  });
  clock.tick();
  assert.equal(monitor.level, 100);
});

Deno.test("HealthMonitor keeps no process alive and leaves no timer, with the real clock", () => {
  const log = createLog({ level: "error", write: () => {} });
  using set = stub(globalThis, "setInterval", () => 7 as never);
  using cleared = stub(globalThis, "clearInterval");
  using unref = stub(Deno, "unrefTimer");
  const monitor = new HealthMonitor({ log, updateMs: 200 });
  assert.equal(set.calls[0]?.args[1], 200);
  assert.deepEqual(unref.calls[0]?.args, [7]);
  monitor.stop();
  assert.deepEqual(cleared.calls[0]?.args, [7]);
});
