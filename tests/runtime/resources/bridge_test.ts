import assert from "node:assert/strict";
import * as resources from "../../../runtime/resources/mod.ts";
import { startThread } from "../../../runtime/thread/thread.ts";
import { countWorkers } from "../../support/workers.ts";
import { started } from "./support.ts";

Deno.test("an untrusted worker registers over the guarded bridge while it blocks, and ends in order", async () => {
  using workers = countWorkers();
  using _ = started();
  const { desk, services, leave } = resources.enroll(9);
  const thread = await startThread({
    name: "test 9",
    modules: {
      kind: new URL("./bridge_kind.ts", import.meta.url).href,
      clients: {},
      documents: {},
    },
    permissions: "none",
    services,
    config: {
      threadId: 9,
      threadType: "Pagelet Thread",
      globals: {},
      box: { isStopping: false, healthLevel: 100, startedAt: 0 },
      options: { desk },
    },
    startTimeoutMs: 30_000,
  });
  assert.deepEqual(await thread.call("register", ["w"]), [1, { name: "w" }]);
  const id = resources.allocateId("entry");
  await Promise.all([resources.settled(id), thread.call("settle", [id])]);
  resources.freeId(1);
  await resources.settled(1);
  assert.deepEqual(await thread.call("log", []), ["-w"]);
  assert.deepEqual(await thread.call("register", ["w"]), [3, { name: "w" }]);
  assert.equal(await thread.close(10_000), "closed");
  leave("orderly");
  assert.deepEqual(resources.threadStatistics(), { live: 1, started: 2, ended: 1, abandoned: 0 });
  assert.equal(workers.running, 0);
});
