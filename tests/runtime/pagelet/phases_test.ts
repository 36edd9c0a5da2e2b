import assert from "node:assert/strict";
import { Phases } from "../../../runtime/pool/entry/phases.ts";
import { fixture, open, recordLog, until } from "../http/support.ts";

Deno.test("Phases run shutdown functions in order, post-send work, then cleanup functions", async () => {
  const phases = new Phases();
  const order: string[] = [];
  const log = recordLog();
  assert.equal(phases.pending, false);
  phases.onCleanup(() => order.push("cleanup 1"));
  phases.onCleanup(() => {
    throw new Error("cleanup failed");
  });
  phases.onCleanup(() => order.push("cleanup 2"));
  phases.onShutdown(async () => {
    await Promise.resolve();
    order.push("shutdown 1");
    phases.onShutdown(() => order.push("shutdown 3"));
  });
  phases.onShutdown(() => order.push("shutdown 2"));
  phases.waitUntil(Promise.reject(new Error("work failed")));
  let sent = () => {};
  const response = new Promise<void>((resolve) => sent = resolve);
  phases.waitUntil((async () => {
    await response;
    phases.waitUntil(Promise.resolve().then(() => order.push("work 2")));
    order.push("work 1");
  })());
  assert.equal(phases.pending, true);
  await phases.beforeSend();
  sent();
  await phases.afterSend(log);
  assert.equal(phases.pending, false);
  assert.deepEqual(order, [
    "shutdown 1",
    "shutdown 2",
    "shutdown 3",
    "work 1",
    "work 2",
    "cleanup 1",
    "cleanup 2",
  ]);
  assert.deepEqual(log.lines.map(({ fields }) => fields.why), ["work failed", "cleanup failed"]);
  for (const wrong of [undefined, 5, "f"] as never[]) {
    assert.throws(() => phases.onShutdown(wrong), { name: "TypeError", message: /onShutdown/ });
    assert.throws(() => phases.onCleanup(wrong), { name: "TypeError", message: /onCleanup/ });
  }
});

const messages = (lines: { message: string }[]) =>
  lines.map(({ message }) => message).filter((m) => /^(handler|shut|post|clean|Work)/.test(m));
const PHASES = [
  "handler",
  "shutdown 1",
  "shutdown 2",
  "shutdown 3",
  "post-send",
  "Work after the response failed",
  "cleanup",
];

Deno.test("Phases.copy() has what was registered before, and shares nothing after", async () => {
  const log = recordLog();
  const order: string[] = [];
  const session = new Phases();
  session.onShutdown(() => order.push("shutdown"));
  session.onPostSend(() => order.push("post-send"));
  session.onCleanup(() => order.push("cleanup"));
  session.waitUntil(Promise.resolve().then(() => order.push("work of the session")));
  for (const request of ["first", "second"]) {
    const copy = session.copy();
    copy.onPostSend(() => order.push(request));
    await copy.beforeSend();
    await copy.afterSend(log);
    assert.equal(copy.pending, false);
    assert.deepEqual(
      order.filter((what) => !what.startsWith("work")),
      ["shutdown", "post-send", request, "cleanup"],
    );
    order.length = 0;
  }
  assert.equal(session.pending, true, "the session's own are still there for the next request");
});

Deno.test("Phases.onPostSend() runs in order after the response, and a failure ends the list only", async () => {
  const log = recordLog();
  const order: string[] = [];
  const phases = new Phases();
  assert.throws(() => phases.onPostSend("no" as never), {
    name: "TypeError",
    message: "Cannot register with onPostSend: a function is needed, and string was given",
  });
  assert.equal(phases.pending, false);
  phases.onPostSend(async () => {
    await undefined;
    order.push("first");
    phases.onPostSend(() => {
      order.push("last");
      throw new Error("post-send failed");
    });
    phases.onPostSend(() => order.push("never"));
  });
  phases.onCleanup(() => order.push("cleanup"));
  phases.waitUntil(Promise.resolve());
  assert.equal(phases.pending, true);
  await phases.beforeSend();
  assert.deepEqual(order, [], "not before the response");
  await phases.afterSend(log);
  assert.deepEqual(order, ["first", "last", "cleanup"]);
  assert.equal(phases.pending, false);
  assert.equal(log.lines.length, 1);
  assert.match(JSON.stringify(log.lines), /post-send failed/);
});

Deno.test("Phases of a pagelet: the answer does not wait for post-send work, the worker does", async () => {
  for (const [path, body] of [["/phases/whole", "phases"], ["/phases/streams", "ab"]] as const) {
    const site = await open({ pagelets: { document: fixture("parts/pagelets.ts"), workers: 1 } });
    await site.run(async ({ pagelets }) => {
      assert.equal(await pagelets.start(path).text(), body);
    });
    assert.deepEqual(messages(site.log.lines), PHASES.slice(0, 4));
    assert.equal(site.pool().busy, 1);
    const draining = site.run(async ({ store }) => {
      const drain = site.box.drain({ graceMs: 30_000 });
      await store.set(["gate", "phases"], true);
      return { drain };
    });
    await (await draining).drain;
    assert.deepEqual(messages(site.log.lines), PHASES);
  }
});

Deno.test("Phases of a pagelet: a shutdown function that fails makes the response a 500", async () => {
  await using site = await open({ pagelets: fixture("parts/pagelets.ts") });
  await site.run(async ({ pagelets, store }) => {
    await store.set(["gate", "phases"], true);
    const task = pagelets.start("/phases/fails");
    assert.equal((await task.result()).code, 500);
    assert.ok(task.error instanceof RangeError);
  });
  await site.logged("cleanup");
  assert.ok(!messages(site.log.lines).includes("shutdown 3"));
});

Deno.test("Phases of a page: order, failure, and a drain that waits for the work", async () => {
  const order: string[] = [];
  let finish = () => {};
  let cancelled = false;
  const site = await open({}, (site) => {
    site.app.get("/", (c) => {
      const { onShutdown, onCleanup } = c.var;
      onShutdown(() => order.push("shutdown"));
      c.executionCtx.waitUntil(Promise.reject(new Error("failed at once")));
      onCleanup(() => order.push("cleanup"));
      const work = new Promise<void>((resolve) => finish = resolve);
      c.executionCtx.waitUntil(work.then(() => order.push("post-send")));
      order.push("handler");
      return c.text("page");
    });
    site.app.get("/fails", (c) => {
      c.var.onShutdown(() => {
        throw new Error("shutdown failed");
      });
      return c.body(new ReadableStream({ cancel: () => void (cancelled = true) }));
    });
    site.app.get("/throws", (c) => {
      c.var.onShutdown(() => order.push("shutdown"));
      throw new Error("failed");
    });
  });
  assert.equal((await site.get("/fails")).status, 500);
  assert.equal(cancelled, true);
  assert.equal((await site.get("/throws")).status, 500);
  assert.deepEqual(order.splice(0), ["shutdown"]);
  assert.equal((await site.get("/")).text, "page");
  assert.deepEqual(order, ["handler", "shutdown"]);
  assert.equal(site.box.status().activeRequests, 1);
  const drain = site.box.drain({ graceMs: 30_000 });
  await until(() => site.box.status().state === "stopping");
  assert.deepEqual(order, ["handler", "shutdown"]);
  finish();
  await drain;
  assert.deepEqual(order, ["handler", "shutdown", "post-send", "cleanup"]);
  assert.ok(site.log.lines.some(({ fields }) => fields.why === "failed at once"));
});
