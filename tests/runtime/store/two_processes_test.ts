import assert from "node:assert/strict";
import { openStore } from "../../../runtime/store/mod.ts";
import { countRows, filled, tempDir, until } from "./support.ts";

/** Starts a process that runs `body` with a `store` on the file, and may do nothing else. */
function start(url: string, body: string): Deno.ChildProcess {
  const module = new URL("../../../runtime/store/mod.ts", import.meta.url).href;
  const code = `const { openStore } = await import(${JSON.stringify(module)});
    const store = await openStore({ url: ${JSON.stringify(url)} });
    ${body}`;
  const flags = ["--no-prompt", "--unstable-kv", "--allow-read", `--allow-write=${url}`];
  return new Deno.Command("deno", {
    args: [
      "run",
      "--no-check",
      "--no-lock",
      "--no-config",
      ...flags,
      `data:text/javascript,${encodeURIComponent(code)}`,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

Deno.test("Store.increment() loses nothing between two processes", async () => {
  await using dir = await tempDir();
  const url = `${dir.path}/a.db`;
  await using store = await openStore({ url });
  await store.set("n", 0);
  const child = start(
    url,
    `for (let n = 0; n < 100; n++) await store.increment("n"); store.close();`,
  );
  for (let n = 0; n < 100; n++) await store.increment("n");
  assert.ok((await child.output()).success);
  assert.equal(await store.get("n"), 200);
});

Deno.test("Store keeps the old value when a writer is killed, and collects what it left", async () => {
  await using dir = await tempDir();
  const url = `${dir.path}/a.db`;
  {
    await using store = await openStore({ url });
    await store.set("k", filled(100_000, 1));
    const child = start(
      url,
      `console.log("ready"); while (true) await store.set("k", new Uint8Array(4_000_000).fill(2));`,
    );
    const reader = child.stdout.getReader();
    assert.ok(!(await reader.read()).done);
    await until(async () => await countRows(url, "pending") > 0);
    child.kill("SIGKILL");
    await reader.cancel();
    await child.status;
    const value = await store.get<Uint8Array>("k");
    assert.ok(value!.every((byte) => byte === value![0]));
    assert.equal(value!.length, value![0] === 1 ? 100_000 : 4_000_000);
    await store.set("k", "small");
  }
  const later = Date.now() + 11 * 60_000;
  const store = await openStore({ url }, { now: () => later });
  await until(async () => await countRows(url, "pending") === 0);
  await store[Symbol.asyncDispose]();
  assert.equal(await countRows(url, "part"), 0);
});
