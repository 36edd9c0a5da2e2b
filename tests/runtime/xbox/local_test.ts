import assert from "node:assert/strict";
import { blameOf } from "../../../runtime/xbox/blame.ts";
import { LocalMessage } from "../../../runtime/xbox/local.ts";
import { until } from "../http/support.ts";
import { type FakePool, fakePool } from "../pool/fake_thread.ts";

/** Sends one message that runs and one that waits, and tells what is known of either once `act` has failed them. */
async function twoFailures(act: (fake: FakePool, messages: LocalMessage[]) => unknown) {
  const fake = fakePool({ workers: 1 });
  const { pool, threads } = fake;
  const messages = [1, 2].map((message) => new LocalMessage(pool, { message, from: "localhost" }));
  await until(() => threads[0]?.runs.length === 1);
  const known = messages.map(({ answer }) => answer.then(() => assert.fail(), blameOf));
  await act(fake, messages);
  const told = await Promise.all(known);
  await pool.close(0);
  return told;
}

Deno.test("LocalMessage tells of each failure whether that message may have run, when its pool closes", async () => {
  assert.deepEqual(await twoFailures(({ pool }) => pool.close(0)), [
    { side: "receiver", mayHaveRun: true },
    { side: "receiver", mayHaveRun: false },
  ]);
});

Deno.test("LocalMessage tells the same when it is cancelled", async () => {
  const told = await twoFailures((_, messages) => messages.forEach((one) => one.cancel("enough")));
  assert.deepEqual(told, [
    { side: "sender", mayHaveRun: true },
    { side: "sender", mayHaveRun: false },
  ]);
});

Deno.test("LocalMessage tells of a handler's error that it ran, whatever code that has", async () => {
  const fail = ({ pool, threads }: FakePool) => {
    threads[0]!.runs.shift()!.fail(Object.assign(new Error("mine"), { code: "CANCELLED" }));
    return pool.close(0);
  };
  assert.deepEqual((await twoFailures(fail))[0], { side: "receiver", mayHaveRun: true });
});

Deno.test("LocalMessage that was sent and has not begun begins no more once it is said not to have run", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1 }, (make) => {
    return Promise.resolve(Object.assign(make(), { lazy: true }));
  });
  let began: boolean | undefined;
  const task = submit("ahead", { failed: () => began = threads[0]!.begin() });
  await until(() => threads[0]?.waiting.length === 1);
  task.cancel();
  assert.deepEqual([task.mayHaveRun, began], [false, false]);
  await pool.close(0);
});
