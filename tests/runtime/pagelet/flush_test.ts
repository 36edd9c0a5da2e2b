import assert from "node:assert/strict";
import { flush, type PageletTask, type PageOutput, slots } from "../../../mod.ts";
import { fixture, open, until } from "../http/support.ts";

const pagelets = { document: fixture("parts/pagelets.ts"), workers: 2 };

Deno.test("flush() sends what is written when it is written", async () => {
  let out: PageOutput;
  let finish = () => {};
  await using site = await open({}, (site) => {
    site.app.get("/", (c) =>
      flush(c, async (output) => {
        out = output;
        await output.write("<h1>shell</h1>");
        await new Promise<void>((resolve) => finish = resolve);
      }));
  });
  const response = await fetch(site.box.url);
  assert.equal(response.headers.get("content-type"), "text/html; charset=UTF-8");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, "<h1>shell</h1>");
  out!.write(new TextEncoder().encode("bytes"));
  assert.equal((await reader.read()).value, "bytes");
  finish();
  assert.equal((await reader.read()).done, true);
});

Deno.test("flush() pipes pagelets part by part; one that failed adds nothing more", async () => {
  let tasks: PageletTask[] = [];
  await using site = await open({ pagelets }, (site) => {
    site.app.get("/", (c) =>
      flush(c, async (out) => {
        const { pagelets } = c.var;
        tasks = ["/chunks/a,b", "/broken", "/text?q=1"].map((path) => pagelets.start(path));
        for (const task of tasks) await out.pipe(task);
        await out.pipe(null);
        await out.write(tasks[1]!.error!.message);
      }, { contentType: "text/plain" }));
  });
  const { text, headers } = await site.get("/");
  assert.equal(text, "abonetwoplain 1broken off");
  assert.equal(headers.get("content-type"), "text/plain");
});

Deno.test("flush() breaks the response off when the page throws, and logs why", async () => {
  await using site = await open({}, (site) => {
    site.app.get("/", (c) =>
      flush(c, async (out) => {
        await out.write("half a page");
        throw new Error("no more");
      }));
  });
  const response = await fetch(site.box.url);
  await assert.rejects(response.text());
  await site.logged("A page broke off");
  assert.equal(site.log.lines.find(({ fields }) => fields.why === "no more")?.level, "error");
});

Deno.test("flush() survives a client that goes while the page writes without waiting", async () => {
  let stopped = false;
  await using site = await open({ pagelets }, (site) => {
    site.app.get("/", (c) =>
      flush(c, async (out) => {
        await out.write("shell");
        while (!c.var.signal.aborted) {
          out.write("more and more ".repeat(100));
          out.pipe(c.var.pagelets.start("/chunks/a,b"));
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        stopped = true;
        await out.write("nobody reads this");
      }));
  });
  const abort = new AbortController();
  const response = await fetch(site.box.url, { signal: abort.signal });
  await response.body!.getReader().read();
  abort.abort();
  await until(() => stopped);
  await site.quiet();
  assert.equal((await site.get("/nothing")).status, 404);
  assert.ok(!site.log.lines.some(({ message }) => message === "A page broke off"));
});

Deno.test("flush() lets a client wait for the page, and the page for the client", async () => {
  let written = 0;
  await using site = await open({}, (site) => {
    site.app.get("/", (c) =>
      flush(c, async (out) => {
        for (let i = 0; i < 400; i++) {
          await out.write(new Uint8Array(256 << 10));
          written++;
        }
      }));
  });
  const response = await fetch(site.box.url);
  let before = -1;
  // Sockets hold some megabytes; a page that does not wait would write all 100.
  while (before !== written) {
    before = written;
    await site.get("/nothing");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(written < 200, `${written} chunks were taken`);
  assert.equal((await response.bytes()).length, 400 * (256 << 10));
});

Deno.test("flush() and slots() answer HEAD with the headers, and do not keep what the page started", async () => {
  let produced = false;
  await using site = await open({ pagelets }, (site) => {
    site.app.get("/flush", (c) =>
      flush(c, async (out) => {
        produced = true;
        await out.write("never read");
      }));
    site.app.get(
      "/slots",
      (c) =>
        slots(c, { before: "", grid: "<slot name=a></slot>", after: "" }, {
          a: c.var.pagelets.start("/chunks/a,b"),
        }),
    );
  });
  for (const path of ["flush", "slots"]) {
    const response = await fetch(site.box.url + path, { method: "HEAD" });
    assert.equal(response.headers.get("content-type"), "text/html; charset=UTF-8");
    assert.equal(await response.text(), "");
  }
  assert.equal(produced, false);
  await until(() => site.pool().busy === 0 && site.box.status().activeRequests === 0);
});
