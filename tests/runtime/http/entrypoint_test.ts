import assert from "node:assert/strict";
import {
  flush,
  resources,
  RuntimeError,
  type SiteOptions,
  type TandemVariables,
} from "../../../mod.ts";
import { countWorkers } from "../../support/workers.ts";
import { fixture, open, until } from "../http/support.ts";
import { sendRaw } from "../rpc/support.ts";

const parts = { document: fixture("parts/pagelets.ts"), workers: 2 };
const init = { document: fixture("opened/init.ts"), function: "initRequest" };
const worker: SiteOptions = { pages: { document: fixture("opened/app.ts"), isolation: "worker" } };
const entry: SiteOptions = { pages: { document: fixture("opened/app.ts"), isolation: "entry" } };

Deno.test("A client that goes before the response cancels what the page started", async () => {
  await using site = await open(
    { pagelets: parts, xbox: fixture("messages/xbox.ts") },
    (site) => {
      site.app.get("/", async (c) => {
        const nested = c.var.pagelets.start("/parent/child");
        const message = c.var.xbox.start({ do: "gate", name: "message" });
        await nested.ended;
        await message.result();
        c.var.log.info(`page: ${nested.status} ${message.status} ${c.var.signal.aborted}`);
        return c.text("nobody hears");
      });
    },
  );
  const abort = new AbortController();
  const response = fetch(site.box.url, { signal: abort.signal });
  await site.logged("child entered");
  await site.logged("message entered");
  abort.abort();
  await assert.rejects(response);
  await site.logged("child aborted");
  await site.logged("message aborted");
  await site.logged("page: cancelled cancelled true");
  await site.quiet();
});

Deno.test("A client that goes while the response streams cancels what the page started", async () => {
  for (const kind of ["early", "late", "streamed"]) {
    let variables: TandemVariables;
    await using site = await open({ pagelets: parts }, (site) => {
      site.app.get("/early", (c) => {
        const task = c.var.pagelets.start("/gate/early");
        return flush(c, async (out) => {
          await out.write("shell");
          await out.pipe(task);
        });
      });
      site.app.get("/late", (c) => {
        variables = c.var;
        return flush(c, async (out) => {
          await out.write("shell");
          await c.var.store.get("something");
          await out.pipe(c.var.pagelets.start("/gate/late"));
        });
      });
      site.app.get("/streamed", async (c) => {
        const task = c.var.pagelets.start("/half/streamed");
        return await task.response();
      });
    });
    const abort = new AbortController();
    const response = await fetch(site.url(`/${kind}`), { signal: abort.signal });
    await response.body!.getReader().read();
    if (kind !== "streamed") await site.logged(`${kind} entered`);
    assert.equal(site.box.status().activeRequests, 1);
    abort.abort();
    if (kind !== "streamed") await site.logged(`${kind} aborted`);
    await site.quiet();
    if (kind === "late") assert.equal(variables!.signal.aborted, true);
    assert.ok(!site.log.lines.some(({ level }) => level === "error" || level === "warn"));
  }
});

Deno.test("A page that ends well does not abort its signal or its unfinished pagelets", async () => {
  const signals: AbortSignal[] = [];
  await using site = await open({ pagelets: parts }, (site) => {
    site.app.get("/whole/:name", (c) => {
      signals.push(c.var.signal);
      c.var.pagelets.start(`/gate/${c.req.param("name")}`);
      return c.text("over");
    });
    site.app.get("/flushed/:name", (c) => {
      signals.push(c.var.signal);
      return flush(c, async (out) => {
        c.var.pagelets.start(`/gate/${c.req.param("name")}`);
        await out.write("over");
      });
    });
  });
  assert.equal((await site.get("/whole/a")).text, "over");
  assert.equal((await site.get("/flushed/b")).text, "over");
  await site.logged("a entered");
  await site.logged("b entered");
  assert.equal((await site.get("/nothing")).status, 404);
  assert.deepEqual(signals.map(({ aborted }) => aborted), [false, false]);
  await site.run(({ store }) =>
    Promise.all([store.set(["gate", "a"], 1), store.set(["gate", "b"], 1)])
  );
  await site.quiet();
  assert.ok(!site.log.lines.some(({ message }) => /aborted/.test(message)));
});

Deno.test("A drain waits for a page that streams, also where no pagelet runs", async () => {
  let release = () => {};
  const site = await open({}, (site) => {
    site.app.get("/", (c) =>
      flush(c, async (out) => {
        await out.write("drip");
        await new Promise<void>((resolve) => release = resolve);
        await out.write(" drop");
      }));
  });
  const response = await fetch(site.box.url);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, "drip");
  let drained = false;
  const draining = site.box.drain({ graceMs: 30_000 }).then(() => drained = true);
  assert.deepEqual([site.box.status().state, site.box.status().activeRequests], ["stopping", 1]);
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setTimeout(resolve));
  assert.equal(drained, false);
  release();
  assert.equal((await reader.read()).value, " drop");
  assert.equal((await reader.read()).done, true);
  await draining;
});

Deno.test("HEAD runs the page without a body and leaves nothing running", async () => {
  await using site = await open({ pagelets: parts }, (site) => {
    site.app.get("/", (c) =>
      flush(c, async (out) => {
        await out.write("shell");
        await out.pipe(c.var.pagelets.start("/chunks/a,b"));
      }));
    site.app.get("/text", (c) => c.text("text", 201, { "x-a": "1" }));
  });
  const text = await site.get("/text", { method: "HEAD" });
  assert.deepEqual([text.status, text.headers.get("x-a"), text.text], [201, "1", ""]);
  const page = await site.get("/", { method: "HEAD" });
  assert.deepEqual([page.status, page.text], [200, ""]);
  await site.quiet();
});

Deno.test("Errors and unknown paths are answered by the app that has handlers for them", async () => {
  for (const options of [entry, worker]) {
    await using site = await open(options, (site) => {
      site.app.get("/hello", (c) => c.text("from the site"));
      site.app.get("/fails", () => {
        throw new Error("site failed");
      });
    });
    assert.equal((await site.get("/hello")).text, "from the site");
    const unknown = await site.get("/unknown");
    assert.deepEqual([unknown.status, unknown.text], [404, "the document knows no such page"]);
    const teapot = await site.get("/teapot");
    assert.deepEqual([teapot.status, teapot.text], [418, "own handler: teapot"]);
    const failed = await site.get("/throws");
    assert.deepEqual([failed.status, failed.text], [500, "Internal Server Error"]);
    assert.equal((await site.get("/nothing")).status, 500);
    assert.equal((await site.get("/fails")).status, 500);
    assert.ok(site.log.lines.some(({ fields }) => fields.why === "page failed"));
    assert.ok(site.log.lines.some(({ fields }) => fields.why === "site failed"));
  }
  await using own = await open(entry, (site) => {
    site.app.notFound((c) => c.text("the site knows no such page", 404));
    site.app.onError((error, c) => c.text(`site: ${error.message}`, 503));
  });
  assert.equal((await own.get("/unknown")).text, "the site knows no such page");
  const failed = await own.get("/throws");
  assert.deepEqual([failed.status, failed.text], [503, "site: page failed"]);
  await using bare = await open({});
  assert.deepEqual((await bare.get("/")).status, 404);
});

Deno.test("site.app takes no route once the site has booted", async () => {
  let app: { get(path: string, handler: () => Response): unknown };
  await using site = await open(entry, (site) => app = site.app);
  await site.get("/locals");
  assert.throws(() => app!.get("/late", () => new Response()), (error) => {
    assert.ok(error instanceof RuntimeError);
    assert.equal(error.code, "SITE_SEALED");
    assert.match(error.message, /GET \/late/);
    return true;
  });
  assert.equal((await site.get("/late")).status, 404);
});

Deno.test("Pages in workers stream bodies both ways, with cookies, redirects and pagelets", async () => {
  using workers = countWorkers();
  {
    await using site = await open({ ...worker, pagelets: parts });
    const body = new Uint8Array(3_000_000).map((_, i) => i);
    const back = await fetch(site.url("/back"), { method: "POST", body });
    assert.deepEqual(await back.bytes(), body);
    // Both directions at once: what is sent comes back before the request has ended.
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    writer.write(new TextEncoder().encode("one"));
    const echo = await fetch(site.url("/back"), { method: "POST", body: readable });
    const reader = echo.body!.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader.read()).value, "one");
    writer.write(new TextEncoder().encode("two"));
    assert.equal((await reader.read()).value, "two");
    writer.close();
    assert.equal((await reader.read()).done, true);

    const cookies = await site.get("/cookies", { headers: { cookie: "x=1; y=2" } });
    assert.equal(cookies.text, "x=1; y=2");
    assert.deepEqual(cookies.headers.getSetCookie(), ["a=1", "b=2"]);
    const moved = await site.get("/moved", { redirect: "manual" });
    assert.deepEqual([moved.status, moved.headers.get("location")], [302, "/locals"]);
    assert.equal(JSON.parse((await site.get("/locals")).text).threadType, "Web Request");
    assert.equal((await site.get("/started")).text, "plain 1 plain 2");
    assert.equal((await site.get("/locals", { method: "HEAD" })).text, "");

    const abort = new AbortController();
    const drip = await fetch(site.url("/drip"), { signal: abort.signal });
    assert.equal(new TextDecoder().decode((await drip.body!.getReader().read()).value), "drip");
    abort.abort();
    await site.logged("drip aborted");
    await site.quiet();
    assert.equal(site.pool("pages").leaked, 0);
  }
  assert.equal(workers.running, 0);
});

Deno.test("Request init runs before every page in the entry; a failure is a 500", async () => {
  await using site = await open({ ...entry, requestInit: init });
  const first = JSON.parse((await site.get("/locals?a=1")).text);
  const second = JSON.parse((await site.get("/locals")).text);
  assert.equal(first.path, "/locals");
  assert.equal(first.init.threadType, "Web Request");
  assert.equal(second.init.evaluated, 1);
  assert.equal(second.init.calls, first.init.calls + 1);
  const failed = await site.get("/locals?init=fails");
  assert.deepEqual([failed.status, failed.text], [500, "Internal Server Error"]);
  assert.equal(JSON.parse((await site.get("/locals")).text).handled, second.handled + 1);
  assert.ok(site.log.lines.some(({ fields }) => /init failed/.test(String(fields.why))));
});

Deno.test("Request init runs before every pagelet and every page in a worker", async () => {
  for (const name of ["pagelets", "pages"]) {
    await using site = await open({
      requestInit: init,
      startup: fixture("opened/startup.ts"),
      [name]: {
        document: fixture("opened/app.ts"),
        workers: 1,
        ...(name === "pages" ? { isolation: "worker" } : {}),
      },
    });
    const ask = async (path: string) => {
      if (name === "pages") return await site.get(path);
      return await site.run(async ({ pagelets }) => {
        const task = pagelets.start(path);
        const { code, body } = await task.result();
        return { status: code, text: body, error: task.error };
      });
    };
    for (const calls of [1, 2]) {
      const { init, handled, motd, path } = JSON.parse((await ask("/locals")).text);
      const threadType = name === "pages" ? "Web Request" : "Pagelet Thread";
      assert.deepEqual([init, handled], [{ evaluated: 1, calls, threadType }, calls]);
      assert.deepEqual([motd, path], ["hello", "/locals"]);
    }
    const failed = await ask("/locals?init=fails");
    assert.deepEqual([failed.status, failed.text], [500, "Internal Server Error"]);
    if ("error" in failed) {
      assert.equal((failed.error as RuntimeError).code, "INIT_FAILED");
      assert.ok((failed.error as RuntimeError).cause instanceof RangeError);
    }
    assert.equal(JSON.parse((await ask("/locals")).text).handled, 3);
  }
});

Deno.test("Pages in workers answer 413 to a body that says it is larger than maxBodyBytes", async () => {
  const pages = {
    document: fixture("opened/app.ts"),
    isolation: "worker",
    maxBodyBytes: 10,
  } as const;
  await using site = await open({ pages });
  const post = (body: string) => site.get("/back", { method: "POST", body });
  assert.deepEqual([(await post("x".repeat(10))).status, (await post("x".repeat(11))).status], [
    200,
    413,
  ]);
});

Deno.test("A page in the entry has a response within deadlineMs, and its parts no more time", async () => {
  const pages = { document: fixture("opened/app.ts"), deadlineMs: 60 } as const;
  const given: number[] = [];
  await using site = await open({ pages, pagelets: parts }, (site) => {
    site.app.get("/slow", async (c) => {
      const part = c.var.pagelets.start("/parent/child", { timeoutMs: 60_000 });
      c.var.onCleanup(() => given.push(1));
      const { signal } = c.var;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      await part.ended;
      c.var.log.info(`part ${part.status}, ${c.var.signal.aborted}`);
      return c.text("too late");
    });
  });
  const begun = performance.now();
  const { status, text } = await site.get("/slow");
  assert.deepEqual([status, text], [504, "Gateway Timeout"]);
  assert.ok(performance.now() - begun >= 59);
  await until(() =>
    site.log.lines.some(({ message }) => /^part (timed-out|cancelled), true$/.test(message))
  );
  await site.quiet();
  assert.deepEqual(given, [1], "what comes after the response is done all the same");
  assert.equal((await site.get("/locals")).status, 200);
});

Deno.test("A page in the entry has a frame of its own where something belongs to requests", async () => {
  const id = resources.findId("seen by this page") ||
    resources.allocateId("seen by this page", { scope: "request", ctor: () => [] as string[] });
  try {
    await using site = await open({}, (site) => {
      site.app.get("/:name", async (c) => {
        const seen = () => resources.resource<string[]>(id);
        seen().push(c.req.param("name"));
        await new Promise((resolve) => setTimeout(resolve));
        const own = resources.findId("tandem.request");
        const { requestId } = resources.resource<{ requestId: string }>(own);
        return c.text(`${seen()} ${requestId === c.var.requestId}`);
      });
    });
    const names = ["a", "b", "c"];
    const texts = await Promise.all(names.map(async (name) => (await site.get(`/${name}`)).text));
    assert.deepEqual(texts, names.map((name) => `${name} true`));
  } finally {
    resources.freeId(id);
  }
});

Deno.test("A request whose hook fails before the page runs is answered with 500, and is over", async () => {
  await using site = await open({}, (site) => site.app.get("/", (c) => c.text("ran")));
  const fail = () => {
    throw new RangeError("the hook failed");
  };
  for (const init of [fail, () => Promise.resolve().then(fail)]) {
    const off = resources.addRequestHooks({ init });
    try {
      const response = await fetch(site.box.url);
      assert.deepEqual([response.status, await response.text()], [500, "Internal Server Error"]);
    } finally {
      off();
    }
    await site.quiet();
  }
  assert.equal(await (await fetch(site.box.url)).text(), "ran");
});

Deno.test("A page that is late is over also when nothing ends the cancelling of its body", async () => {
  const pages = { document: fixture("opened/app.ts"), deadlineMs: 20 };
  await using site = await open({ pages }, (site) => {
    site.app.get("/late", async (c) => {
      await new Promise((resolve) => c.var.signal.onabort = resolve);
      const cancel = () => new Promise<void>(() => {});
      return c.body(new ReadableStream<Uint8Array>({ cancel }));
    });
  });
  const response = await fetch(new URL("/late", site.box.url));
  assert.deepEqual([response.status, await response.text()], [504, "Gateway Timeout"]);
  await site.quiet();
  // The client may call the host whatever it likes.
  for (const host of ["x:99999", "[::1"]) {
    const answer = await sendRaw(site.box.url, `GET /late HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
    assert.match(answer, /^HTTP\/1.1 504 /);
    await site.quiet();
  }
});
