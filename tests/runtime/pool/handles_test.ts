import assert from "node:assert/strict";
import { MAX_HANDLES, TaskHandles } from "../../../runtime/pool/handles.ts";
import { fakePool } from "./fake_thread.ts";

const handles = () =>
  new TaskHandles<unknown>({ doing: "ask", find: () => undefined, rootless: true });

Deno.test("TaskHandles.start() holds so many tasks and starts none beyond", async () => {
  const { pool, submit } = fakePool({ queueLimit: 1000 });
  const held = handles();
  let started = 0;
  const start = () => held.start(null, null, () => (started++, submit("task")));
  for (let handle = 1; handle <= MAX_HANDLES; handle++) assert.equal(start(), handle);
  assert.throws(start, { code: "QUEUE_FULL", message: /256/ });
  assert.equal(started, MAX_HANDLES);
  await pool.close(0);
});

Deno.test("TaskHandles gives a handle free when its task was collected and has ended", async () => {
  const { pool, threads, submit } = fakePool({ workers: 1 });
  const held = handles();
  const handle = held.start(null, "5", (asked) => {
    assert.deepEqual(asked, { parent: undefined, timeoutMs: undefined, priority: undefined });
    return submit("task");
  });
  await new Promise((resolve) => setTimeout(resolve));
  threads[0]!.answer("A");
  assert.equal(await held.answer(handle), "A");
  await new Promise((resolve) => setTimeout(resolve));
  for (const wrong of [handle, 99, "1", null]) {
    await assert.rejects(held.answer(wrong), { name: "RangeError", message: /not known/ });
    held.wait(wrong);
    held.cancel(wrong, "why");
  }
  await pool.close(0);
});
