import assert from "node:assert/strict";
import { Hono } from "../../../runtime/deps/hono.ts";
import type { PageletAnswer, WireRequest } from "../../../runtime/pagelet/wire.ts";
import { open } from "../../../runtime/pagelet/worker.ts";
import type { WorkerContext } from "../../../runtime/thread/entry/main.ts";
import type { TandemEnv } from "../../../mod.ts";
import {
  type AnswerMessage,
  FLAGS,
  newRing,
  Ring,
  type TaskMessage,
} from "../../../runtime/pool/protocol.ts";
import { until } from "../http/support.ts";

type Answer = PageletAnswer & { open: boolean };

/** A worker's functions around an app, its calls to the entry recorded. */
async function worker(app: unknown) {
  const ring = newRing();
  const places = new Ring(ring);
  const answers: AnswerMessage[] = [];
  let take: (list: unknown[]) => void = () => {};
  const calls: unknown[][] = [];
  const call = (...args: unknown[]) => {
    calls.push(args);
    return Promise.resolve();
  };
  const client = () => ({});
  const context = {
    config: {
      threadId: 1,
      threadType: "Pagelet Thread",
      globals: {},
      box: { isStopping: false, healthLevel: 100, startedAt: 0 },
      options: {
        document: "file:///x.ts",
        pool: { ring, concurrency: 32, session: "fresh" },
      },
    },
    channel: {
      take: (given: typeof take) => take = given,
      post: (list: AnswerMessage[]) => void answers.push(...list),
      setOpening: () => {},
    },
    call,
    box: { isStopping: false, healthLevel: 100, startedAt: 0 },
    clients: {
      store: { createStoreClient: client },
      globals: { createGlobalsClient: client },
      pagelets: { createPageletClient: client },
      xbox: { createXboxClient: client },
    },
    documents: { main: { default: app } },
  } as unknown as WorkerContext;
  const { cancel } = await open(context) as unknown as {
    cancel(id: number, why: string): void;
  };
  let lastId = 0;
  const ask = async (path: string, method = "GET"): Promise<Answer> => {
    const id = ++lastId;
    const url = `http://localhost${path}`;
    const wire: WireRequest = { method, url, headers: [], body: null, requestId: "r" };
    take([[id, places.put(id), wire, 0, false] satisfies TaskMessage]);
    const isFirst = ([given, flags]: AnswerMessage) => given === id && !(flags & FLAGS.done);
    await until(() => answers.some(isFirst));
    const [, flags, value] = answers.find(isFirst)!;
    return { ...value as PageletAnswer, open: (flags & FLAGS.open) !== 0 };
  };
  const done = () => answers.filter(([, flags]) => (flags & FLAGS.done) !== 0).length;
  return { ask, cancel, calls, done };
}

const textOf = (body: PageletAnswer["body"]) =>
  body instanceof ReadableStream
    ? new Response(body).text()
    : Promise.resolve(new TextDecoder().decode(body ?? undefined));

Deno.test("open() refuses a document that is no Hono app", async () => {
  for (const wrong of [undefined, {}, () => {}]) {
    await assert.rejects(worker(wrong), { code: "DOCUMENT_INVALID", message: /file:\/\/\/x.ts/ });
  }
});

Deno.test("run() answers whole what ends in its turn, and streams what does not", async () => {
  const app = new Hono();
  const encode = (text: string) => new TextEncoder().encode(text);
  app.get("/whole", (c) => c.text("whole"));
  app.get("/sync", () =>
    new Response(
      new ReadableStream({
        start(controller) {
          for (const part of ["a", "b"]) controller.enqueue(encode(part));
          controller.close();
        },
      }),
    ));
  let go = () => {};
  app.get("/later", () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(encode("a"));
          go = () => (controller.enqueue(encode("b")), controller.close());
        },
      }),
    ));
  app.get("/empty", (c) => c.body(null));
  const { ask, done } = await worker(app);
  for (const [path, text] of [["/whole", "whole"], ["/sync", "ab"]] as const) {
    const { body, open } = await ask(path);
    assert.ok(body instanceof Uint8Array && !open, path);
    assert.equal(await textOf(body), text);
  }
  assert.deepEqual([(await ask("/empty")).body, done()], [null, 0]);
  const later = await ask("/later");
  assert.ok(later.body instanceof ReadableStream && later.open);
  go();
  assert.equal(await textOf(later.body), "ab");
  await until(() => done() === 1);
});

Deno.test("cancel() aborts the handler's signals, and so does a reader that leaves", async () => {
  const app = new Hono<TandemEnv>();
  const signals: AbortSignal[] = [];
  app.get("/", (c) => {
    signals.push(c.var.signal, c.req.raw.signal);
    return c.body(new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) }));
  });
  const { ask, cancel, done } = await worker(app);
  const first = await ask("/");
  cancel(2, "another");
  assert.deepEqual(signals.map(({ aborted }) => aborted), [false, false]);
  cancel(1, "no longer needed");
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true, true]);
  assert.match(String(signals[0]!.reason), /no longer needed/);
  await (first.body as ReadableStream).cancel();
  const second = await ask("/");
  await (second.body as ReadableStream).cancel("bored");
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true, true, true, true]);
  await until(() => done() === 2);
});

Deno.test("run() answers 500 and tells the error's record for whatever goes wrong", async () => {
  const app = new Hono<TandemEnv>();
  app.get("/throws", () => {
    throw new RangeError("thrown");
  });
  app.get("/shutdown", (c) => {
    c.var.onShutdown(() => {
      throw new TypeError("at the end");
    });
    return c.text("never sent");
  });
  app.get("/own", () => {
    throw new SyntaxError("own");
  });
  app.onError((error, c) => {
    if (error instanceof SyntaxError) return c.text("own answer", 422);
    return c.text("failed", 500);
  });
  const { ask, calls } = await worker(app);
  const outcome = async (path: string) => {
    const { status, body, error } = await ask(path);
    return [status, await textOf(body), error?.name, error?.message];
  };
  assert.deepEqual(await outcome("/throws"), [500, "failed", "RangeError", "thrown"]);
  assert.deepEqual(await outcome("/shutdown"), [
    500,
    "Internal Server Error",
    "TypeError",
    "at the end",
  ]);
  assert.deepEqual(await outcome("/own"), [422, "own answer", "SyntaxError", "own"]);
  assert.equal(calls.filter(([name]) => name === "log").length, 3);
});
