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
