import assert from "node:assert/strict";
import type { XboxPostOptions } from "../../../mod.ts";
import { MAX_HANDLES } from "../../../runtime/pool/handles.ts";
import { blame, blameOf, readAnswer } from "../../../runtime/xbox/blame.ts";
import type { Carried, Outgoing } from "../../../runtime/xbox/carrier.ts";
import { scopeOf, UNSCOPED, XboxServer } from "../../../runtime/xbox/server.ts";
import { recordLog, until } from "../http/support.ts";
import { fakePool } from "../pool/fake_thread.ts";

type Pools = ReturnType<typeof fakePool>;

function serverOver(
  { pool }: Pools,
  elsewhere: (to: unknown, outgoing: Outgoing) => Carried = gotThrough,
): XboxServer {
  const posts = { accept: gotThrough, unpost: gotThrough };
  return new XboxServer({
    ...{
      pool,
      self: new Set(["me:80"]),
      remote: elsewhere,
      sibling: elsewhere,
      posts,
      checkReach() {},
    },
    log: recordLog(),
  });
}

function gotThrough(): never {
  throw new Error("it got through");
}

Deno.test("XboxServer.services() lets only a service thread send messages in no task's name", async () => {
  const pools = fakePool();
  const server = serverOver(pools);
  const worker = server.services(() => undefined, UNSCOPED);
  for (const parent of [null, 1, "1", undefined]) {
    const refused = await worker.xboxStart!(parent, "hello", null);
    assert.throws(() => readAnswer(refused, assert.fail), { code: "STOPPING" });
  }
  const thread = server.services(() => undefined, UNSCOPED, { rootless: true });
  assert.equal(await thread.xboxStart!(null, "hello", null), 1);
  await pools.pool.close(0);
});

Deno.test("XboxServer.services() gives a posted message no parent, and a sent one its task", async () => {
  const pools = fakePool({ workers: 1 });
  const { pool, submit } = pools;
  const parent = submit("parent", { timeoutMs: 60_000 });
  const { xboxStart } = serverOver(pools).services(() => parent, UNSCOPED);
  await xboxStart!(parent.id, "sent", null, false);
  await xboxStart!(parent.id, "posted", null, true);
  assert.equal(pool.status().queued, 2 + Number(parent.state === "queued"));
  parent.cancel("no more");
  assert.equal(pool.status().queued, 1, "only the posted one is left");
  await pool.close(0);
});

/** What a worker whose pool may name `a:80`, any port of `b` and `box-2` makes of a name that it sends as it likes. */
const NAMES: readonly [name: unknown, through: string][] = [
  [undefined, "handled here"],
  ["", "handled here"],
  ["me:80", "handled here"],
  ["http://me", "handled here"],
  ["a:80", "it got through"],
  ["http://a:80", "it got through"],
  ["https://a:80", "it got through"],
  ["b:1", "it got through"],
  ["https://b", "it got through"],
  ["box-2", "it got through"],
  ["a:81", "PEER_DENIED"],
  ["A:81", "PEER_DENIED"],
  ["c:80", "PEER_DENIED"],
  ["b.c:80", "PEER_DENIED"],
  ["ab:80", "PEER_DENIED"],
  ["box-1", "PEER_DENIED"],
  ["boxes", "PEER_DENIED"],
  ["*", "PEER_DENIED"],
  ["http://a:80@c:80", "TypeError"],
  ["http://c:80/a:80", "TypeError"],
  ["http://c:80#a:80", "TypeError"],
  ["a:80/", "TypeError"],
  ["file:///etc/passwd", "TypeError"],
  ["a:80\n", "TypeError"],
  [["a:80"], "TypeError"],
  [{ toString: () => "a:80" }, "TypeError"],
  [1, "TypeError"],
  [null, "TypeError"],
];

Deno.test.each(NAMES)("XboxServer.services() asked to send to %j", async (to, through) => {
  const pools = fakePool();
  const scope = scopeOf(["a:80", "b:*", "box-2"]);
  const services = serverOver(pools).services(() => undefined, scope, { rootless: true });
  const tried = async (name: string, ...args: unknown[]) => {
    try {
      const told = await services[name]!(null, "hello", ...args);
      if (typeof told === "object") readAnswer(told, assert.fail);
      return "handled here";
    } catch (error) {
      const { code, name, message } = error as Error & { code?: string };
      return code ?? (name === "Error" ? message : name);
    }
  };
  assert.equal(await tried("xboxStart", { to }), through);
  assert.equal(await tried("xboxStart", { to }, true), through);
  const kept = through === "handled here" ? "it got through" : through;
  assert.equal(await tried("xboxAccept", { to, durable: true }), kept);
  await pools.pool.close(0);
});

Deno.test("XboxServer.services() keeps no handle of a post that is refused, which the worker never hears of", async () => {
  const pools = fakePool();
  const answer = Promise.reject(new Error("nobody is there"));
  answer.catch(() => {});
  const carried = { answer, accepted: answer, state: () => "queued", wait() {}, cancel() {} };
  const server = serverOver(pools, () => carried as Carried);
  const { xboxStart } = server.services(() => undefined, UNSCOPED, { rootless: true });
  for (let posts = 0; posts < MAX_HANDLES; posts++) {
    const told = await xboxStart!(null, "posted", { to: "box-2" }, true);
    assert.throws(() => readAnswer(told, assert.fail), /nobody is there/);
  }
  assert.equal(typeof await xboxStart!(null, "sent", {}), "number");
  await pools.pool.close(0);
});

Deno.test("XboxServer.services() tells whose fault it is that a message cannot be started", async () => {
  const pools = fakePool();
  const lost = blame(new Error("lost"), { side: "network", mayHaveRun: false });
  const server = serverOver(pools, (to) => {
    throw to === "box-2" ? lost : new RangeError("too large");
  });
  const { xboxStart } = server.services(() => undefined, UNSCOPED, { rootless: true });
  const sides: unknown[] = [];
  for (const to of ["box-2", "box-3", 7]) {
    const told = await xboxStart!(null, "hello", { to });
    const fault = (error: Error) => sides.push(blameOf(error)) > 0;
    assert.throws(() => readAnswer(told, assert.fail), fault);
  }
  assert.deepEqual(sides, [
    { side: "network", mayHaveRun: false },
    { side: "sender", mayHaveRun: false },
    { side: "sender", mayHaveRun: false },
  ]);
  await pools.pool.close(0);
});

Deno.test("A message to this box by its alias runs on the worker that waits for it", async () => {
  const pools = fakePool({ workers: 1 });
  const { submit, threads, pool } = pools;
  const parent = submit("parent");
  await until(() => threads[0]?.runs.length === 1);
  const server = serverOver(pools, (_to, outgoing) => outgoing.keep!());
  const carried = server.submit("child", { to: "box-1", parent }, UNSCOPED);
  carried.wait();
  await until(() => threads[0]!.runs.length === 2);
  threads[0]!.runs[1]!.answer("done");
  assert.equal(await carried.answer, "done");
  threads[0]!.answer("over");
  await parent.ended;
  await pool.close(0);
});

Deno.test("A worker's durable post has no higher priority than the task that asks", async () => {
  const pools = fakePool();
  const parent = pools.submit("parent", { priority: "low" });
  const kept: unknown[] = [];
  const posts = {
    accept: (_message: unknown, { priority }: XboxPostOptions) => {
      kept.push(priority);
      return Promise.resolve();
    },
    unpost: gotThrough,
  };
  const carriers = { self: new Set<string>(), remote: gotThrough, sibling: gotThrough };
  const server = new XboxServer({
    pool: pools.pool,
    ...carriers,
    posts,
    checkReach() {},
    log: recordLog(),
  });
  const { xboxAccept } = server.services(() => parent, UNSCOPED);
  for (const priority of ["high", "low", undefined, "none"]) {
    await xboxAccept!(parent.id, "kept", { priority, durable: true });
  }
  assert.deepEqual(kept, ["low", "low", undefined, "none"]);
  await pools.pool.close(0);
});
