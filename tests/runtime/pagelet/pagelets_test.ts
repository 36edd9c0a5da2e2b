import assert from "node:assert/strict";
import { RuntimeError } from "../../../runtime/errors.ts";
import { asCompleted, createPagelets } from "../../../runtime/pagelet/pagelets.ts";
import { type PageletSource, SourceTask } from "../../../runtime/pagelet/task.ts";
import type { PageletAnswer } from "../../../runtime/pagelet/wire.ts";

/** A source that a test answers. */
function source() {
  const cancelled: unknown[] = [];
  let waits = 0;
  let answer!: (answer: PageletAnswer) => void;
  let fail!: (error: Error) => void;
  const made: PageletSource = {
    state: () => "queued",
    answer: new Promise((resolve, reject) => (answer = resolve, fail = reject)),
    cancel: (reason) => {
      cancelled.push(reason);
      fail(new RuntimeError("CANCELLED", `cancelled: ${reason}`));
    },
    wait: () => waits++,
  };
  return { source: made, answer, fail, cancelled, waits: () => waits };
}

const text = (body: string): PageletAnswer => ({
  status: 200,
  headers: [],
  body: new TextEncoder().encode(body),
});

function pageletsOver(sources: ReturnType<typeof source>[], signal?: AbortSignal) {
  const ids: string[] = [];
  const pagelets = createPagelets({
    enabled: true,
    requestId: "r",
    signal,
    submit: (_request, id) => {
      ids.push(id);
      const next = sources.shift();
      if (next === undefined) throw new RuntimeError("QUEUE_FULL", "full");
      return next.source;
    },
  });
  return { pagelets, ids };
}

Deno.test("Pagelets.start() counts and numbers what was started, not what was refused", () => {
  const { pagelets, ids } = pageletsOver([source(), source()]);
  pagelets.start("/a");
  assert.notEqual(pagelets.tryStart("/b"), null);
  assert.throws(() => pagelets.start("/c"), { code: "QUEUE_FULL" });
  assert.equal(pagelets.tryStart("/d"), null);
  assert.equal(pagelets.started, 2);
  assert.deepEqual(ids.slice(0, 2), ["r.1", "r.2"]);
});

Deno.test("Pagelets.tryStart() throws what is no refusal", () => {
  const pagelets = createPagelets({
    enabled: true,
    requestId: "r",
    signal: undefined,
    submit: () => {
      throw new RuntimeError("DEPTH_EXCEEDED", "too deep");
    },
  });
  assert.throws(() => pagelets.tryStart("/a"), { code: "DEPTH_EXCEEDED" });
});

Deno.test("Pagelets.start() cancels when either signal aborts, and not after the end", async () => {
  const sources = [source(), source(), source(), source()];
  const [first, second, third, fourth] = sources as Required<typeof sources>;
  const room = new AbortController();
  const own = new AbortController();
  const { pagelets } = pageletsOver([...sources], room.signal);
  pagelets.start("/1", { signal: own.signal });
  pagelets.start("/2");
  const ended = pagelets.start("/3");
  third!.answer(text("over"));
  await ended.ended;
  own.abort("own");
  assert.deepEqual([first!.cancelled, second!.cancelled], [["own"], []]);
  room.abort("room");
  assert.deepEqual([second!.cancelled, third!.cancelled], [["room"], []]);
  assert.equal(pagelets.start("/4").status, "queued");
  assert.deepEqual(fourth!.cancelled, ["room"]);
});

Deno.test("asCompleted() yields each task once it has ended, in that order", async () => {
  const sources = [source(), source(), source()];
  const tasks = sources.map(({ source }, n) => new SourceTask(`/${n}`, source));
  const order: string[] = [];
  const all = (async () => {
    for await (const task of asCompleted(tasks)) order.push(task.url);
  })();
  for (const n of [2, 0, 1]) {
    if (n === 0) sources[n]!.fail(new TypeError("failed"));
    else sources[n]!.answer(text(""));
    await tasks[n]!.over;
  }
  await all;
  assert.deepEqual(order, ["/2", "/0", "/1"]);
  assert.equal(tasks[0]!.status, "failed");
});

Deno.test("SourceTask tells its source when somebody waits, and only then", async () => {
  const { source: made, answer, waits } = source();
  const task = new SourceTask("/x", made);
  assert.equal(task.status, "queued");
  assert.equal(waits(), 0);
  const ended = task.ended;
  assert.equal(waits(), 1);
  answer(text("body"));
  await ended;
  assert.equal(await task.text(), "body");
});

Deno.test("SourceTask.cancel() drops what has come and not been collected", async () => {
  const { source: made, answer } = source();
  const task = new SourceTask("/x", made);
  let gone: unknown;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Uint8Array.of(65)),
    cancel: (reason) => void (gone = reason),
  });
  answer({ status: 200, headers: [], body });
  assert.equal((await task.result()).body, "A");
  task.cancel("enough");
  assert.equal(task.status, "cancelled");
  assert.deepEqual([(await task.result()).code, (await task.result()).body], [503, ""]);
  assert.equal(gone, "enough");
});
