import assert from "node:assert/strict";
import { countWorkers } from "../../support/workers.ts";
import { runWhole, runWithDeaths } from "./grand.ts";
import { seeded } from "./support.ts";

Deno.test.each<["flood" | "learned", number]>([["flood", 31], ["learned", 32]])(
  "in a tree of 15 processes and workers, routing %s, 10,000 messages arrive once, in order, and nowhere else (seed %d)",
  async (routing, seed) => {
    using workers = countWorkers();
    await runWhole(10_000, seeded(seed), { routing });
    assert.equal(workers.running, 0);
  },
);

Deno.test.each([[41], [42], [43]])(
  "when nodes of it are killed, each message is seen, reported as lost by the killed one's parent, or both, and nothing hangs (seed %d)",
  async (seed) => {
    using workers = countWorkers();
    await runWithDeaths(10_000, seeded(seed));
    assert.equal(workers.running, 0);
  },
);
