import assert from "node:assert/strict";
import { serve } from "../../../mod.ts";
import { ANSWERS, CALLS } from "../../sites/hostile/names.ts";
import { hostileSite, Lines } from "../../sites/hostile/site.ts";
import { countWorkers } from "../../support/workers.ts";
import { startTestThread } from "./support.ts";

const ATTACKS = new URL("../../sites/hostile/attacks.ts", import.meta.url).href;
const canary = globalThis as { canary?: unknown };

/** A box of the hostile site, its log, and whether anything was left of an attack. */
async function openBox(options?: Parameters<typeof hostileSite>[0]) {
  const workers = countWorkers();
  const lines = new Lines();
  const unhandled: unknown[] = [];
  const note = (event: PromiseRejectionEvent) => void unhandled.push(event.reason);
  globalThis.addEventListener("unhandledrejection", note);
  const close = () => {
    globalThis.removeEventListener("unhandledrejection", note);
    workers[Symbol.dispose]();
  };
  const box = await serve(hostileSite(options), { port: 0, log: lines.log }).catch((error) => {
    close();
    throw Object.assign(error, { running: workers.running });
  });
  const get = async (path: string) => await (await fetch(new URL(path, box.url))).json();
  return {
    lines,
    workers,
    get,
    status: () => box.status(),
    pagelet: (path: string) =>
      get(`pagelet${path}`) as Promise<{ code: number; body: string | null; error: string | null }>,
    /** The box is as it was: it answers from a fresh worker, and nothing was reached. */
    async isWhole() {
      assert.deepEqual(await this.pagelet("/ok"), { code: 200, body: "ok false", error: null });
      assert.deepEqual(await get("echo"), { echo: 1 });
      assert.equal(box.status().healthLevel, 100);
      const { pagelets, xbox } = box.status().pools;
      assert.deepEqual([pagelets!.leaked, xbox!.leaked, xbox!.ended > 0], [0, 0, true]);
      assert.equal(canary.canary, undefined);
      assert.equal(({} as { canary?: unknown }).canary, undefined);
      assert.deepEqual(unhandled, []);
    },
    async [Symbol.asyncDispose]() {
      await box.drain({ graceMs: 10_000 });
      close();
      assert.equal(workers.running, 0);
      assert.deepEqual(unhandled, []);
    },
  };
}

const ENDED = /^warn A worker of pool pagelets ended .*"why":"Worker .*pagelets \d+.* ended: it /;

Deno.test("a pagelet that attacks by calls ends its own worker, and nothing else", async (t) => {
  await using box = await openBox();
  await box.isWhole();
  for (const name of CALLS) {
    await t.step(name, async () => {
      const { code, body, error } = await box.pagelet(`/calls/${name}`);
      assert.deepEqual([code, body, error], [500, null, "BAD_MESSAGE"]);
      await box.lines.until(ENDED);
      await box.isWhole();
    });
  }
  // The xbox worker is still the first one; the pagelet pool has replaced one an attack.
  assert.equal(box.workers.started, CALLS.length + 2);
});

Deno.test("a pagelet that forges its answer ends its own worker, and nothing else", async (t) => {
  await using box = await openBox();
  for (const name of ANSWERS) {
    await t.step(name, async () => {
      const { code, body, error } = await box.pagelet(`/answers/${name}`);
      assert.deepEqual([code, body, error], [500, null, "BAD_MESSAGE"]);
      await box.lines.until(ENDED);
      await box.isWhole();
    });
  }
  await t.step("twice", async () => {
    const { code } = await box.pagelet("/twice");
    assert.ok(code === 200 || code === 500, `${code}`);
    await box.lines.until(/"why":"Worker .* answered a question that is not open/);
    await box.isWhole();
  });
});

Deno.test("a pagelet that attacks from a timer ends its own worker after its answer", async (t) => {
  await using box = await openBox();
  for (const name of ["construct", "noFrame", "proxyArgument", "streamsPort", "forgedId"]) {
    await t.step(name, async () => {
      await box.pagelet(`/timers/${name}`);
      await box.lines.until(ENDED);
      await box.isWhole();
    });
  }
});

Deno.test("a pagelet reaches no task and no handle of others", async () => {
  await using box = await openBox();
  assert.equal((await box.pagelet("/done")).body, "done");
  assert.equal((await box.pagelet("/foreign")).body, "foreign");
  assert.equal(box.workers.started, 2, "nothing of it was a violation");
  await box.isWhole();
});

const STREAMS: [string, string | null][] = [
  ["text", "BAD_MESSAGE"],
  ["shared", "BAD_MESSAGE"],
  ["endless", "RESULT_TOO_LARGE"],
  ["error", "Error"],
  ["port", null],
];

Deno.test.each(STREAMS)("a hostile body (%s) breaks its own response only", async (name, error) => {
  await using box = await openBox();
  const answered = await box.pagelet(`/streams/${name}`);
  assert.equal(answered.error, error);
  if (error === null) assert.equal(answered.body, "\0".repeat(24));
  await box.isWhole();
});

const LOADS: [string, Parameters<typeof hostileSite>[0]][] = [
  ["a pagelet document while it loads", { pagelets: "?load=construct" }],
  ["a thread document while it loads", { thread: "?load=applyConstructor" }],
  ["a thread document before it has started", { thread: "?early=noFrame" }],
];

Deno.test.each(LOADS)("an attack by %s fails the boot", async (_, options) => {
  await assert.rejects(openBox(options), (error: Error & { code?: string; running?: number }) => {
    assert.equal(error.code, "BOOT_FAILED");
    assert.match(error.message, /(pagelets|thread)\.ts.*ended: it (sent|called)/);
    assert.equal(error.running, 0);
    assert.equal(canary.canary, undefined);
    return true;
  });
});

Deno.test("an attack by a thread document that has started ends its worker only", async () => {
  await using box = await openBox({ thread: "?late=getProto" });
  const line = await box.lines.until(/service thread/i);
  assert.match(line, /^error A service thread failed .*it sent a message of type GET/);
  await box.isWhole();
});

Deno.test.each(CALLS)("a bare thread that attacks by %s ends as violated", async (name) => {
  using workers = countWorkers();
  const secrets: unknown[] = [];
  const thread = await startTestThread({
    document: `export { CALLS } from ${JSON.stringify(ATTACKS)};`,
    services: {
      log: () => {},
      // Without an answer, so that ids stay in use.
      storeGet: () => new Promise(() => {}),
    },
    api: `{
      attack: async (name) => {
        await context.documents.main.CALLS[name]();
        return name === "replacedPost" ? 1 : new Promise(() => setTimeout(() => {}, 2 ** 30));
      },
    }`,
  });
  const answer = thread.call("attack", [name]).then((value) => secrets.push(value));
  await assert.rejects(answer, { code: "BAD_MESSAGE", message: /^Worker "test 1" ended: it / });
  assert.equal((await thread.ended).reason, "violated");
  await assert.rejects(thread.call("attack", [name]), { code: "BAD_MESSAGE" });
  assert.deepEqual([secrets, canary.canary, workers.running], [[], undefined, 0]);
});
