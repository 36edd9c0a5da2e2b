import assert from "node:assert/strict";
import { fixture, open, until } from "./support.ts";

Deno.test("a client that goes while a page waits for two pagelets in turn does not end the box", async () => {
  let failed = 0;
  await using site = await open({
    pagelets: { document: fixture("waits/pagelets.ts"), workers: 2 },
  }, (site) => {
    site.app.get("/both", async (c) => {
      const first = c.var.pagelets.start("/wait/60000").text();
      const second = c.var.pagelets.start("/wait/60001").text();
      try {
        return c.text(await first + await second);
      } catch (error) {
        failed++;
        throw error;
      }
    });
    site.app.get("/ok", (c) => c.text("ok"));
  });
  const abort = new AbortController();
  const gone = fetch(`${site.box.url}both`, { signal: abort.signal });
  await until(() => site.pool().busy === 2);
  abort.abort();
  await assert.rejects(gone);
  await until(() => failed === 1 && site.box.status().activeRequests === 0);
  assert.equal((await site.get("/ok")).text, "ok");
});

Deno.test("c.set() with a name of the runtime's own changes what handlers see and nothing else", async () => {
  await using site = await open({}, (site) => {
    site.app.get("/", (c) => {
      for (const name of ["usedPhases", "watch", "phases", "makeLog", "sessionContext", "log"]) {
        c.set(name as never, 5 as never);
      }
      c.executionCtx.waitUntil(Promise.resolve());
      assert.equal(c.get("toString" as never), undefined);
      return c.text(String(c.var.log));
    });
  });
  assert.equal((await site.get("/")).text, "5");
  await until(() => site.box.status().activeRequests === 0);
});

Deno.test("an app that basePath() returned serves pages and pagelets", async () => {
  const document = fixture("based/pagelets.ts");
  await using site = await open({ pages: document, pagelets: document }, (site) => {
    site.app.get("/pagelet", async (c) => c.text(await c.var.pagelets.start("/api/who").text()));
  });
  assert.equal((await site.get("/api/who")).text, "Web Request");
  assert.equal((await site.get("/pagelet")).text, "Pagelet Thread");
});

Deno.test("a handler that returns nothing is a 500 that onError answers", async () => {
  await using site = await open({}, (site) => {
    site.app.get("/", (() => {}) as never);
    site.app.onError((_, c) => c.text("answered", 500));
  });
  const { text, status } = await site.get("/");
  assert.equal(`${status} ${text}`, "500 answered");
});

Deno.test("c.var.signal aborts when the client leaves a stream of the handler's own", async () => {
  let signal: AbortSignal | undefined;
  await using site = await open({}, (site) => {
    site.app.get("/", (c) => {
      signal = c.var.signal;
      return c.body(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(1024)),
        }, { highWaterMark: 0 }),
      );
    });
  });
  const abort = new AbortController();
  const response = await fetch(site.box.url, { signal: abort.signal });
  await response.body!.getReader().read();
  abort.abort();
  await until(() => signal!.aborted);
});

Deno.test("drain() takes any grace from 0 and refuses everything else", async () => {
  const site = await open({}, () => {});
  for (const graceMs of [NaN, -1, "5"]) {
    await assert.rejects(site.box.drain({ graceMs: graceMs as number }), { name: "RangeError" });
  }
  await site.box.drain({ graceMs: Infinity });
  assert.equal(site.box.status().state, "stopped");
});
