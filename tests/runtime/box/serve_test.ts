import assert from "node:assert/strict";
import { createSite, type Log, RuntimeError, serve } from "../../../mod.ts";
import { createLog } from "../../../runtime/log.ts";
import { openStore } from "../../../runtime/store/mod.ts";
import { createOptions } from "../../sites/lifecycle/options.ts";
import { optionsFrom } from "../../sites/one_document/options.ts";
import { freePort, isListening } from "../../support/loopback.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { countWorkers } from "../../support/workers.ts";

const SILENT: Log = createLog({ level: "error", write: () => {} });

function oneDocument(query: string) {
  return createSite(optionsFrom(new URL(`http://site/?${query}`)));
}

/** The codes of an error and of all that caused it. */
function codesOf(error: unknown): string[] {
  return error instanceof RuntimeError ? [error.code, ...codesOf(error.cause)] : [];
}

async function failure(promise: Promise<unknown>): Promise<RuntimeError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof RuntimeError, String(error));
    return error;
  }
  assert.fail("it did not fail");
}

Deno.test.each([
  ["startup=throws", "kind=startup&document=./throws.ts", []],
  ["thread=throws", "kind=threads&document=./throws.ts", []],
  ["thread=returns", "kind=threads&document=./returns.ts", []],
  ["thread=missing", "kind=threads&document=./missing.ts", ["DOCUMENT_INVALID"]],
  ["pagelets=nothing", "kind=pagelets&document=./nothing.ts", ["DOCUMENT_INVALID"]],
  ["xbox=nothing", "kind=xbox&document=./nothing.ts", ["DOCUMENT_INVALID"]],
  ["xbox=escalation", "kind=xbox&document=./good.ts&net=all", ["PERMISSION_ESCALATION"]],
])("serve() that fails to boot leaves nothing running: %s", async (_name, query, codes) => {
  using workers = countWorkers();
  const port = freePort();
  const error = await failure(serve(oneDocument(query), { port, log: SILENT }));
  assert.equal(error.code, "BOOT_FAILED");
  for (const code of codes) assert.ok(codesOf(error).includes(code), codesOf(error).join());
  assert.equal(workers.running, 0);
  assert.equal(await isListening(port), false);
});

Deno.test("serve() that finds its port in use stops what it had started", async () => {
  await using dir = await tempDir();
  using workers = countWorkers();
  using holder = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = holder.addr;
  const url = `${dir.path}/store.db`;
  const error = await failure(serve(createSite(createOptions(url)), { port, log: SILENT }));
  assert.equal(error.code, "BOOT_FAILED");
  assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}: the address is in use`));
  assert.equal(workers.started, 1);
  assert.equal(workers.running, 0);
  await using store = await openStore({ url });
  assert.equal(await store.get("boots"), 1);
});

Deno.test("serve() gives a boot up when its signal aborts", async () => {
  using workers = countWorkers();
  const abort = new AbortController();
  const site = createSite({
    store: { url: ":memory:" },
    startup: new URL("../../sites/one_document/hangs.ts", import.meta.url),
    pagelets: new URL("../../sites/one_document/good.ts", import.meta.url),
  });
  const { promise: hangs, resolve } = Promise.withResolvers<void>();
  const log: Log = { ...SILENT, info: () => resolve() };
  const served = failure(serve(site, { port: 0, log, signal: abort.signal }));
  await hangs;
  abort.abort(new Error("enough"));
  assert.match((await served).message, /enough/);
  assert.equal(workers.running, 0);
});

Deno.test("serve() refuses what is no site and what is no port", async () => {
  await assert.rejects(serve({} as never), TypeError);
  for (const port of [-1, 65536, 1.5, NaN]) {
    await assert.rejects(serve(oneDocument(""), { port }), RangeError);
  }
});

Deno.test("RunningBox.stop() and drain() at once are one", async () => {
  await using dir = await tempDir();
  using workers = countWorkers();
  const url = `${dir.path}/store.db`;
  const box = await serve(createSite(createOptions(url)), { port: 0, log: SILENT });
  const port = Number(new URL(box.url).port);
  assert.equal(box.status().state, "serving");
  assert.equal(workers.running, 1);
  const drained = box.drain();
  assert.equal(box.status().state, "stopping");
  assert.equal(box.drain(), drained);
  await Promise.all([drained, box.drain({ graceMs: 1000 }), box[Symbol.asyncDispose]()]);
  await box.finished;
  await box.stop();
  assert.equal(box.status().state, "stopped");
  assert.equal(workers.running, 0);
  assert.equal(await isListening(port), false);
  await using store = await openStore({ url });
  assert.equal(await store.get("thread"), "told");
  assert.equal(await store.get("told"), 1);
});

Deno.test("RunningBox.stop() makes a drain hurry that a request holds up", async () => {
  const site = createSite({ store: { url: ":memory:" } });
  const entered = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  site.app.get("/", async (c) => {
    entered.resolve();
    await go.promise;
    return c.text("late");
  });
  const box = await serve(site, { port: 0, log: SILENT });
  const answered = fetch(box.url, { headers: { connection: "close" } });
  await entered.promise;
  assert.equal(box.status().activeRequests, 1);
  const drained = box.drain({ graceMs: 3_600_000 });
  await box.stop();
  await Promise.all([drained, box.finished]);
  assert.equal(box.status().state, "stopped");
  go.resolve();
  assert.equal(await (await answered).text(), "late");
});

Deno.test("a durable message to a box that is not there is given up, also where nobody handles any", async () => {
  const site = createSite({ store: { url: ":memory:" } });
  site.app.get("/", async (c) => {
    await c.var.xbox.post("m", { durable: true, to: "nobody", attempts: 1 });
    return c.text("posted");
  });
  await using box = await serve(site, { port: 0, log: SILENT });
  assert.equal(await (await fetch(box.url)).text(), "posted");
  const end = performance.now() + 10_000;
  while ((await box.posts.count()).dead === 0) assert.ok(performance.now() < end, "it waits");
  const [letter] = await box.posts.dead();
  assert.equal(letter!.to, "nobody");
});

Deno.test("RunningBox.stop() cuts a request off", async () => {
  const site = createSite({ store: { url: ":memory:" } });
  const entered = Promise.withResolvers<void>();
  site.app.get("/", () => new Promise(() => entered.resolve()));
  const box = await serve(site, { port: 0, log: SILENT });
  const cut = assert.rejects(fetch(box.url));
  await entered.promise;
  await box.stop();
  await cut;
});

Deno.test("RunningBox.drain() lets a response that streams go on to its end", async () => {
  const site = createSite({ store: { url: ":memory:" } });
  const go = Promise.withResolvers<void>();
  site.app.get("/", (c) =>
    c.body(
      new ReadableStream({
        async start(to) {
          to.enqueue(new TextEncoder().encode("one "));
          await go.promise;
          const two = await c.var.store.get<string>("word");
          to.enqueue(new TextEncoder().encode(two));
          to.close();
        },
      }),
    ));
  site.app.put("/", async (c) => (await c.var.store.set("word", "two"), c.body(null, 204)));
  const box = await serve(site, { port: 0, log: SILENT });
  assert.equal((await fetch(box.url, { method: "PUT" })).status, 204);
  const response = await fetch(box.url);
  const drained = box.drain();
  const port = Number(new URL(box.url).port);
  while (await isListening(port));
  go.resolve();
  assert.equal(await response.text(), "one two");
  await drained;
});

Deno.test("serve() drains when its signal aborts, also when it has aborted already", async () => {
  const abort = new AbortController();
  const site = oneDocument("kind=threads&document=./patient.ts");
  const box = await serve(site, { port: 0, log: SILENT, signal: abort.signal });
  abort.abort();
  await box.finished;
  assert.equal(box.status().state, "stopped");
  const { message } = await failure(
    serve(oneDocument(""), { port: 0, log: SILENT, signal: abort.signal }),
  );
  assert.match(message, /aborted/);
});
