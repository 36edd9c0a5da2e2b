import assert from "node:assert/strict";
import { type PoolOptions, resources, type SiteOptions } from "../../../mod.ts";
import { fixture, open as openSite, until } from "../http/support.ts";
import { askIn, type Kind, KINDS } from "../pool/sessions_support.ts";

type Pools = Partial<PoolOptions>;

async function open(pools: Pools = {}, options: SiteOptions = {}) {
  const pool = (kind: Kind) => ({
    document: fixture(`resources/${kind}.ts`),
    workers: 1,
    graceMs: 5_000,
    deadlineMs: 8_000,
    ...pools,
  });
  const site = await openSite({
    startup: fixture("resources/startup.ts"),
    requestInit: { document: fixture("resources/init.ts"), function: "initRequest" },
    pagelets: pool("pagelets"),
    xbox: pool("xbox"),
    ...options,
  });
  const lines = () => site.log.lines.filter(({ message }) => message.startsWith("T "));
  return {
    site,
    ask: <T = Record<string, unknown>>(kind: Kind, order: string | { do: string; name?: string }) =>
      site.run((variables) => askIn<T>(variables, kind, order)),
    open: (name: string) => site.run(({ store }) => store.set(["gate", name], true)),
    /** What was traced, in order. */
    trace: () => lines().map(({ message }) => message.slice(2)),
    lines,
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  };
}

type Look = {
  ids: Record<string, number>;
  thread: number;
  type: string;
  made: number;
  requestId: string;
  late: string;
  globals: boolean;
  threads: number;
};

Deno.test("Entry, pagelets, messages and service threads agree on ids, and each has instances of its own", async () => {
  await using site = await open({}, { threads: [fixture("resources/thread.ts")] });
  const pagelet = (await site.ask<Look>("pagelets", "look")).value;
  const message = (await site.ask<Look>("xbox", "look")).value;
  // Whoever registers a name first makes the id; from then on all have it.
  const late = resources.findId("box.late");
  assert.ok(late > 0 && resources.findId("box.late thread") > 0);
  const entry = Object.fromEntries(
    Object.keys(pagelet.ids).map((name) => [name, resources.findId(`box.${name}`)]),
  );
  assert.deepEqual(pagelet.ids, entry);
  assert.deepEqual(message.ids, entry);
  const read = () => site.site.run(({ store }) => store.get<Look & { threadId: number }>("thread"));
  await until(async () => (await read())?.ids.late === late);
  const thread = (await read())!;
  assert.deepEqual(thread.ids, entry);
  assert.equal(new Set(Object.values(entry)).size, 5);
  assert.deepEqual([pagelet.made, message.made, thread.made], [1, 1, 1]);
  assert.deepEqual([pagelet.type, message.type, thread.type], [
    "Pagelet Thread",
    "Xbox Thread",
    "Service Thread",
  ]);
  const pools = site.site.box.status().pools;
  assert.equal(pagelet.thread, pools.pagelets!.crew[0]!.id);
  assert.equal(message.thread, pools.xbox!.crew[0]!.id);
  assert.equal(thread.thread, thread.threadId);
  assert.deepEqual([pagelet.globals, thread.globals], [true, true]);
  // Entry, one of each pool, the service thread.
  assert.ok(pagelet.threads >= 4);
});

Deno.test("A constructor of request scope learns the request's id, also in request init", async () => {
  await using site = await open();
  for (const kind of KINDS) {
    const seen = new Set<string>();
    for (let times = 0; times < 3; times++) {
      const { value } = await site.ask<Look>(kind, "look");
      assert.match(value.requestId, /^[0-9a-f-]{36}/);
      seen.add(value.requestId);
      if (kind === "pagelets" || times === 0) assert.equal(value.late, value.requestId);
    }
    assert.equal(seen.size, 3);
  }
});

Deno.test("A resource of request scope that is registered while its first request runs is there at once", async () => {
  for (const session of ["request", "restore", "keep", "fresh"] as const) {
    const document = fixture("resources/bare.ts");
    await using site = await open({}, {
      pagelets: undefined,
      xbox: { document, session, workers: 1 },
      requestInit: { document: fixture("resources/bare_init.ts"), function: "initRequest" },
    });
    const seen = new Set<string>();
    for (let times = 0; times < 3; times++) {
      const spans = session === "restore" || session === "keep";
      const { code, value } = await site.ask<{ id: string }>("xbox", "look");
      assert.equal(code, 200);
      // Where a session spans requests, init has used an instance of the first one only.
      const seenInInit = spans && times > 0 ? 0 : 1;
      const { id, ...rest } = value;
      assert.deepEqual(rest, { seen: 2, locals: { seen: 1 }, seenInInit });
      assert.match(id, /^[0-9a-f-]{36}/);
      seen.add(id);
    }
    assert.equal(seen.size, 3);
    for (const name of ["bare.init", "bare.handler"]) resources.freeId(resources.findId(name));
    resources.freeId(resources.findId("tandem.request"));
  }
});

for (const kind of KINDS) {
  Deno.test(`${kind}: the destructor of a thread's resource runs when its worker is replaced, and when the box stops`, async () => {
    const site = await open({ maxRequests: 2 });
    const ended = () => site.trace().filter((line) => line === "-thread").length;
    const before = resources.threadStatistics();
    const threads: unknown[] = [];
    for (let times = 0; times < 4; times++) {
      threads.push((await site.ask<Look>(kind, "look")).value.thread);
    }
    assert.equal(new Set(threads).size, 2);
    await until(() => ended() === 1);
    const order = site.trace().filter((line) => line.endsWith("thread"));
    assert.deepEqual(order, ["-late thread", "-thread"], "the highest id first");
    assert.equal(
      site.lines().find(({ message }) => message === "T -thread")!.fields.thread,
      threads[0],
    );
    // One that is on its way has no time to end in order.
    await until(() => site.site.pool(kind).starting === 0);
    await site.site.box.drain();
    // One that took the place of the second may never have had a request, and has no log.
    assert.equal(ended(), 2);
    const after = resources.threadStatistics();
    assert.equal(after.live, 1, "only the entry is left");
    assert.equal(after.abandoned, before.abandoned);
    assert.equal(after.ended - before.ended, after.started - before.started + before.live - 1);
  });

  Deno.test(`${kind}: a worker that is killed or crashes is counted as abandoned`, async () => {
    await using site = await open({ graceMs: 20, deadlineMs: 8_000 });
    const { abandoned } = resources.threadStatistics();
    const count = () => resources.threadStatistics().abandoned - abandoned;
    assert.equal((await site.ask(kind, "crash")).code, 500);
    await until(() => count() === 1);
    assert.equal((await site.ask(kind, "look")).code, 200);
    const task = site.site.run(async ({ pagelets, xbox }) => {
      if (kind === "xbox") {
        return (await xbox.start({ do: "burn" }, { timeoutMs: 50 }).result()).code;
      }
      const body = JSON.stringify({ do: "burn" });
      const burning = pagelets.start("/do", { body, timeoutMs: 50 });
      return (await burning.response()).status;
    });
    assert.equal(await task, 504);
    await until(() => count() === 2);
    assert.equal((await site.ask(kind, "look")).code, 200);
    assert.ok(!site.trace().includes("-thread"));
  });

  Deno.test(`${kind}: a request's resources go when its post-send work has ended, the highest id first`, async () => {
    await using site = await open();
    assert.equal((await site.ask(kind, "use")).code, 200);
    await site.site.logged("T post-send");
    assert.deepEqual(site.trace().filter((line) => line !== "-late"), ["post-send"]);
    await site.open("post-send");
    await site.site.logged("T -first");
    const order = ["post-send", "post-send over", "-late", "-second", "-first"];
    assert.deepEqual(site.trace(), order);
  });

  Deno.test(`${kind}: a request's resources go when its handler throws or is cancelled`, async () => {
    await using site = await open();
    assert.equal((await site.ask(kind, "throw")).code, 500);
    await site.site.logged("T -first");
    const code = site.site.run(async ({ pagelets, xbox }) => {
      const body = JSON.stringify({ do: "wait for the signal" });
      const task = kind === "xbox"
        ? xbox.start({ do: "wait for the signal" })
        : pagelets.start("/do", { body });
      const answer = task.result();
      await site.site.logged("T waits");
      assert.equal(site.trace().filter((line) => line === "-first").length, 1);
      task.cancel("enough");
      return (await answer).code;
    });
    assert.equal(await code, 503);
    await site.site.logged("T -first", 2);
    assert.deepEqual(site.site.pool(kind).ends.filter(({ reason }) => reason !== "closed"), []);
  });

  Deno.test(`${kind}: work that outlives its request finds its resources ended`, async () => {
    await using site = await open();
    assert.equal((await site.ask(kind, "outlive")).code, 200);
    await site.site.logged("T -first");
    await site.open("outlive");
    await site.site.logged("T RequestEndedError");
  });
}

Deno.test("Requests that run at once on one worker never see each other's resources", async () => {
  await using site = await open({ concurrency: 4, session: "request" });
  for (const kind of KINDS) {
    await site.site.run(({ store }) => store.delete(["gate", "together"]));
    const entered = site.trace().filter((line) => line === "entered").length;
    const asked = ["a", "b", "c", "d"].map((name) =>
      site.ask<{ owner: string; isSame: boolean; requestId: string }>(kind, {
        do: "together",
        name,
      })
    );
    await site.site.logged("T entered", entered + 4);
    assert.equal(site.site.pool(kind).crew.filter(({ tasks }) => tasks.length > 0).length, 1);
    await site.open("together");
    const values = (await Promise.all(asked)).map(({ value }) => value);
    assert.deepEqual(values.map(({ owner }) => owner), ["a", "b", "c", "d"]);
    assert.ok(values.every(({ isSame }) => isSame));
    assert.equal(new Set(values.map(({ requestId }) => requestId)).size, 4);
  }
});

Deno.test("The near copies of a worker go with its thread", async () => {
  await using site = await open({ maxRequests: 1 });
  await site.site.run(({ store }) => store.set("motd", "hello"));
  assert.equal((await site.ask("xbox", "near")).value, true);
  assert.ok(!site.trace().includes("near closed"));
  // Replaced when the next one comes.
  assert.equal((await site.ask("xbox", "look")).code, 200);
  await site.site.logged("T near closed");
});
