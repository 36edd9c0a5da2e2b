import assert from "node:assert/strict";
import type { Report } from "../../sites/misbehave/main.ts";

/** What each misbehaviour is answered with, when it is the worker's own request. */
const CODES: Readonly<Record<string, readonly number[]>> = {
  well: [200],
  "timer/later": [200, 500],
  timer: [500],
  floating: [500],
  close: [500],
  exit: [500],
  twice: [200, 500],
  unasked: [200, 500],
  // In a process, it is still writing when its time is up.
  flood: [500],
  broken: [500],
  nothing: [500],
  throws: [500],
  endless: [504],
  deaf: [504],
  spin: [504],
};

/** A program of its own, since its stuck workers end only with it. */
async function misbehave(requests: number, isolation: string): Promise<Report> {
  const main = new URL("../../sites/misbehave/main.ts", import.meta.url);
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "-P=test", "--no-check", main.pathname, String(requests), isolation],
    cwd: new URL("../../../", import.meta.url),
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr).slice(-4000));
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test.each([[5000, "thread"], [1500, "process"]] as const)(
  "Pool answers each of %i requests once and in time, whatever its workers do, each in a %s",
  async (count, isolation) => {
    const { requests, codes, latestMs, strength, leaked, health } = await misbehave(
      count,
      isolation,
    );
    const answered = Object.values(codes).flatMap((seen) => Object.values(seen));
    assert.equal(answered.reduce((sum, times) => sum + times, 0), requests);
    for (const [name, seen] of Object.entries(codes)) {
      for (const code of Object.keys(seen)) {
        // A request may be out of time before a worker is there for it, as any other.
        assert.ok([...CODES[name]!, 504].includes(Number(code)), `${name} was answered ${code}`);
      }
    }
    const { well } = codes;
    assert.ok(well!["200"]! > 0.9 * (well!["200"]! + (well!["504"] ?? 0)), Deno.inspect(well));
    // Every one that does wrong costs the start of a process, and all of them have the same cores.
    assert.ok(
      latestMs <= (isolation === "thread" ? 250 : 1500),
      `an answer came ${latestMs} ms after its deadline`,
    );
    assert.deepEqual(strength, [4, 4]);
    const inThreads = isolation === "thread";
    assert.equal(leaked, inThreads ? 2 : 0);
    assert.deepEqual(health, [1, 1, inThreads ? 0 : 1], "unhealthy once more than one is leaked");
  },
);
