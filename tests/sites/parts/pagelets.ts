/**
 * Pagelets of every kind: whole and in parts, waiting and deaf, failing and nested.
 *
 * @module
 */

import { Hono } from "../../../runtime/deps/hono.ts";
import type { TandemEnv } from "../../../mod.ts";

const app = new Hono<TandemEnv>();
const encoder = new TextEncoder();
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

app.get("/", (c) => c.text("root"));
app.get("/text", (c) => c.text(`plain ${c.req.query("q") ?? ""}`));
app.get("/json", (c) => c.json({ a: [1, 2] }));
app.get("/html", (c) => c.html("<p>hello</p>"));
app.get("/nobody", (c) => c.body(null, 204));
app.get("/redirect", (c) => c.redirect("/elsewhere", 307));
app.get("/cookies", (c) => {
  c.header("set-cookie", "a=1; Path=/", { append: true });
  c.header("set-cookie", "b=2; Path=/", { append: true });
  return c.text("cookies");
});

/** One chunk a turn, so that each is a part. */
function inParts(chunks: (string | Uint8Array)[], broken = false): ReadableStream<Uint8Array> {
  const left = [...chunks];
  return new ReadableStream({
    async pull(controller) {
      await later(2);
      const chunk = left.shift();
      if (chunk === undefined) {
        if (broken) return controller.error(new RangeError("broken off"));
        return controller.close();
      }
      controller.enqueue(typeof chunk === "string" ? encoder.encode(chunk) : chunk);
    },
  });
}

app.get("/chunks/:list", (c) => {
  c.header("x-parts", "yes");
  return c.body(inParts(c.req.param("list").split(",")), 201);
});
app.get("/broken", (c) => c.body(inParts(["one", "two"], true)));
app.get("/broken-at-once", () =>
  new Response(
    new ReadableStream({ start: (controller) => controller.error(new RangeError("no body")) }),
  ));
app.get("/split", (c) => {
  const bytes = encoder.encode("a€😀b");
  return c.body(inParts(Array.from(bytes, (byte) => Uint8Array.of(byte))));
});
app.get("/strings", () =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue("text instead of bytes" as never);
        controller.close();
      },
    }),
  ));
app.get("/no-response", () => Response.error());
app.get("/locked", () => {
  const response = new Response("taken");
  response.body!.getReader();
  return response;
});
/** Says how many chunks it was asked for. */
app.get("/endless", (c) => {
  let chunks = 0;
  return c.body(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        await later(0);
        if (c.var.signal.aborted) return controller.close();
        controller.enqueue(new Uint8Array(64 << 10));
        await c.var.store.set("endless", ++chunks);
      },
      cancel: () => c.var.log.info("endless was cancelled"),
    }, { highWaterMark: 0 }),
  );
});
app.get("/big/:bytes", (c) => {
  const bytes = new Uint8Array(Number(c.req.param("bytes")));
  for (let i = 0; i < bytes.length; i += 997) bytes[i] = i;
  return c.body(bytes);
});
app.get("/big-stream/:bytes", (c) => {
  let left = Number(c.req.param("bytes"));
  return c.body(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        await later(0);
        if (left <= 0) return controller.close();
        controller.enqueue(new Uint8Array(Math.min(left, 64 << 10)));
        left -= 64 << 10;
      },
    }),
  );
});

/** Waits until the store has `gate/<name>`, or its signal aborts. */
app.get("/gate/:name", async (c) => {
  const { name } = c.req.param();
  c.var.log.info(`${name} entered`);
  while (!await c.var.store.has(["gate", name])) {
    if (c.var.signal.aborted) {
      const { signal } = c.req.raw;
      c.var.log.info(`${name} aborted`, { why: String(c.var.signal.reason), raw: signal.aborted });
      return c.text("aborted", 499 as 500);
    }
    await later(3);
  }
  return c.text(`${name} passed`);
});
/** The same, deaf to its signal. */
app.get("/deaf/:name", async (c) => {
  const { name } = c.req.param();
  c.var.log.info(`${name} entered`);
  while (!await c.var.store.has(["gate", name])) await later(3);
  return c.text(`${name} passed`);
});
/** Sends a chunk, then waits like a gate. */
app.get("/half/:name", (c) => {
  const { name } = c.req.param();
  const { store, signal, log } = c.var;
  let sent = false;
  return c.body(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (!sent) {
          sent = true;
          await later(2);
          return controller.enqueue(encoder.encode("<p>first half"));
        }
        while (!await store.has(["gate", name])) {
          if (signal.aborted) {
            log.info(`${name} aborted`);
            return controller.error(signal.reason);
          }
          await later(3);
        }
        controller.enqueue(encoder.encode("second half"));
        controller.close();
      },
      cancel: () => log.info(`${name} cancelled`),
    }, { highWaterMark: 0 }),
    200,
    { "content-type": "text/html" },
  );
});
/** Computes without a break. */
app.get("/spin/:ms", (c) => {
  const end = performance.now() + Number(c.req.param("ms"));
  while (performance.now() < end);
  return c.text("dizzy");
});

app.all("/echo", async (c) =>
  c.json({
    method: c.req.method,
    url: c.req.url,
    headers: [...c.req.raw.headers],
    body: await c.req.text(),
    threadType: c.var.threadType,
  }));
app.post("/bytes", async (c) => c.body(await c.req.arrayBuffer()));
app.post("/count", async (c) => {
  let bytes = 0;
  for await (const chunk of c.req.raw.body ?? []) bytes += chunk.byteLength;
  return c.json(bytes);
});
app.post("/form", async (c) => {
  const form = await c.req.formData();
  const fields: [string, string][] = [];
  for (const [name, value] of form) {
    fields.push([
      name,
      typeof value === "string"
        ? value
        : `${value.name} ${value.type} ${[...new Uint8Array(await value.arrayBuffer())]}`,
    ]);
  }
  return c.json(fields);
});

app.get("/throw/range", () => {
  throw new RangeError("out of range", { cause: new TypeError("the cause") });
});
app.get("/throw/text", () => {
  throw "just text";
});
app.get("/throw/nothing", () => {
  throw undefined;
});
app.get("/nothing", (() => {}) as never);
app.get("/crash", async () => {
  self.reportError(new Error("crashed"));
  await new Promise(() => {});
  return new Response();
});
app.get("/leave", async () => {
  self.close();
  await new Promise(() => {});
  return new Response();
});
/** Fails for every tenth number. */
app.get("/tenth/:n", (c) => {
  const n = Number(c.req.param("n"));
  if (n % 10 === 0) throw new Error(`${n} is bad`);
  return c.html(`<p>good ${n}</p>`);
});

app.get("/tree/:depth", async (c) => {
  const depth = Number(c.req.param("depth"));
  if (depth === 0) return c.text("leaf");
  const { pagelets } = c.var;
  const children = [1, 2].map(() => pagelets.start(`/tree/${depth - 1}`));
  const texts: string[] = [];
  for await (const child of pagelets.asCompleted(children)) texts.push(await child.text());
  return c.text(`(${texts.join(" ")})`);
});
/** Waits for its child by `ended` alone. */
app.get("/patient", async (c) => {
  const child = c.var.pagelets.start("/text?q=child");
  await child.ended;
  return c.text(`${child.status}: ${await child.text()}`);
});
/** Is busy while its child ends. */
app.get("/late", async (c) => {
  const child = c.var.pagelets.start("/text?q=early");
  const message = c.var.xbox.enabled ? c.var.xbox.start({ do: "echo", value: "early" }) : undefined;
  await later(20);
  const end = performance.now() + 60;
  while (performance.now() < end);
  const value = (await message?.result())?.value ?? "";
  return c.text(`${await child.text()} ${value}`);
});
app.get("/forever/:n", async (c) => {
  const n = Number(c.req.param("n"));
  const child = c.var.pagelets.start(`/forever/${n + 1}`);
  const text = await child.text();
  if (child.error) return c.text(`${n} ${(child.error as Error & { code?: string }).code}`);
  return c.text(text);
});
app.get("/messenger/:depth", async (c) => {
  const depth = Number(c.req.param("depth"));
  const { xbox, pagelets } = c.var;
  if (depth > 0) return c.text(await pagelets.start(`/messenger/${depth - 1}`).text());
  const values = await Promise.all([3, 3].map((levels) => xbox.send({ do: "nest", levels })));
  return c.text(values.join(" "));
});
app.get("/parent/:name", async (c) => {
  const { name } = c.req.param();
  const child = c.var.pagelets.start(`/gate/${name}`);
  return c.text(await child.text());
});
/** Gives its child little time; the child does not stop. */
app.get("/parent-of-deaf/:name", async (c) => {
  const { name } = c.req.param();
  const child = c.var.pagelets.start(`/deaf/${name}`, { timeoutMs: 20 });
  const { code } = await child.result();
  await c.var.store.set("child-code", code);
  while (!await c.var.store.has(["gate", "parent"])) await later(3);
  return c.text(`child ${code}`);
});
app.get("/refused", async (c) => {
  const task = c.var.pagelets.start("/text");
  const { code } = await task.result();
  const error = task.error as Error & { code?: string };
  return c.text(`${code} ${error?.code} ${c.var.pagelets.tryStart("/text") !== null}`);
});
app.get("/streams-child", (c) => {
  const child = c.var.pagelets.start("/chunks/x,y,z");
  return c.body(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { code, body } = await child.result();
        if (code !== 0) return controller.close();
        controller.enqueue(encoder.encode(`[${body}]`));
      },
    }, { highWaterMark: 0 }),
  );
});

app.get("/phases/:what", (c) => {
  const { what } = c.req.param();
  const { log, onShutdown, onCleanup } = c.var;
  onShutdown(async () => {
    await later(2);
    log.info("shutdown 1");
  });
  onShutdown(() => {
    log.info("shutdown 2");
    if (what === "fails") throw new RangeError("shutdown failed");
  });
  onShutdown(() => log.info("shutdown 3"));
  onCleanup(() => log.info("cleanup"));
  c.executionCtx.waitUntil((async () => {
    while (!await c.var.store.has(["gate", "phases"])) await later(3);
    log.info("post-send");
    throw new Error("post-send failed");
  })());
  log.info("handler");
  return what === "streams" ? c.body(inParts(["a", "b"])) : c.text("phases");
});

app.notFound((c) => c.text(`no pagelet ${c.req.path}`, 404));

export default app;
