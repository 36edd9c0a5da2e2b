import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { freePort, serveFiles } from "./support/loopback.ts";
import { type Program, runDeno, startDeno } from "./support/program.ts";
import { type TempDir, tempDir } from "./support/temp_dir.ts";

const FIXTURE = fileURLToPath(new URL("./sites/remote/", import.meta.url));

const MODULES = ["deps.ts", "main.ts", "pagelets.ts", "site.ts", "thread.ts", "xbox.ts"];

/** A folder with nothing but the fixture's modules, and a cache of its own. */
interface Place extends TempDir {
  /** Runs or starts Deno there. */
  readonly options: { cwd: string; env: Record<string, string> };
}

async function place(origin: string): Promise<Place> {
  const dir = await tempDir();
  const cwd = `${dir.path}/site`;
  await Deno.mkdir(cwd);
  for (const name of MODULES) {
    const text = await Deno.readTextFile(`${FIXTURE}${name}`);
    const module = text.replaceAll("../../../mod.ts", `${origin}/mod.ts`);
    await Deno.writeTextFile(`${cwd}/${name}`, module);
  }
  return {
    ...dir,
    options: { cwd, env: { DENO_DIR: `${dir.path}/cache` } },
  };
}

function flags(host: string, ...more: string[]): string[] {
  return [
    "--no-prompt",
    "--unstable-kv",
    "--unstable-worker-options",
    `--allow-import=${host}`,
    "--allow-net=127.0.0.1",
    "--allow-read=.",
    ...more,
  ];
}

function serveRepository(): { host: string; origin: string } & AsyncDisposable {
  const server = serveFiles();
  const host = `127.0.0.1:${server.addr.port}`;
  return {
    host,
    origin: `http://${host}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Checks what the program found on its own page. */
async function shows(run: Promise<{ code: number; stdout: string; stderr: string }>) {
  const { code, stdout, stderr } = await run;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /<slot name="[^"]+">/);
  assert.match(stdout, /<p>I have come from a worker<\/p>/);
  assert.match(stdout, /\nxbox heard hello, the thread runs\n$/);
}

async function answers(program: Program, url: string): Promise<void> {
  assert.equal(await program.url(), url);
  const response = await fetch(url);
  assert.match(await response.text(), /<p>I have come from a worker<\/p>/);
  program.kill("SIGTERM");
  assert.equal((await program.output()).code, 0);
}

Deno.test("a site runs from an empty folder by URL, and again without the network", async () => {
  const repository = serveRepository();
  const { host, origin } = repository;
  await using folder = await place(origin);
  try {
    await shows(runDeno(["run", ...flags(host), "main.ts"], folder.options));
  } finally {
    await repository[Symbol.asyncDispose]();
  }
  assert.deepEqual(
    (await Array.fromAsync(Deno.readDir(folder.options.cwd), ({ name }) => name)).sort(),
    MODULES,
  );
  await shows(runDeno(["run", ...flags(host), "--cached-only", "main.ts"], folder.options));
});

Deno.test("deno cache brings all that a site needs by URL, workers included", async () => {
  const repository = serveRepository();
  const { host, origin } = repository;
  await using folder = await place(origin);
  try {
    const args = ["cache", `--allow-import=${host}`, ...MODULES];
    const { code, stderr } = await runDeno(args, folder.options);
    assert.equal(code, 0, stderr);
  } finally {
    await repository[Symbol.asyncDispose]();
  }
  await shows(runDeno(["run", ...flags(host), "--cached-only", "main.ts"], folder.options));
});

Deno.test("mod.ts serves a site by URL, and honours PORT", async () => {
  await using repository = serveRepository();
  const { host, origin } = repository;
  await using folder = await place(origin);
  const args = ["run", ...flags(host), "--allow-env=PORT", `${origin}/mod.ts`, "serve", "site.ts"];
  const port = freePort();
  const env = { ...folder.options.env, PORT: `${port}` };
  await using program = startDeno(args, { ...folder.options, env });
  await answers(program, `http://127.0.0.1:${port}/`);
});

Deno.test("mod.ts serves the atlas by URL", async () => {
  await using repository = serveRepository();
  const { host, origin } = repository;
  await using folder = await place(origin);
  const args = [...flags(host), `${origin}/mod.ts`, "serve", "--port", "0", "--store", ":memory:"];
  await using program = startDeno(["run", ...args], folder.options);
  const response = await fetch(`${await program.url()}country/ch`);
  assert.match(await response.text(), /Switzerland/);
  program.kill("SIGTERM");
  assert.equal((await program.output()).code, 0);
});
