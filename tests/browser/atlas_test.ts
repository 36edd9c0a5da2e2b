/**
 * The atlas in a real browser: starts the site and the program whose cases visit it, and makes a step
 * of each case.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import atlas from "../../handlers/site.ts";
import { serve } from "../../mod.ts";
import { recordLog } from "../runtime/http/support.ts";
import atlasFaults from "../sites/atlas_faults/site.ts";
import { findChromium, hasEnded, installPackages } from "../support/chromium.ts";
import { Program } from "../support/program.ts";

const CASES = fileURLToPath(new URL("./atlas.mjs", import.meta.url));
const MISSING =
  "Chromium is missing: install it (`apt-get install chromium`) or name it in CHROMIUM";

/** A line of what the program prints. */
type Line = { browser: number } | { name: string; ok: boolean; error?: string; ms: number };

const chromium = findChromium();
const isOptional = !Deno.env.get("CI");
if (!chromium && isOptional) console.warn(`The tests in a browser are skipped. ${MISSING}`);

Deno.test({ name: "atlas in a browser", ignore: !chromium && isOptional }, async (t) => {
  assert.ok(chromium, MISSING);
  const packages = await installPackages();
  const options = { port: 0, store: ":memory:", log: recordLog() };
  await using sound = await serve(atlas, options);
  await using faulty = await serve(atlasFaults, options);
  await using program = new Program("node", [CASES, chromium, packages, sound.url, faulty.url]);
  const { code, stdout, stderr } = await program.output();

  const lines: Line[] = stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  for (const line of lines) {
    if ("browser" in line) {
      await t.step("no browser is left behind", async () => {
        assert.ok(await hasEnded(line.browser), `process ${line.browser} runs`);
      });
    } else {
      await t.step(`${line.name} (${line.ms} ms)`, () => assert.ok(line.ok, line.error));
    }
  }
  assert.equal(code, 0, `the program did not come to its end: ${stderr}`);
});
