import assert from "node:assert/strict";
import type { Engine, RowCheck, RowWrite } from "../../../../runtime/store/engine.ts";
import { openEngine } from "../../../../runtime/store/open.ts";
import { engineOf, openStore } from "../../../../runtime/store/mod.ts";
import { Quarantine } from "../../../../runtime/xbox/durable/quarantine.ts";
import { Clock, cuttable, empty, gate, open, until } from "./support.ts";

/** How an engine fails: not at all, before it does what it is told, or after that. */
type Trouble = "none" | "before" | "after";

async function troubled(): Promise<{ engine: Engine; be(trouble: Trouble): void }> {
  const inner = await openEngine(":memory:");
  let trouble: Trouble = "none";
  const fail = () => {
    if (trouble === "before") throw new Error("the owner of the engine has ended");
  };
  const engine: Engine = {
    kind: inner.kind,
    limits: inner.limits,
    read: async (keys) => {
      fail();
      return await inner.read(keys);
    },
    commit: async (checks: readonly RowCheck[], writes: readonly RowWrite[]) => {
      fail();
      const version = await inner.commit(checks, writes);
      if (trouble === "after") throw new Error("the answer was lost");
      return version;
    },
    async *scan(...args) {
      fail();
      yield* inner.scan(...args);
    },
    watch: (keys) => {
      fail();
      return inner.watch(keys);
    },
    close: () => inner.close(),
  };
  return { engine, be: (now) => trouble = now };
}

Deno.test("a dead copy that is replaced while it is cleared stays whole, or leaves nothing", async () => {
  const inner = await openEngine(":memory:");
  let meanwhile: (() => Promise<void>) | undefined;
  const engine = {
    ...cuttable(inner).engine,
    // Not at one moment: the letters, then what happens meanwhile, then why.
    read: async (keys: Parameters<Engine["read"]>[0]) => {
      if (meanwhile === undefined || keys.length !== 2 || keys[0]![2] !== "dead") {
        return await inner.read(keys);
      }
      const replace = meanwhile;
      meanwhile = undefined;
      const [message] = await inner.read([keys[1]!]);
      await replace();
      const [dead] = await inner.read([keys[0]!]);
      return [dead!, message!];
    },
  };
  const clock = new Clock();
  {
    await using one = open(engine, {
      clock,
      options: { attempts: 1 },
      deliver: () => Promise.reject(new Error("no")),
    });
    const died = async (at: number) => {
      await until(async () => (await one.queue.dead())[0]?.diedAt === at);
      await until(async () => (await one.queue.count()).delayed === 1);
    };
    await one.queue.accept("x".repeat(200_000), { key: "t", everyMs: 1000 });
    await died(clock.time);
    meanwhile = async () => {
      clock.move(1000);
      await died(clock.time);
    };
    assert.equal(await one.queue.clear("all"), 0);
    const [letter] = await one.queue.dead();
    assert.equal((letter!.message as string).length, 200_000);
    assert.equal(await one.queue.clear("all"), 1);
    assert.equal(await one.queue.unpost("t"), true);
    const left = () => Array.fromAsync(inner.scan(["tandem", "part"]));
    await until(async () => (await left()).length === 0, "parts are left");
  }
  await inner.close();
});

Deno.test("a queue outlives a store that fails for a while", async () => {
  const { engine, be } = await troubled();
  const held = gate();
  {
    await using one = open(engine, { deliver: () => held.pass });
    await one.queue.accept("a");
    await one.queue.accept("later", { at: Date.now() + 1 });
    be("before");
    await assert.rejects(one.queue.accept("b"), {
      code: "STORE_FAILED",
      message: "Cannot post a durable message: the store failed",
    });
    held.open();
    await until(() => one.lines.some((line) => /cannot be settled yet/.test(line)));
    be("none");
    await one.queue.accept("c");
    await empty(one.queue);
    assert.deepEqual(one.seen.map(({ message }) => message).toSorted(), ["a", "c", "later"]);
  }
  await engine.close();
});

Deno.test("a commit whose answer is lost is not made twice", async () => {
  const { engine, be } = await troubled();
  {
    await using one = open(engine, {
      options: { leaseMs: 100 },
      deliver: () => Promise.resolve(be("after")),
    });
    await one.queue.accept("a", { key: "k" });
    await until(() => one.lines.some((line) => /cannot be settled yet/.test(line)));
    be("none");
    await empty(one.queue);
    assert.equal(one.seen.length, 1);
    await until(() => one.queue.status().here.handled === 1);
    assert.equal(one.queue.status().here.lost, 0);
  }
  await engine.close();
});

Deno.test("a queue stops while its store fails, and leaves nothing running", async () => {
  const { engine, be } = await troubled();
  const one = open(engine, { deliver: () => Promise.resolve(be("before")) });
  await one.queue.accept("a");
  await until(() => one.lines.some((line) => /cannot be settled yet/.test(line)));
  await one.queue.stop(0);
  await engine.close();
});

Deno.test("a box that stops gives back what it has only just taken", async () => {
  const inner = await openEngine(":memory:");
  await using _closing = { [Symbol.asyncDispose]: async () => await inner.close() };
  const [asked, answers] = [gate(), gate()];
  const engine: Engine = {
    kind: inner.kind,
    limits: inner.limits,
    read: (keys) => inner.read(keys),
    scan: (...args) => inner.scan(...args),
    watch: (keys) => inner.watch(keys),
    close: () => inner.close(),
    commit: async (...args) => {
      asked.open();
      await answers.pass;
      return await inner.commit(...args);
    },
  };
  await using before = open(inner, { starts: false });
  await before.queue.accept("m");
  const one = open(engine);
  await asked.pass;
  const stopped = one.queue.stop(60_000);
  answers.open();
  await stopped;
  assert.equal(one.seen.length, 0);
  await using other = open(inner);
  await until(() => other.seen.length === 1);
  assert.equal(other.seen[0]!.attempt, 1);
  await empty(other.queue);
});

Deno.test("nothing of durable posts is among the keys of the store, nor lost with them", async () => {
  await using store = await openStore({ url: ":memory:" });
  await using one = open(engineOf(store), { starts: false });
  await one.queue.accept("m", { key: "k", orderingKey: "o" });
  await store.set("mine", 1);
  const keys = await Array.fromAsync(store.list(), ({ key }) => key);
  assert.deepEqual(keys, [["mine"]]);
  assert.equal((await store.info()).entries, 1);
  await store.clear();
  one.queue.start();
  await until(() => one.seen.length === 1);
  await empty(one.queue);
});

Deno.test("PostQueue.stop() makes a stop hurry that a handler holds up", async () => {
  const engine = await openEngine(":memory:");
  const one = open(engine, { deliver: () => new Promise(() => {}) });
  await one.queue.accept("a");
  const began = performance.now();
  const stopped = one.queue.stop(40_000);
  await one.queue.stop(0);
  await stopped;
  assert.ok(performance.now() - began < 20_000);
  await using other = open(engine);
  await until(() => other.seen.length === 1);
  assert.equal(other.seen[0]!.attempt, 1);
  await other.queue.stop(0);
  await engine.close();
});

Deno.test("PostQueue.stop() knows times that no timer does", async () => {
  const engine = await openEngine(":memory:");
  const held = gate();
  const one = open(engine, {
    deliver: (_, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", reject, { once: true });
        held.pass.then(resolve);
      }),
  });
  await one.queue.accept("a");
  const stopped = one.queue.stop(2 ** 40);
  await until(async () => (await one.queue.count()).running === 1);
  for (let turn = 0; turn < 500; turn++) await engine.read([["a"]]);
  held.open();
  await stopped;
  assert.equal(one.queue.status().here.handled, 1);
  await engine.close();
});

Deno.test("a message is refused once the store is closed", async () => {
  const engine = await openEngine(":memory:");
  const one = open(engine, { starts: false });
  await engine.close();
  await assert.rejects(one.queue.accept("a"), (error: Error & { code?: string }) => {
    assert.match(String(error.message), /Cannot post|closed|resource/i);
    return true;
  });
  await one.queue.stop(0);
});

Deno.test("Quarantine.lets() keeps apart whose boxes have ended", () => {
  const fallen = (crashes: number) => ({ since: 0, tries: crashes, crashes });
  const owned = { since: 0, tries: 1, owner: "x" };
  const fresh = new Quarantine([]);
  assert.deepEqual(Array.from({ length: 10 }, () => fresh.lets(owned)), [
    ...[true, true, true, true, true, true, true, true, false, false],
  ]);
  assert.equal(fresh.lets({ since: 0, tries: 0 }), true);
  assert.equal(fresh.lets(fallen(2)), false);
  const alone = new Quarantine([fallen(2)]);
  assert.deepEqual([alone.lets(owned), alone.lets(fallen(3))], [false, false]);
  assert.equal(alone.lets({ since: 0, tries: 3 }), true);
  const empty = new Quarantine([]);
  assert.deepEqual([empty.lets(fallen(2)), empty.lets(fallen(1))], [true, false]);
});
