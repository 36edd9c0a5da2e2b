import assert from "node:assert/strict";
import { openStore } from "../../../runtime/store/mod.ts";
import { REPOSITORY, startDeno } from "../../support/program.ts";
import { lacksRedis, startRedis } from "../../support/redis.ts";
import { countRows, filled, tempDir, until } from "./support.ts";

const MODULE = new URL("../../../runtime/store/mod.ts", import.meta.url).href;
const CLIENT = new URL("../../../runtime/store/client.ts", import.meta.url).href;

const WORKER = `import { createStoreClient } from ${JSON.stringify(CLIENT)};
let id = 0;
const calls = new Map();
const store = createStoreClient((name, ...args) => {
  const answer = Promise.withResolvers();
  calls.set(++id, answer);
  postMessage({ id, name, args });
  return answer.promise;
});
onmessage = async ({ data }) => {
  if (data.id !== undefined) {
    data.error === undefined ? calls.get(data.id).resolve(data.value) : calls.get(data.id).reject(data.error);
    return void calls.delete(data.id);
  }
  for (let n = 0; n < data.times; n++) await store.increment("n");
  postMessage("done");
};`;

/** A process with a store and four workers that use it by calls over their ports. */
function counting(url: string, times: number): string {
  return `import { openStore } from ${JSON.stringify(MODULE)};
const store = await openStore({ url: ${JSON.stringify(url)} });
await Promise.all(Array.from({ length: 4 }, async () => {
  const worker = new Worker("data:text/javascript," + encodeURIComponent(${
    JSON.stringify(WORKER)
  }), { type: "module" });
  const { services } = store.forWorker({ read: ["n"], write: ["n"] });
  const done = Promise.withResolvers();
  worker.onerror = (event) => done.reject(event.message);
  worker.onmessage = async ({ data }) => {
    if (data === "done") return done.resolve();
    try {
      worker.postMessage({ id: data.id, value: await services[data.name](...data.args) });
    } catch (error) {
      worker.postMessage({ id: data.id, error: String(error) });
    }
  };
  worker.postMessage({ times: ${times} });
  await done.promise;
  worker.terminate();
}));
await store.close();`;
}

/** Writes ever new values under three keys, each of one byte all through. */
function writing(url: string): string {
  return `import { openStore } from ${JSON.stringify(MODULE)};
const store = await openStore({ url: ${JSON.stringify(url)} });
console.log("ready");
for (let n = 0;; n++) {
  await Promise.all(["a", "b", "c"].map((key, k) =>
    store.set(key, new Uint8Array(100_000 + 50_000 * ((n + k) % 6)).fill(n + k))));
}`;
}

function program(dir: string, code: string, ...more: string[]) {
  const url = `data:text/javascript,${encodeURIComponent(code)}`;
  const flags = [
    `--allow-read=${REPOSITORY},${dir}`,
    `--allow-write=${dir}`,
    "--unstable-kv",
    ...more,
  ];
  return startDeno(["run", "--no-prompt", "--no-check", "--no-config", "--no-lock", ...flags, url]);
}

async function count(dir: string, url: string, ...flags: string[]): Promise<void> {
  await using store = await openStore({ url });
  await store.set("n", 0);
  await using a = program(dir, counting(url, 1250), ...flags);
  await using b = program(dir, counting(url, 1250), ...flags);
  const [first, second] = await Promise.all([a.output(), b.output()]);
  assert.deepEqual([first.stderr, first.code, second.stderr, second.code], ["", 0, "", 0]);
  assert.equal(await store.get("n", { near: false }), 10_000);
}

Deno.test("Two processes of four workers lose no increment in a file", async () => {
  await using dir = await tempDir();
  await count(dir.path, `${dir.path}/a.db`);
});

const ignore = lacksRedis();
Deno.test(
  { name: "Two processes of four workers lose no increment in Redis", ignore },
  async () => {
    await using dir = await tempDir();
    await using redis = await startRedis();
    const url = redis.url();
    await count(dir.path, url, `--allow-net=${new URL(url).host}`);
  },
);

Deno.test("Whatever moment a writer is killed at, every value is whole", async () => {
  await using dir = await tempDir();
  const url = `${dir.path}/a.db`;
  {
    await using store = await openStore({ url });
    for (const key of ["a", "b", "c"]) await store.set(key, filled(100_000, 0));
  }
  const seen = new Set<number>();
  let cycles = 0;
  async function cycle(): Promise<void> {
    await using writer = program(dir.path, writing(url));
    await writer.stdout.line(/ready/);
    // A moment is chosen at random: this many turns of the event loop.
    let turns = Math.floor(Math.random() * 100);
    await until(() => Promise.resolve(turns-- <= 0));
    writer.kill("SIGKILL");
    await writer.status;
    await using store = await openStore({ url });
    for (const value of await store.getMany<Uint8Array>(["a", "b", "c"])) {
      assert.ok(value instanceof Uint8Array && value.length >= 100_000);
      assert.ok(value.every((byte) => byte === value[0]), "a value is a mixture");
      seen.add(value[0]!);
    }
    cycles++;
  }
  for (let n = 0; n < 50; n++) await cycle();
  assert.equal(cycles, 50);
  assert.ok(seen.size > 1, "nothing was ever written");
  assert.ok(await countRows(url, "pending") > 0, "no writer left anything behind");
  const later = Date.now() + 11 * 60_000;
  await using store = await openStore({ url }, { now: () => later });
  await until(async () => await countRows(url, "pending") === 0);
  assert.equal((await store.info()).entries, 3);
  await store.clear();
  assert.equal(await countRows(url, "part"), 0);
});
