import assert from "node:assert/strict";
import { XboxServer } from "../../../runtime/xbox/server.ts";
import { fakePool } from "../pool/fake_thread.ts";

Deno.test("XboxServer.services() lets only a service thread send messages in no task's name", async () => {
  const { pool } = fakePool();
  const server = new XboxServer(pool);
  const worker = server.services(() => undefined);
  for (const parent of [null, 1, "1", undefined]) {
    assert.throws(() => worker.xboxStart!(parent, "hello", null), { code: "STOPPING" });
  }
  const thread = server.services(() => undefined, { rootless: true });
  assert.equal(thread.xboxStart!(null, "hello", null), 1);
  await pool.close(0);
});

Deno.test("XboxServer.services() gives a posted message no parent, and a sent one its task", async () => {
  const { pool, submit } = fakePool({ workers: 1 });
  const parent = submit("parent", { timeoutMs: 60_000 });
  const { xboxStart } = new XboxServer(pool).services(() => parent);
  xboxStart!(parent.id, "sent", null, false);
  xboxStart!(parent.id, "posted", null, true);
  assert.equal(pool.status().queued, 2 + Number(parent.state === "queued"));
  parent.cancel("no more");
  assert.equal(pool.status().queued, 1, "only the posted one is left");
  await pool.close(0);
});
