import assert from "node:assert/strict";
import { fetchJson, freePort } from "../support/loopback.ts";
import { type Program, startDeno, storeFlags } from "../support/program.ts";
import { tempDir } from "../support/temp_dir.ts";

const SITE = new URL("../sites/lifecycle/site.ts", import.meta.url).href;

/** Starts `deno serve` with the lifecycle site, its store in a folder. */
function denoServe(folder: string, query = ""): Program {
  const flags = ["--no-prompt", ...storeFlags(folder), "--host", "127.0.0.1", "--port", "0"];
  const site = `${SITE}?store=${folder}/store.db${query}`;
  // PORT is not for `deno serve`, and a box that minded it would listen a second time.
  return startDeno(["serve", ...flags, site], { env: { PORT: `${freePort()}` } });
}

async function listening(program: Program): Promise<string> {
  const line = await program.stderr.line(/http:\/\/127\.0\.0\.1:\d+/);
  return /http:\/\/127\.0\.0\.1:\d+/.exec(line)![0];
}

Deno.test("deno serve answers from a site, whose first requests share one boot", async () => {
  await using dir = await tempDir();
  await using program = denoServe(dir.path);
  const url = await listening(program);
  const answers = await Promise.all(Array.from({ length: 12 }, () => fetchJson(url)));
  for (const { boots } of answers) assert.equal(boots, 1);
  assert.equal((await fetchJson(url)).boots, 1);
  assert.equal(program.stdout.text, "");
});

Deno.test("Site.fetch() answers 503 while a boot fails, and boots again", async () => {
  await using dir = await tempDir();
  await using program = denoServe(dir.path, "&fails=1");
  const url = await listening(program);
  const first = await fetch(url);
  assert.equal(first.status, 503);
  assert.equal(await first.text(), "Service Unavailable");
  const answers = await Promise.all(Array.from({ length: 6 }, () => fetchJson(url)));
  for (const { boots } of answers) assert.equal(boots, 2);
  const errors = program.stderr.text.split("\n").filter((line) => line.includes(" ERROR "));
  assert.equal(errors.length, 1, program.stderr.text);
  assert.match(errors[0]!, /The site could not boot .*startup_fails_once\.ts: not yet/);
});
