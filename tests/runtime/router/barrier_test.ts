import assert from "node:assert/strict";
import { tree } from "../../../mod.ts";
import { parseRequest } from "../../../runtime/router/barrier_desk.ts";
import { runDeno } from "../../support/program.ts";
import { countWorkers } from "../../support/workers.ts";
import type { Meeting } from "./barrier_child.ts";
import { type Grove, grow, until } from "./support.ts";

const MODULE = new URL("./barrier_child.ts", import.meta.url);

/** Barriers of one kind for so many parties. */
interface Parties extends AsyncDisposable {
  all: tree.Barrier[];
}

const KINDS: [string, (parties: number) => Parties][] = [
  ["in memory", (parties) => {
    const first = new tree.Barrier(parties);
    const others = Array.from({ length: parties - 1 }, () => new tree.Barrier(first.buffer!));
    return { all: [first, ...others], async [Symbol.asyncDispose]() {} };
  }],
  ["in a tree", (parties) => {
    const grove: Grove = grow(Array.from({ length: parties }, (_, index) => index - 1));
    const all = grove.all.map(({ node: executor }) =>
      new tree.Barrier(parties, { executor, name: "b" })
    );
    return { all, [Symbol.asyncDispose]: () => grove[Symbol.asyncDispose]() };
  }],
];

for (const [kind, make] of KINDS) {
  Deno.test(`a barrier ${kind} lets nobody pass before the last has come, again and again`, async () => {
    await using parties = make(3);
    const [a, b, c] = parties.all as [tree.Barrier, tree.Barrier, tree.Barrier];
    assert.deepEqual([a.parties, a.waiting, a.broken], [3, 0, false]);
    for (let round = 0; round < 5; round++) {
      const passed: string[] = [];
      const first = a.await().then(() => passed.push("a"));
      const second = b.await(30).then(() => passed.push("b"));
      await until("both wait", () => a.waiting === 2 && b.waiting === 2);
      assert.deepEqual(passed, []);
      await c.await();
      await Promise.all([first, second]);
      assert.deepEqual(passed.toSorted(), ["a", "b"]);
      assert.equal(a.waiting, 0);
    }
  });

  Deno.test(`a barrier ${kind} breaks when one's time is up, until it is reset`, async () => {
    await using parties = make(3);
    const [a, b, c] = parties.all as [tree.Barrier, tree.Barrier, tree.Barrier];
    const first = assert.rejects(a.await(), tree.BrokenBarrierError);
    await until("the first waits", () => a.waiting === 1);
    await assert.rejects(b.await(0.02), { name: "TimeoutError" });
    await first;
    assert.deepEqual([a.broken, a.waiting], [true, 0]);
    await assert.rejects(c.await(), { name: "BrokenBarrierError", code: "BARRIER_BROKEN" });
    await c.reset();
    const again = a.await();
    await until("the first waits again", () => a.waiting === 1);
    await assert.rejects(c.reset(), { code: "BARRIER_BUSY", errno: 16 });
    await Promise.all([again, b.await(), c.await()]);
  });

  Deno.test(`a barrier ${kind} refuses impossible times and numbers`, async () => {
    await using parties = make(2);
    const [a] = parties.all as [tree.Barrier];
    for (const wrong of [-1, NaN, Infinity, "1" as unknown as number]) {
      await assert.rejects(a.await(wrong), RangeError);
    }
    assert.equal(a.waiting, 0);
  });
}

Deno.test("new Barrier() refuses what is no barrier", async () => {
  await using root = tree.root();
  for (const wrong of [0, -1, 1.5, 4096, NaN]) {
    assert.throws(() => new tree.Barrier(wrong), RangeError);
  }
  assert.throws(() => new tree.Barrier("2" as unknown as number), TypeError);
  assert.throws(() => new tree.Barrier(new SharedArrayBuffer(12)), TypeError);
  assert.throws(() => new tree.Barrier(new SharedArrayBuffer(8)), TypeError);
  assert.throws(() => new tree.Barrier(2, { executor: root, name: "" }), RangeError);
  assert.throws(() => new tree.Barrier(2, { executor: {} as tree.Executor, name: "b" }), TypeError);
  assert.equal(new tree.Barrier(2, { executor: root, name: "b" }).buffer, undefined);
});

Deno.test("workers that share memory pass a barrier together 500 times", async () => {
  using workers = countWorkers();
  const barrier = new tree.Barrier(4);
  const counter = new SharedArrayBuffer(4);
  const all = Array.from(
    { length: 4 },
    () => new Worker(new URL("./barrier_worker.ts", import.meta.url), { type: "module" }),
  );
  try {
    const results = await Promise.all(all.map((worker) =>
      new Promise((resolve) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.postMessage({ buffer: barrier.buffer, rounds: 500, counter });
      })
    ));
    assert.deepEqual(results, Array(4).fill("done"));
    assert.equal(new Int32Array(counter)[0], 4 * 500);
  } finally {
    for (const worker of all) worker.terminate();
  }
  assert.equal(workers.running, 0);
});

/** A root with children at a barrier, and what they say. */
function meet(meetings: ["process" | "worker", Partial<Meeting>][], parties: number) {
  const root = tree.root();
  const said: [source: number, what: string, round: number][] = [];
  root.addListener({
    onMessageReceived: ({ source, payload }) => {
      said.push([source, ...payload as [string, number]]);
    },
  });
  const pids = meetings.map(([isolation, meeting]) =>
    root.fork(undefined, {
      module: MODULE,
      isolation,
      permissions: { read: true },
      data: { name: "meet", parties, rounds: 1, timeoutSec: 0, below: 0, ...meeting },
    })
  );
  return { root, said, pids, [Symbol.asyncDispose]: () => root.close() };
}

Deno.test("workers, processes, grandchildren and the root pass a barrier of the tree together", async () => {
  using workers = countWorkers();
  {
    const rounds = 10;
    await using meeting = meet([
      ["worker", { rounds, below: 1 }],
      ["process", { rounds }],
      ["process", { rounds, below: 1 }],
    ], 6);
    const barrier = new tree.Barrier(6, { executor: meeting.root, name: "meet" });
    for (let round = 0; round < rounds; round++) await barrier.await(20);
    await until("all have passed", () => meeting.said.length === rounds * 2 * 5);
    for (let round = 0; round < rounds; round++) {
      const places = (what: string) =>
        meeting.said.flatMap(([, said, of], place) => said === what && of === round ? [place] : []);
      assert.equal(places("before").length, 5);
      assert.equal(places("behind").length, 5);
    }
    // Nobody is behind a round before all that send over the same link were before it.
    for (const [place, [source, what, round]] of meeting.said.entries()) {
      if (what !== "behind") continue;
      const before = meeting.said.findIndex(([of, said, at]) =>
        of === source && said === "before" && at === round
      );
      assert.ok(before < place);
    }
  }
  assert.equal(workers.running, 0);
});

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`a ${isolation} that is killed at a barrier of the tree, or above one that waits, breaks it`, async () => {
    await using meeting = meet([[isolation, { below: 1 }]], 4);
    const { root, said, pids } = meeting;
    const barrier = new tree.Barrier(4, { executor: root, name: "meet" });
    const broken = assert.rejects(barrier.await(20), tree.BrokenBarrierError);
    await until("all but one wait", () => barrier.waiting === 3);
    root.killNode(pids[0]!, 9, { real: true });
    await broken;
    assert.deepEqual(said.map(([, what]) => what), ["before", "before"]);
  });
}

Deno.test("a node that stops breaks what it waits at, and a tree keeps no more than 1,024 barriers", async () => {
  await using grove = grow([-1, 0, 1]);
  const [root, middle, low] = [0, 1, 2].map((index): tree.Executor => grove.all[index]!.node);
  assert.ok(root !== undefined && middle !== undefined && low !== undefined);
  const of = (executor: tree.Executor, name: string, parties = 2) =>
    new tree.Barrier(parties, { executor, name });
  const above = of(root, "b");
  const both = [above.await(20), of(low, "b", 2)] as const;
  await assert.rejects(of(middle, "b", 3).await(), /expect 2 parties/);
  await both[1].await();
  await both[0];
  const all = Array.from({ length: 1024 }, (_, at) => of(root, `b${at}`).await());
  await assert.rejects(of(low, "one more").await(), { code: "QUEUE_FULL" });
  const ended = Promise.allSettled(all);
  await root.close();
  assert.ok(
    (await ended).every((one) =>
      one.status === "rejected" && one.reason instanceof tree.BrokenBarrierError
    ),
  );
  await assert.rejects(of(low, "b").await(), { code: "NODE_STOPPED" });
});

Deno.test("a barrier opens for all although one of them is slow", async () => {
  await using grove = grow([-1, 0, 0], { maxQueued: 4 });
  const [root, slow, other] = [0, 1, 2].map((index) => grove.all[index]!.node);
  assert.ok(root !== undefined && slow !== undefined && other !== undefined);
  const of = (executor: tree.Executor) => new tree.Barrier(3, { executor, name: "b" });
  const gate = Promise.withResolvers<void>();
  slow.addListener({ onMessageReceived: () => gate.promise });
  const first = of(slow).await();
  const own = of(root);
  const second = own.await();
  await until("both wait", () => own.waiting === 2);
  assert.throws(() => {
    for (;;) root.submit(1, slow.getPid());
  }, { code: "QUEUE_FULL" });
  await of(other).await(5);
  await second;
  gate.resolve();
  await first;
});

Deno.test("what a node asks of a barrier is rebuilt field by field", () => {
  assert.deepEqual(parseRequest(["enter", 1, "b", 2, [5]]), ["enter", 1, "b", 2, [5]]);
  assert.deepEqual(parseRequest(["gone", 7, "more"]), ["gone", 7]);
  assert.deepEqual(parseRequest(["leave", 7, "b", "more"]), ["leave", 7, "b"]);
  for (
    const wrong of [
      null,
      {},
      [],
      ["enter", 0, "b", 2, []],
      ["enter", 1, "", 2, []],
      ["enter", 1, "b", 0, []],
      ["enter", 1, "b", 4096, []],
      ["enter", 1, "b", 2, "path"],
      ["enter", 1, "b", 2, [0]],
      ["enter", 1, "b", 2, Array(66).fill(1)],
      ["gone", -1],
      ["sudo", 1, "b"],
    ]
  ) assert.equal(parseRequest(wrong), undefined);
});

Deno.test("barriers of a tree that nobody has any more take no memory", async () => {
  const program = `
    import { tree } from ${JSON.stringify(new URL("../../../mod.ts", import.meta.url).href)};
    await using executor = tree.root();
    const turn = () => new Promise((resolve) => setTimeout(resolve));
    const used = async () => {
      for (let times = 0; times < 3; times++) {
        gc();
        await turn();
      }
      return Deno.memoryUsage().heapUsed;
    };
    const before = await used();
    for (let at = 0; at < 100_000; at++) new tree.Barrier(2, { executor, name: "barrier " + at });
    console.log(await used() - before);
  `;
  const { stdout, stderr } = await runDeno([
    ...["run", "--no-check", "--allow-read", "--v8-flags=--expose-gc"],
    `data:text/javascript,${encodeURIComponent(program)}`,
  ]);
  assert.ok(stdout !== "" && Number(stdout) < 3_000_000, `${stdout} bytes more ${stderr}`);
});
