import assert from "node:assert/strict";
import { freePort } from "../../support/loopback.ts";
import { BOX_FLAGS, MOD, runDeno, startServe } from "../../support/program.ts";

const SITE = new URL("../../sites/one_document/site.ts", import.meta.url).href;
const NO_SITE = new URL("../../sites/one_document/good.ts", import.meta.url).href;

function run(...args: string[]) {
  return runDeno(["run", ...BOX_FLAGS, MOD, ...args]);
}

Deno.test.each<[string[]]>([
  [[]],
  [["--help"]],
  [["-h"]],
  [["help"]],
])("tandem shows its commands: %s", async (args) => {
  const { code, stdout, stderr } = await run(...args);
  assert.equal(code, 0);
  assert.equal(stderr, "");
  assert.match(stdout, /^tandem <command>.*\n\n {2}serve +\w/);
});

Deno.test("tandem serve --help shows every option", async () => {
  const { code, stdout, stderr } = await run("serve", SITE, "--port", "nonsense", "--help");
  assert.equal(code, 0);
  assert.equal(stderr, "");
  const options = stdout.matchAll(/^ {2}(--[\w-]+)/gm).map(([, name]) => name);
  assert.deepEqual([...options], [
    "--port",
    "--hostname",
    "--store",
    "--grace",
    "--detached",
    "--log",
    "--help",
    "--box-flag",
    "--boxes",
    "--admin-port",
    "--watch",
    "--max-memory",
    "--max-age",
  ]);
});

Deno.test.each<[string[], RegExp]>([
  [["sreve"], /no command "sreve"/],
  [["constructor"], /no command "constructor"/],
  [["serve", "--prot", "8000"], /--prot/],
  [["serve", "--port"], /--port/],
  [["serve", "--port", "http"], /--port must be .*"http"/],
  [["serve", "--port", "65536"], /--port must be .*"65536"/],
  [["serve", "--port=-1"], /--port must be .*"-1"/],
  [["serve", "--port", ""], /--port must be .*""/],
  [["serve", "--grace", "1.5"], /--grace must be .*"1.5"/],
  [["serve", "--log", "loud"], /--log must be .*"loud"/],
  [["serve", "a.ts", "b.ts"], /one site, and 2/],
  [["serve", "--box-flag=a.ts"], /--box-flag must be .*"a\.ts"/],
  [["serve", "--box-flag=--"], /--box-flag must be .*"--"/],
])("tandem %s is bad usage, told in one line", async (args, names) => {
  const { code, stdout, stderr } = await run(...args);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.match(stderr, /^tandem: [^\n]+\(--help shows the usage\)\n$/);
  assert.match(stderr, names);
});

Deno.test("tandem serve takes a port from the environment and says no to a bad one", async () => {
  await using program = startServe([SITE], { env: { PORT: "80a" } });
  const { code, stdout, stderr } = await program.output();
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^tandem: [^\n]*PORT must be [^\n]*"80a"[^\n]*\n$/);
});

Deno.test("tandem serve says no to a module that is no site", async () => {
  const { code, stdout, stderr } = await run("serve", NO_SITE, "--port", "0");
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^tandem: [^\n]*good\.ts[^\n]*createSite\n$/);
});

Deno.test("tandem serve says no to a site that is missing", async () => {
  const { code, stdout, stderr } = await run("serve", "missing_site.ts", "--port", "0");
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^tandem: [^\n]*missing_site\.ts[^\n]*\n$/);
});

Deno.test("tandem serve prints where it serves, at PORT, and answers there", async () => {
  const port = freePort();
  await using program = startServe([`${SITE}?kind=xbox`], { env: { PORT: `${port}` } });
  const url = await program.url();
  assert.equal(url, `http://127.0.0.1:${port}/`);
  const response = await fetch(url);
  assert.equal(response.status, 404);
  await response.body?.cancel();
  program.kill("SIGTERM");
  const { code, stdout } = await program.output();
  assert.equal(code, 0);
  assert.equal(stdout, `site on http://127.0.0.1:${port}\n`);
});

Deno.test("tandem serve prefers --port to PORT, and may do without the environment", async () => {
  const port = freePort();
  const flags = ["--deny-env=PORT"];
  for (const options of [{ env: { PORT: `${freePort()}` } }, { flags }]) {
    await using program = startServe([SITE, "--port", `${port}`], options);
    assert.equal(await program.url(), `http://127.0.0.1:${port}/`);
    program.kill("SIGINT");
    assert.equal((await program.output()).code, 0);
  }
});

Deno.test("tandem serve takes a path, and serves the atlas when it is given none", async () => {
  const path = "tests/sites/lifecycle/site.ts";
  await using lifecycle = startServe([path, "--port", "0", "--store", ":memory:"]);
  const response = await fetch(await lifecycle.url());
  assert.deepEqual(await response.json(), { boots: 1, before: "nothing" });
  lifecycle.kill("SIGTERM");
  await using atlas = startServe(["--port", "0", "--store", ":memory:"]);
  const page = await fetch(`${await atlas.url()}country/ch`);
  assert.match(await page.text(), /Switzerland/);
  atlas.kill("SIGTERM");
  const { code, stdout } = await atlas.output();
  assert.equal(code, 0);
  assert.match(stdout, /^atlas on /);
  assert.equal((await lifecycle.output()).code, 0);
});
