/**
 * Pools under load for longer than the test tier allows: workers that misbehave, sessions of each policy,
 * workers that are replaced all the time.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Report } from "../sites/misbehave/main.ts";
import type { Held } from "../sites/policies/main.ts";
import type { Resets } from "../sites/resets/main.ts";

const SHORT = Deno.env.get("TANDEM_SOAK") === "short";

/** Runs one of the programs below `tests/sites`, and reads what it prints. */
async function run<T>(program: string, ...args: (string | number)[]): Promise<T> {
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "-P=test", "--no-check", "--v8-flags=--expose-gc", program, ...args.map(String)],
    cwd: new URL("../sites/", import.meta.url),
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr).slice(-4000));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const REQUESTS = SHORT ? 2_000 : 100_000;

Deno.test(`each of ${REQUESTS} requests is answered once and in time, whatever workers do`, async () => {
  const report = await run<Report>("misbehave/main.ts", REQUESTS, "thread");
  console.log(JSON.stringify(report));
  const answered = Object.values(report.codes).flatMap((seen) => Object.values(seen));
  assert.equal(answered.reduce((sum, times) => sum + times, 0), report.requests);
  assert.ok(report.latestMs <= 250, `an answer came ${report.latestMs} ms after its deadline`);
  assert.deepEqual([report.strength, report.leaked, report.health], [[4, 4], 2, [1, 1, 0]]);
});

// One in eight costs the start of a process.
const IN_PROCESSES = REQUESTS / 10;

Deno.test(`each of ${IN_PROCESSES} requests is answered once, whatever workers in processes do`, async () => {
  const report = await run<Report>("misbehave/main.ts", IN_PROCESSES, "process");
  console.log(JSON.stringify(report));
  const answered = Object.values(report.codes).flatMap((seen) => Object.values(seen));
  assert.equal(answered.reduce((sum, times) => sum + times, 0), report.requests);
  assert.deepEqual([report.strength, report.leaked, report.health], [[4, 4], 0, [1, 1, 1]]);
});

for (const policy of ["request", "restore", "keep", "fresh"] as const) {
  const requests = policy === "fresh" ? 5_000 : 200_000;
  Deno.test({
    name:
      `${requests} requests with session "${policy}" leave the process as large as half of them`,
    ignore: SHORT,
    fn: async () => {
      const { first, second } = await run<Held>("policies/main.ts", policy, requests);
      console.log(policy, first >> 20, "MiB, then", second >> 20, "MiB");
      assert.ok(second < first * 1.1, `${first >> 20} MiB, then ${second >> 20} MiB`);
    },
  });
}

Deno.test({
  name: "a request that meets a reset waits no longer than others",
  ignore: SHORT,
  fn: async () => {
    const { resets, p99 } = await run<Resets>("resets/main.ts", 10_000);
    console.log(
      `${resets} resets, p99 of requests that met one ${p99[0]} ms, of others ${p99[1]} ms`,
    );
    assert.ok(resets > 150);
    assert.ok(p99[0] < 1.5 * p99[1]);
  },
});
