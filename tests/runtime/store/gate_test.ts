import assert from "node:assert/strict";
import { Gate } from "../../../runtime/store/gate.ts";

Deno.test("Gate.pass() lets so many through at once, the others in their order", async () => {
  const gate = new Gate(2);
  const works = Array.from({ length: 5 }, () => Promise.withResolvers<number>());
  const begun: number[] = [];
  const passes = works.map(({ promise }, n) => gate.pass(() => (begun.push(n), promise)));
  const settled = Promise.allSettled(passes);
  assert.deepEqual(begun, [0, 1]);
  works[1]!.reject(new Error("failed"));
  await assert.rejects(passes[1]!, /failed/);
  assert.deepEqual(begun, [0, 1, 2]);
  for (const { resolve } of works) resolve(1);
  await settled;
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
  assert.equal(await gate.pass(() => Promise.resolve("again")), "again");
});
