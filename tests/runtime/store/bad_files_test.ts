import assert from "node:assert/strict";
import { RuntimeError } from "../../../runtime/errors.ts";
import { openStore } from "../../../runtime/store/mod.ts";
import { Program, REPOSITORY, startDeno } from "../../support/program.ts";
import { rejectsWith, tempDir } from "./support.ts";

const MODULE = new URL("../../../runtime/store/mod.ts", import.meta.url).href;

function deno(dir: string, code: string): string[] {
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  const flags = [`--allow-read=${REPOSITORY},${dir}`, `--allow-write=${dir}`, "--unstable-kv"];
  return ["run", "--no-prompt", "--no-check", "--no-config", "--no-lock", ...flags, url];
}

const quoted = (args: string[]) => args.map((arg) => `'${arg.replaceAll("'", `'\\''`)}'`).join(" ");

/** Runs shell commands in a mount namespace of their own, where `dir` is a small disk. */
async function onSmallDisk(dir: string, commands: string) {
  const mount = `mount -t tmpfs -o size=3m tmpfs ${dir}`;
  await using probe = new Program("sh", ["-c", `unshare -m sh -c '${mount}'`]);
  if ((await probe.output()).code !== 0) return undefined;
  const script = `${mount} && ${commands}`;
  await using program = new Program("sh", ["-c", `unshare -m sh -c ${quoted([script])}`]);
  return await program.output();
}

Deno.test("A full disk loses nothing that was acknowledged", async () => {
  await using dir = await tempDir();
  const url = JSON.stringify(`${dir.path}/a.db`);
  const code = `import { openStore } from ${JSON.stringify(MODULE)};
const done = [];
let failure;
{
  await using store = await openStore({ url: ${url}, near: false });
  for (let n = 0; n < 1000 && failure === undefined; n++) {
    const size = n % 3 === 0 ? 150_000 : 9000;
    try {
      await store.set(["n", n], new Uint8Array(size).fill(n));
      done.push([n, size]);
    } catch (error) {
      failure = { code: error.code, message: error.message };
    }
  }
  for (const [n, size] of done) {
    const value = await store.get(["n", n]);
    if (value?.length !== size || !value.every((byte) => byte === n % 256)) throw new Error("lost " + n);
  }
}
const store = await openStore({ url: ${url} }).catch((error) => ({ error }));
let kept = 0;
if (store.error === undefined) {
  for (const [n, size] of done) if ((await store.get(["n", n]))?.length === size) kept++;
}
console.log(JSON.stringify({ done: done.length, kept, failure, reopened: store.error?.message }));
Deno.exit(0);`;
  const output = await onSmallDisk(dir.path, `exec deno ${quoted(deno(dir.path, code))}`);
  if (output === undefined) return console.warn("skipped: no small disk can be mounted here");
  assert.equal(output.code, 0, output.stderr);
  const { done, kept, failure, reopened } = JSON.parse(output.stdout);
  assert.ok(done > 3, `${done} were stored`);
  assert.equal(failure.code, "STORE_FAILED");
  assert.match(failure.message, /^Cannot store a value under \["n", \d+\]: .*full/);
  if (reopened === undefined) assert.equal(kept, done);
  else assert.match(reopened, /^Cannot open the store at .*full/);
});

Deno.test("openStore() fails for a file that can only be read", async () => {
  await using dir = await tempDir();
  const url = JSON.stringify(`${dir.path}/a.db`);
  const head = `import { openStore } from ${JSON.stringify(MODULE)};`;
  const make =
    `${head} await using store = await openStore({ url: ${url} }); await store.set("k", 1);`;
  const open = `${head} await openStore({ url: ${url} }).then(() => console.log("opened"),
    ({ code, message }) => console.log(code + " " + message));`;
  const output = await onSmallDisk(
    dir.path,
    `deno ${quoted(deno(dir.path, make))} && mount -o remount,ro ${dir.path} && ` +
      `exec deno ${quoted(deno(dir.path, open))}`,
  );
  if (output === undefined) return console.warn("skipped: no small disk can be mounted here");
  assert.match(output.stdout, /^STORE_FAILED Cannot open the store at ".*": /, output.stderr);
});

Deno.test("A store waits for a lock of another process, and says so when it lasts", async () => {
  await using dir = await tempDir();
  const url = `${dir.path}/a.db`;
  await using store = await openStore({ url });
  await store.set("k", 0);
  const lock = `import { DatabaseSync } from "node:sqlite";
new DatabaseSync(${JSON.stringify(url)}).exec("BEGIN IMMEDIATE");
console.log("locked");
setInterval(() => {}, 1000);`;
  await using holder = startDeno(deno(dir.path, lock));
  await holder.stdout.line(/locked/);
  const early = store.set("k", 1);
  assert.equal(await store.get("k", { near: false }), 0, "reads do not wait");
  await rejectsWith(early, "STORE_FAILED", /^Cannot store a value under "k": .*locked/);
  assert.equal(await store.get("k", { near: false }), 0);
  const late = store.set("k", 2);
  holder.kill("SIGKILL");
  await late;
  assert.equal(await store.get("k", { near: false }), 2);
});

Deno.test("A file that is deleted while it is open is handled, and made anew later", async () => {
  await using dir = await tempDir();
  const url = `${dir.path}/a.db`;
  {
    await using store = await openStore({ url });
    await store.set("k", 1);
    for await (const { name } of Deno.readDir(dir.path)) await Deno.remove(`${dir.path}/${name}`);
    // What is kept without its name is still there, or the store says that it failed.
    for (const call of [store.get("k", { near: false }), store.set("k", 2), store.increment("k")]) {
      await call.catch((error) => {
        assert.ok(error instanceof RuntimeError && error.code === "STORE_FAILED", String(error));
      });
    }
  }
  await using store = await openStore({ url });
  assert.equal(await store.has("k"), false);
  await store.set("k", 3);
  assert.equal(await store.get("k"), 3);
});
