/**
 * The tree of fifteen nodes with more messages, and more deaths, than the test tier has time for.
 *
 * @module
 */

import { runWhole, runWithDeaths } from "../runtime/router/grand.ts";
import { seeded } from "../runtime/router/support.ts";

const SHORT = Deno.env.get("TANDEM_SOAK") === "short";
const COUNT = 10_000;
const SEEDS = SHORT ? [101] : Array.from({ length: 20 }, (_, at) => 101 + at);

for (const seed of SEEDS) {
  for (const routing of ["flood", "learned"] as const) {
    Deno.test(`${COUNT} messages arrive once and in order, routing ${routing} (seed ${seed})`, async () => {
      await runWhole(COUNT, seeded(seed), { routing });
    });
  }
  Deno.test(`${COUNT} messages are accounted for when nodes are killed (seed ${seed})`, async () => {
    console.log("lost:", await runWithDeaths(COUNT, seeded(seed)));
  });
}
