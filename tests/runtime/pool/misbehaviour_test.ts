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
  flood: [500],
  broken: [500],
  nothing: [500],
  throws: [500],
  endless: [504],
  deaf: [504],
  spin: [504],
};

/** A program of its own, since its stuck workers end only with it. */
async function misbehave(requests: number): Promise<Report> {
  const main = new URL("../../sites/misbehave/main.ts", import.meta.url);
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "-P=test", "--no-check", main.pathname, String(requests)],
    cwd: new URL("../../../", import.meta.url),
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr).slice(-4000));
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("Pool answers each of 5,000 requests once and in time, whatever its workers do", async () => {
  const { requests, codes, latestMs, strength, leaked, health } = await misbehave(5000);
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
  assert.ok(latestMs <= 250, `an answer came ${latestMs} ms after its deadline`);
  assert.deepEqual(strength, [4, 4]);
  assert.equal(leaked, 2);
  assert.deepEqual(health, [1, 1, 0], "unhealthy once more than one is leaked");
});
