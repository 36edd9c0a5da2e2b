import assert from "node:assert/strict";
import {
  type FanOutOptions,
  type FanOutResult,
  RuntimeError,
  type XboxOptions,
  type XboxResult,
  type XboxTask,
} from "../../../mod.ts";
import { blame } from "../../../runtime/xbox/blame.ts";
import { fanOut, type FanOutRoom } from "../../../runtime/xbox/fan_out.ts";
import { fixture, open as openSite } from "../http/support.ts";

/** A message under way, that a test answers. */
class FakeTask implements XboxTask<number> {
  readonly status = "running";
  readonly cancelled: unknown[] = [];
  readonly #settled = Promise.withResolvers<XboxResult<number>>();

  constructor(readonly message: unknown, readonly options: XboxOptions) {}

  result(): Promise<XboxResult<number>> {
    return this.#settled.promise;
  }

  cancel(reason?: unknown): void {
    this.cancelled.push(reason);
    this.fail("CANCELLED");
  }

  answer(value: number): void {
    this.#settled.resolve({ code: 200, value });
  }

  fail(code: "CANCELLED" | "PEER_LOST"): void {
    const error = new RuntimeError(code, `Cannot send: ${code}`);
    const result = { code: code === "CANCELLED" ? 503 : 502, error };
    this.#settled.resolve({ ...result, side: "network", mayHaveRun: true });
  }
}

const turn = () => new Promise((resolve) => setTimeout(resolve));
const names = (count: number) => Array.from({ length: count }, (_, n) => `box-${n}`);

function start(options: FanOutOptions, room: Partial<FanOutRoom<number>> = {}, message?: unknown) {
  const tasks = new Map<string, FakeTask>();
  const asked = fanOut<number>(message, options, {
    start: (message, options) => {
      const task = new FakeTask(message, options);
      tasks.set(options.to!, task);
      return task;
    },
    ...room,
  });
  return { asked, tasks, task: (to: string) => tasks.get(to)!, sent: () => [...tasks.keys()] };
}

async function collect<T>(results: AsyncIterable<FanOutResult<T>>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { to, code } of results) seen.push(`${to} ${code}`);
  return seen;
}

Deno.test("fanOut() yields results as they come, to everyone who asks, and the values in that order", async () => {
  const { asked, task, sent } = start({ to: ["a", "b", "c"] });
  assert.deepEqual(sent(), ["a", "b", "c"]);
  const early = collect(asked);
  task("c").answer(3);
  await turn();
  task("a").answer(1);
  await turn();
  const late = collect(asked);
  task("b").answer(2);
  assert.deepEqual(await early, ["c 200", "a 200", "b 200"]);
  assert.deepEqual(await late, ["c 200", "a 200", "b 200"]);
  assert.deepEqual(await asked.values(), [3, 1, 2]);
  assert.deepEqual(await asked.values(), [3, 1, 2]);
});

Deno.test("fanOut() copies the message once", () => {
  const message = { list: [1] };
  const { task } = start({ to: ["a", "b"] }, {}, message);
  message.list.push(2);
  assert.deepEqual(task("a").message, { list: [1] });
  assert.equal(task("a").message, task("b").message);
  assert.throws(() => start({ to: ["a"] }, {}, () => {}), { name: "DataCloneError" });
});

Deno.test("fanOut() has so many messages under way, 16 unless it is told otherwise", async () => {
  assert.equal(start({ to: names(40) }).sent().length, 16);
  const { asked, task, sent } = start({ to: names(5), limit: 2 });
  assert.deepEqual(sent(), names(2));
  const values = asked.values();
  for (let n = 0; n < 5; n++) {
    task(`box-${n}`).answer(n);
    await turn();
    assert.deepEqual(sent(), names(Math.min(5, n + 3)));
  }
  assert.deepEqual(await values, [0, 1, 2, 3, 4]);
});

Deno.test("fanOut() ends with its quorum: what is under way is cancelled, the rest not sent", async () => {
  const { asked, task, tasks, sent } = start({ to: names(6), limit: 4, quorum: 2 });
  const seen = collect(asked);
  task("box-1").fail("PEER_LOST");
  await turn();
  task("box-2").answer(2);
  task("box-0").answer(0);
  assert.deepEqual(await asked.values(), [2, 0]);
  assert.deepEqual(await seen, ["box-1 502", "box-2 200", "box-0 200"]);
  await turn();
  // The failure and the first value made room for one more each.
  assert.deepEqual(sent(), names(6));
  const cancelled = [...tasks.values()].filter((task) => task.cancelled.length === 1);
  assert.deepEqual(cancelled.map(({ options }) => options.to), ["box-3", "box-4", "box-5"]);
  assert.deepEqual(await collect(asked), ["box-1 502", "box-2 200", "box-0 200"]);
  const few = start({ to: names(9), limit: 1, quorum: 1 });
  few.task("box-0").answer(0);
  assert.deepEqual(await few.asked.values(), [0]);
  await turn();
  assert.deepEqual(few.sent(), ["box-0"]);
});

Deno.test("FanOut.values() rejects as soon as the quorum cannot be reached, and names who failed", async () => {
  const { asked, task, tasks } = start({ to: ["a", "b", "c", "d"], quorum: 3 });
  const values = asked.values();
  task("b").fail("PEER_LOST");
  await turn();
  task("d").fail("PEER_LOST");
  const failure = await values.then(() => assert.fail("it has values"), (error) => error);
  assert.ok(failure instanceof AggregateError);
  assert.equal(
    failure.message,
    'Cannot get 3 values from 4 receivers: 2 failed: "b": Cannot send: PEER_LOST; "d": Cannot send: PEER_LOST',
  );
  assert.deepEqual(failure.errors.map(({ code }) => code), ["PEER_LOST", "PEER_LOST"]);
  // Whoever iterates may still want the others.
  assert.deepEqual([...tasks.values()].flatMap(({ cancelled }) => cancelled), []);
  task("a").answer(1);
  task("c").answer(3);
  assert.deepEqual(await collect(asked), ["b 502", "d 502", "a 200", "c 200"]);
  await assert.rejects(asked.values(), AggregateError);
  const many = start({ to: names(20), limit: 20 });
  for (const task of many.tasks.values()) task.fail("PEER_LOST");
  await collect(many.asked);
  await assert.rejects(many.asked.values(), /20 failed: .*; 12 more$/);
});

Deno.test("FanOut without anybody who looks leaves nothing unhandled", async () => {
  const { tasks } = start({ to: ["a", "b"] });
  for (const task of tasks.values()) task.fail("PEER_LOST");
  await turn();
});

Deno.test("fanOut() takes the refusal of one receiver as its result", async () => {
  const refused: Record<string, Error> = {
    denied: blame(new RuntimeError("PEER_DENIED", "Cannot name it"), {
      side: "sender",
      mayHaveRun: false,
    }),
    full: blame(new RuntimeError("QUEUE_FULL", "Cannot start: full"), {
      side: "receiver",
      mayHaveRun: false,
    }),
    large: new RangeError("Cannot start: too large"),
  };
  const tasks: FakeTask[] = [];
  const asked = fanOut<number>("x", { to: ["denied", "full", "large", "well"], limit: 1 }, {
    start: (message, options) => {
      if (options.to! in refused) throw refused[options.to!];
      tasks.push(new FakeTask(message, options));
      return tasks[0]!;
    },
  });
  tasks[0]!.answer(5);
  const seen: FanOutResult[] = [];
  for await (const result of asked) seen.push(result);
  const { denied, full, large } = refused;
  assert.deepEqual(seen, [
    { to: "denied", code: 403, error: denied, side: "sender", mayHaveRun: false },
    { to: "full", code: 503, error: full, side: "receiver", mayHaveRun: false },
    { to: "large", code: 500, error: large, side: "sender", mayHaveRun: false },
    { to: "well", code: 200, value: 5 },
  ]);
});

Deno.test("FanOut.cancel() ends what is under way and sends no more; each receiver has a result", async () => {
  const { asked, task, tasks, sent } = start({ to: ["a", "b", "c", "d"], limit: 2 });
  task("a").answer(1);
  await turn();
  const reason = new Error("no longer wanted");
  asked.cancel(reason);
  asked.cancel("again");
  const seen: FanOutResult[] = [];
  for await (const result of asked) seen.push(result);
  assert.deepEqual(sent(), ["a", "b", "c"]);
  assert.deepEqual(task("a").cancelled, []);
  for (const to of ["b", "c"]) assert.equal(task(to).cancelled[0], reason);
  assert.deepEqual(seen.map(({ to, code }) => `${to} ${code}`), [
    "a 200",
    "d 503",
    "b 503",
    "c 503",
  ]);
  const { error, ...unsent } = seen[1]!;
  assert.deepEqual(unsent, { to: "d", code: 503, side: "sender", mayHaveRun: false });
  assert.match(error!.message, /^Cannot send a message to "d": no longer wanted$/);
  await assert.rejects(asked.values(), AggregateError);
  const before = tasks.size;
  asked.cancel();
  assert.equal(tasks.size, before);
});

Deno.test("Leaving the loop cancels the rest", async () => {
  const { asked, task, sent } = start({ to: ["a", "b", "c"], limit: 2 });
  task("b").answer(2);
  for await (const { to } of asked) {
    assert.equal(to, "b");
    break;
  }
  assert.equal(task("a").cancelled.length, 1);
  await assert.rejects(asked.values(), AggregateError);
  assert.ok(!sent().includes("c") || task("c").cancelled.length === 1);
});

Deno.test("A signal cancels a fan-out, and is let go when it is over", async () => {
  for (const where of ["options", "room"] as const) {
    const abort = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = abort.signal;
    abort.signal.addEventListener = (...args: unknown[]) => {
      listeners++;
      Reflect.apply(addEventListener, abort.signal, args);
    };
    abort.signal.removeEventListener = (...args: unknown[]) => {
      listeners--;
      Reflect.apply(removeEventListener, abort.signal, args);
    };
    const { signal } = abort;
    const open = () =>
      where === "options"
        ? start({ to: ["a", "b"], limit: 1, signal })
        : start({ to: ["a", "b"], limit: 1 }, { signal });
    const well = open();
    well.task("a").answer(1);
    await turn();
    well.task("b").answer(1);
    await well.asked.values();
    assert.equal(listeners, 0);
    const { asked, sent } = open();
    abort.abort(new RangeError("the client has gone"));
    assert.deepEqual(await collect(asked), ["b 503", "a 503"]);
    assert.deepEqual(sent(), ["a"]);
    if (where === "options") assert.throws(open, RangeError);
    else {
      const late = open();
      assert.deepEqual(late.sent(), []);
      assert.deepEqual(await collect(late.asked), ["a 503", "b 503"]);
    }
  }
});

Deno.test("fanOut() has one time for all receivers; those beyond it are not sent", async () => {
  const { asked, task, sent } = start({
    to: ["a", "b"],
    limit: 1,
    timeoutMs: 20,
    priority: "high",
  });
  const { timeoutMs, priority } = task("a").options;
  assert.ok(timeoutMs! > 0 && timeoutMs! <= 20);
  assert.equal(priority, "high");
  const since = performance.now();
  while (performance.now() - since < 21) await turn();
  task("a").answer(1);
  const seen: FanOutResult[] = [];
  for await (const result of asked) seen.push(result);
  assert.deepEqual(sent(), ["a"]);
  assert.deepEqual([seen[1]!.to, seen[1]!.code, seen[1]!.mayHaveRun], ["b", 504, false]);
  assert.equal(start({ to: ["a"] }).task("a").options.timeoutMs, undefined);
});

Deno.test("fanOut() refuses options that cannot be meant", () => {
  const self = new Set(["10.0.0.2:8000"]);
  const bad: [unknown, RegExp][] = [
    [{}, /TypeError: Cannot fan out: to must be a list of boxes, and undefined was given/],
    [
      { to: "box-1" },
      /TypeError: .*list of boxes, and 'box-1' was given|TypeError: .*list of boxes/,
    ],
    [{ to: [] }, /RangeError: .*1 to 1024 boxes, and 0 was given/],
    [{ to: names(1025) }, /RangeError: .*1025 was given/],
    [{ to: ["a", 5] }, /TypeError: .*list of names, and 5 was given/],
    [{ to: ["a", "b", "a"] }, /TypeError: .*each box once, and "a" and "a" are the same/],
    [{ to: ["", "localhost"] }, /TypeError: .*"" and "localhost" are the same/],
    [{ to: ["h:80", "http://h"] }, /TypeError: .*"h:80" and "http:\/\/h" are the same/],
    [{ to: ["127.0.0.1", "10.0.0.2:8000"] }, /TypeError: .*are the same/],
    [{ to: ["http://h/path"] }, /TypeError: Cannot find a box/],
    [{ to: ["a"], limit: 0 }, /RangeError: .*limit must be a whole number of at least 1, and 0/],
    [{ to: ["a"], limit: 1.5 }, /RangeError: .*limit/],
    [{ to: ["a"], limit: "2" }, /TypeError: .*limit must be a number/],
    [{ to: ["a"], quorum: 0 }, /RangeError: .*quorum must be a whole number from 1 to 1/],
    [{ to: ["a"], quorum: 2 }, /RangeError: .*quorum/],
    [{ to: ["a"], quorum: null }, /TypeError: .*quorum/],
  ];
  for (const [options, expected] of bad) {
    assert.throws(
      () => start(options as FanOutOptions, { self }),
      (error) => {
        assert.match(String(error), expected);
        return true;
      },
    );
  }
});

for (const isolation of ["thread", "process"] as const) {
  const where = isolation === "process" ? " in a process" : "";

  Deno.test(`Xbox.fanOut() reaches this box, beside others that do not exist${where}`, async () => {
    await using site = await openSite({
      xbox: { document: fixture("messages/xbox.ts"), isolation, workers: 1 },
    });
    await site.run(async ({ xbox }) => {
      const value = new Map([["a", [1n]]]);
      const asked = xbox.fanOut({ do: "echo", value }, { to: ["box-9", ""], quorum: 1 });
      assert.deepEqual(await asked.values(), [value]);
      const failing = xbox.fanOut({ do: "throw" }, { to: ["localhost"] });
      const failure = await failing.values().then(() => assert.fail("a value"), (error) => error);
      assert.ok(failure.errors[0] instanceof RangeError);
      assert.match(failure.message, /"localhost": out of range/);
      for (const timeoutMs of [0, -1, NaN]) {
        assert.throws(() => xbox.fanOut("x", { to: [""], timeoutMs }), RangeError);
      }
      assert.throws(() => xbox.fanOut("x", undefined!), /to must be a list of boxes/);
      assert.throws(() => xbox.fanOut(() => {}, { to: [""] }), { name: "DataCloneError" });
    });
  });

  Deno.test(`Xbox.fanOut() cancels the handler that is not needed any more${where}`, async () => {
    await using site = await openSite({
      xbox: { document: fixture("messages/xbox.ts"), isolation, workers: 2, graceMs: 5_000 },
    });
    await site.run(async ({ xbox }) => {
      for (const name of ["break", "cancel", "signal"]) {
        const abort = new AbortController();
        const { signal } = abort;
        const asked = xbox.fanOut({ do: "gate", name }, { to: [""], signal });
        await site.logged(`${name} entered`);
        if (name === "cancel") asked.cancel("enough");
        else if (name === "signal") abort.abort();
        else {
          const results = asked[Symbol.asyncIterator]();
          const first = results.next();
          asked.cancel();
          await first;
          await results.return!();
        }
        await site.logged(`${name} aborted`);
        await assert.rejects(asked.values(), AggregateError);
      }
    });
    await site.quiet();
  });

  Deno.test(`Xbox.fanOut() ends with the page that began it${where}`, async () => {
    await using site = await openSite({
      xbox: { document: fixture("messages/xbox.ts"), isolation, graceMs: 5_000 },
    }, (site) => {
      site.app.get("/", async (c) => {
        const asked = c.var.xbox.fanOut({ do: "gate", name: "a" }, { to: [""] });
        for await (const { code } of asked) c.var.log.info(`ended with ${code}`);
        return c.text("over");
      });
    });
    const abort = new AbortController();
    const response = fetch(site.box.url, { signal: abort.signal });
    await site.logged("a entered");
    abort.abort();
    await assert.rejects(response);
    await site.logged("a aborted");
    await site.logged("ended with 503");
    await site.quiet();
  });
}
