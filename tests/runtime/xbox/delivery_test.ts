/**
 * One suite for messages to this box, to a box of this machine and to a box elsewhere, sent by pages and by workers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { serve } from "../../../mod.ts";
import type { Site } from "../../../runtime/site.ts";
import { startMachine } from "../../support/machine.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { recordLog } from "../http/support.ts";
import { EXPECTED } from "./expected_outcomes.ts";

const SITE = new URL("../../sites/delivery/site.ts", import.meta.url).href;

async function siteWith(parameters: string): Promise<Site> {
  return (await import(`${SITE}?${parameters}`)).default;
}

async function outcomes(url: string, to: string, where: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}cases?to=${encodeURIComponent(to)}&in=${where}`);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

for (const where of ["page", "pagelet"]) {
  Deno.test(`Xbox delivers to this box, from a ${where}`, async () => {
    await using box = await serve(await siteWith(`local=${where}`), { port: 0, log: recordLog() });
    assert.deepEqual(await outcomes(box.url, "", where), EXPECTED);
  });

  Deno.test(`Xbox delivers to a box elsewhere, from a ${where}`, async () => {
    const log = recordLog();
    await using temp = await tempDir();
    const store = encodeURIComponent(`${temp.path}/store.db`);
    await using there = await serve(await siteWith(`store=${store}`), { port: 0, log });
    const peer = new URL(there.url).host;
    const site = await siteWith(`store=${store}&peer=${peer}`);
    await using here = await serve(site, { port: 0, log });
    assert.deepEqual(await outcomes(here.url, peer, where), EXPECTED);
  });

  Deno.test(`Xbox delivers to a box of this machine, from a ${where}`, async () => {
    await using machine = await startMachine({ site: SITE });
    assert.deepEqual(await outcomes(machine.url, "sibling", where), EXPECTED);
  });
}
