import assert from "node:assert/strict";
import { PageletServer } from "../../../runtime/pagelet/server.ts";
import { fakePool } from "../pool/fake_thread.ts";

const REQUEST = {
  method: "GET",
  url: "http://localhost/x",
  headers: [],
  body: null,
  requestId: "r",
};

Deno.test("PageletServer.services() lets only a service thread start pagelets in no task's name", async () => {
  const { pool } = fakePool();
  const server = new PageletServer(pool, { maxBodyBytes: 1024, maxResultBytes: 1024 });
  const worker = server.services(() => undefined);
  for (const parent of [null, 1, "1", undefined]) {
    assert.throws(() => worker.pageletStart!(parent, REQUEST, null), { code: "STOPPING" });
  }
  const thread = server.services(() => undefined, { rootless: true });
  assert.equal(thread.pageletStart!(null, REQUEST, null), 1);
  assert.throws(() => thread.pageletStart!(1, REQUEST, null), { code: "STOPPING" });
  await pool.close(0);
});
