import assert from "node:assert/strict";
import { RuntimeError } from "../../../runtime/errors.ts";
import { openEngine } from "../../../runtime/store/open.ts";
import { postsApp } from "../../../runtime/supervisor/admin_posts.ts";
import { readNews } from "../../../runtime/supervisor/messages.ts";
import { metricsOf } from "../../../runtime/supervisor/metrics.ts";
import { answerPosts, PostsDesk, type PostsQuestion } from "../../../runtime/supervisor/posts.ts";
import type { MachineStatus } from "../../../runtime/supervisor/supervisor.ts";
import type { PostQueue } from "../../../runtime/xbox/durable/queue.ts";
import { freePort } from "../../support/redis.ts";
import { BOX_FLAGS, MOD, runDeno } from "../../support/program.ts";
import { open, until } from "../xbox/durable/support.ts";

/** A desk that asks one box, which answers by way of what travels. */
function deskOf(queue: PostQueue | undefined): PostsDesk {
  const desk: PostsDesk = new PostsDesk((box, id, question) => {
    answerPosts(queue, question).then((answer) => {
      const news = readNews(structuredClone({ type: "posts", id, answer }));
      assert.ok(news?.type === "posts", "the answer does not keep to the rules");
      assert.ok(desk.hear(box, news.id, news.answer));
    });
  });
  return desk;
}

/** A queue with three dead letters, and the part of the admin port that looks after it. */
async function withLetters() {
  const engine = await openEngine(":memory:");
  const tested = open(engine, {
    options: { attempts: 1 },
    deliver: () => Promise.reject(new TypeError("no\u0000good")),
  });
  for (let n = 0; n < 3; n++) await tested.queue.accept(new Map([[n, 1n]]), { key: `k${n}` });
  await until(async () => (await tested.queue.count()).dead === 3);
  const desk = deskOf(tested.queue);
  return {
    app: postsApp({ askPosts: (question: PostsQuestion) => desk.ask(1, question) }),
    queue: tested.queue,
    async [Symbol.asyncDispose]() {
      await tested.queue.stop(0);
      await engine.close();
    },
  };
}

const json = (ids: unknown) => ({ method: "POST", body: JSON.stringify({ ids }) });

Deno.test("the admin port tells of durable messages and changes dead letters", async () => {
  await using admin = await withLetters();
  const { app, queue } = admin;
  const status = await (await app.request("/")).json();
  assert.deepEqual([status.dead, status.waiting, status.here.died], [3, 0, 3]);
  const first = await (await app.request("/dead?limit=2")).json();
  assert.deepEqual(
    first.map(({ key, attempts, error, message }: Record<string, unknown>) => [
      ...[key, attempts, error, message],
    ]),
    [
      ["k0", 1, "TypeError: no\u0000good", "Map(1) { 0 => 1n }"],
      ["k1", 1, "TypeError: no\u0000good", "Map(1) { 1 => 1n }"],
    ],
  );
  const rest = await (await app.request(`/dead?after=${first[1].id}`)).json();
  assert.equal(rest.length, 1);
  assert.equal(await (await app.request("/clear", json([first[0].id, "none"]))).json(), 1);
  assert.equal(await (await app.request("/retry", json("all"))).json(), 2);
  await until(async () => (await queue.count()).dead === 2);
});

Deno.test("the admin port refuses what makes no sense", async () => {
  await using admin = await withLetters();
  const { app } = admin;
  const refused: [string, RequestInit?][] = [
    ["/dead?limit=0"],
    ["/dead?limit=101"],
    ["/dead?limit=x"],
    ["/dead?after="],
    ["/retry", { method: "POST", body: "no" }],
    ["/retry", json([])],
    ["/retry", json([1])],
    ["/clear", json("some")],
    ["/clear", { method: "POST", body: JSON.stringify({ ids: ["a"], more: "x".repeat(2 ** 20) }) }],
  ];
  for (const [path, request] of refused) {
    const response = await app.request(path, request);
    assert.equal(response.status, 400, path);
    assert.match(await response.text(), /^Cannot (list|retry|clear) dead letters: /);
  }
});

Deno.test("the admin port shows the size of a large message", async () => {
  await using admin = await withLetters();
  await admin.queue.accept("x".repeat(1e5));
  await until(async () => (await admin.queue.count()).dead === 4);
  const letters = await (await admin.app.request("/dead")).json();
  assert.equal(letters[3].message, `${letters[3].bytes} bytes`);
});

Deno.test("a box without durable messages says so", async () => {
  const desk = deskOf(undefined);
  const app = postsApp({ askPosts: (question: PostsQuestion) => desk.ask(1, question) });
  const response = await app.request("/");
  assert.equal(response.status, 503);
  assert.match(await response.text(), /^Cannot look after durable messages: the box has none/);
});

Deno.test("PostsDesk.ask() rejects when its box ends, or says nothing", async (t) => {
  await t.step("it ends", async () => {
    const desk = new PostsDesk(() => {});
    const asked = desk.ask(1, { what: "count" });
    desk.forget(2);
    desk.forget(1);
    await assert.rejects(asked, {
      code: "UNREACHABLE_PEER",
      message: "Cannot ask a box for durable messages: it has ended",
    });
    assert.equal(desk.hear(1, 1, { value: 1 }), true); // too late
    assert.equal(desk.hear(1, 2, { value: 1 }), false); // never asked
  });
  await t.step("it changes what takes long", () => {
    const set = globalThis.setTimeout;
    const times: unknown[] = [];
    globalThis.setTimeout = ((work: () => void, ms?: number) => {
      times.push(ms);
      return set(work, ms);
    }) as typeof setTimeout;
    const desk = new PostsDesk(() => {});
    try {
      for (const what of ["retry", "clear"] as const) {
        desk.ask(1, { what, ids: "all" }).catch(() => {});
      }
      desk.ask(1, { what: "count" }).catch(() => {});
    } finally {
      globalThis.setTimeout = set;
      desk.forget();
    }
    assert.deepEqual(times, [600_000, 600_000, 10_000]);
  });
  await t.step("another one answers", async () => {
    const desk = new PostsDesk(() => {});
    const asked = desk.ask(1, { what: "count" });
    assert.equal(desk.hear(2, 1, { value: 1 }), false);
    desk.forget();
    await assert.rejects(asked, RuntimeError);
  });
  await t.step("too much is asked", async () => {
    const desk = new PostsDesk(() => {});
    const asked = Array.from({ length: 65 }, () => desk.ask(1, { what: "count" }));
    await assert.rejects(asked.at(-1)!, { code: "QUEUE_FULL" });
    desk.forget();
    assert.ok((await Promise.allSettled(asked)).every(({ status }) => status === "rejected"));
  });
});

Deno.test.each<[string, unknown]>([
  ["no id", { type: "posts", answer: { value: 1 } }],
  ["no answer", { type: "posts", id: 1 }],
  ["an answer without a value", { type: "posts", id: 1, answer: {} }],
  ["a value that JSON does not know", { type: "posts", id: 1, answer: { value: 1n } }],
  ["too much", { type: "posts", id: 1, answer: { value: "x".repeat(2 ** 20) } }],
  ["a failure that is none", { type: "posts", id: 1, answer: { failure: "no" } }],
])("readNews() refuses an answer about durable messages with %s", (_name, news) => {
  assert.equal(readNews(news), undefined);
});

Deno.test("metricsOf() tells the latest count of durable messages", () => {
  const posts = { waiting: 1, delayed: 2, running: 3, dead: 4, oldestMs: 1500, countedAt: 2 };
  const status = { healthLevel: 100, pools: {} };
  const boxes = [{ ...posts, waiting: 9, countedAt: 1 }, posts].map((one, slot) => ({
    ...{ slot, pid: slot },
    report: { status, rssBytes: 1, heapBytes: 1, posts: one },
  }));
  const text = metricsOf({ boxes } as unknown as MachineStatus);
  assert.match(text, /^tandem_posts{state="waiting"} 1$/m);
  assert.match(text, /^tandem_posts{state="dead"} 4$/m);
  assert.match(text, /^tandem_posts_oldest_seconds 1.5$/m);
});

/** Runs `tandem xbox` with these arguments. */
const xbox = (...args: string[]) => runDeno(["run", ...BOX_FLAGS, MOD, "xbox", ...args]);

Deno.test("tandem xbox asks the admin port", async () => {
  await using admin = await withLetters();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      const { pathname, search } = new URL(request.url);
      const path = pathname.replace(/^\/posts/, "") || "/";
      return admin.app.request(path + search, request.method === "GET" ? undefined : request);
    },
  );
  const port = ["--admin-port", String(server.addr.port)];
  try {
    const posts = await xbox("posts", ...port);
    assert.equal(posts.code, 0, posts.stderr);
    assert.equal(JSON.parse(posts.stdout).dead, 3);
    const dead = await xbox("dead", "--limit", "2", ...port);
    const letters = dead.stdout.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(letters.map(({ key }) => key), ["k0", "k1"]);
    assert.equal((await xbox("clear", letters[0].id, ...port)).stdout, "1 removed\n");
    assert.equal((await xbox("clear", "--all", ...port)).stdout, "2 removed\n");
    assert.equal((await xbox("retry", "--all", ...port)).stdout, "0 to be tried anew\n");
    assert.equal((await xbox("dead", ...port)).stdout, "There are none\n");
  } finally {
    await server.shutdown();
  }
});

Deno.test("tandem xbox says what is wrong with its arguments", async () => {
  const port = ["--admin-port", String(freePort())];
  const refused: [string[], RegExp][] = [
    [[], /xbox needs an action, one of posts, dead, retry, clear, and none was given/],
    [["do"], /and "do" was given/],
    [["posts"], /xbox needs --admin-port/],
    [["retry", ...port], /xbox retry needs the ids of messages, or --all/],
    [["clear", "a", "--all", ...port], /xbox clear needs the ids of messages, or --all/],
    [["dead", "a", ...port], /xbox dead takes no ids and no --all/],
    [["posts", "--limit", "1", ...port], /xbox posts takes no --limit and no --after/],
    [["dead", "--limit", "101", ...port], /--limit must be a whole number from 1 to 100/],
    [["dead", "--after", "", ...port], /xbox dead was given an id without characters/],
    [["retry", "", ...port], /xbox retry was given an id without characters/],
    [["clear", ...Array(1001).fill("a"), ...port], /takes 1000 ids at most, and 1001 were given/],
  ];
  const found = await Promise.all(refused.map(([args]) => xbox(...args)));
  for (const [index, { code, stderr }] of found.entries()) {
    assert.equal(code, 2, stderr);
    assert.match(stderr, refused[index]![1]);
  }
  const { code, stderr } = await xbox("posts", ...port);
  assert.equal(code, 1);
  assert.match(stderr, /^tandem: Cannot reach http:\/\/127.0.0.1:\d+\/posts: /);
});

Deno.test.each<[string, Response, RegExp]>([
  ["a page", new Response("<p>hello</p>"), /^tandem: Cannot understand the answer: .*\n$/],
  ["nothing", new Response(null, { status: 404 }), /^tandem: Cannot use .*: its answer is 404\n$/],
  ["another value", Response.json({}), /^tandem: Cannot understand the answer: .*\n$/],
])("tandem xbox says so when something else answers with %s", async (_name, answer, expected) => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => answer);
  const { code, stderr } = await xbox("dead", "--admin-port", String(server.addr.port));
  await server.shutdown();
  assert.equal(code, 1);
  assert.match(stderr, expected);
});
