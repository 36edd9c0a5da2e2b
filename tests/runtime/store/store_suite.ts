/**
 * What every store has to do, whatever engine is below it: `storeSuite` registers one test a case.
 *
 * @module
 */

import type { SuiteOpen, SuiteTest } from "./suite/case.ts";
import { counters } from "./suite/counters.ts";
import { figures } from "./suite/figures.ts";
import { groups } from "./suite/groups.ts";
import { keys } from "./suite/keys.ts";
import { listing } from "./suite/listing.ts";
import { lives } from "./suite/lives.ts";
import { copies } from "./suite/copies.ts";
import { reading } from "./suite/reading.ts";
import { refusals } from "./suite/refusals.ts";
import { values } from "./suite/values.ts";
import { watching } from "./suite/watching.ts";
import { writing } from "./suite/writing.ts";
import { Clock } from "./support.ts";

export type { Opened, SuiteOpen, SuiteOptions } from "./suite/case.ts";

const THEMES = [
  reading,
  writing,
  counters,
  lives,
  values,
  keys,
  listing,
  watching,
  groups,
  figures,
  refusals,
];

/** Registers all cases for the engine that `open` opens; in a worker those that fit there. */
export function storeSuite(name: string, open: SuiteOpen, { isWorker = false } = {}): void {
  const test: SuiteTest = (title, run, options = {}) => {
    Deno.test(`Store, ${name}: ${title}`, async () => {
      const clock = new Clock();
      await using opened = await open({ now: clock.now, ...options });
      await run({ ...opened, clock });
    });
  };
  for (const theme of THEMES) theme(test, { isWorker });
  if (!isWorker) copies(test);
}
