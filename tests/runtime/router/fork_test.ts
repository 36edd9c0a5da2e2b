import assert from "node:assert/strict";
import { startDeno } from "../../support/program.ts";
import { countWorkers } from "../../support/workers.ts";
import { tree } from "../../../mod.ts";
import type { Order } from "./node_child.ts";
import { binary, receivers, seeded, until, untilAsync } from "./support.ts";

const MODULE = new URL("./node_child.ts", import.meta.url);

interface Report {
  received: [source: number, payload: number][];
  lost: [peer: number, payload: unknown][];
  pid: number;
  rootPid: number;
}

/** A tree of workers, seen from its root. */
class Forest {
  readonly root: tree.Executor;
  readonly pids: number[] = [];
  readonly gone: [peer: tree.PeerInfo, lost: readonly tree.LostMessage[]][] = [];
  readonly errors: unknown[] = [];
  readonly received: [source: number, payload: number][] = [];
  readonly answers = new Map<number, Record<string, unknown>>();

  constructor(options?: tree.TreeOptions) {
    this.root = tree.root(options);
    this.pids.push(this.root.getPid());
    this.root.addListener({
      onMessageReceived: ({ source, payload, isAck }) => {
        if (isAck) return;
        if (typeof payload === "number") this.received.push([source, payload]);
        else this.answers.set(source, payload as Record<string, unknown>);
      },
      onPeerShutdown: (_, peer, lost) => void this.gone.push([peer, lost]),
      onRouterError: (_operation, _errno, _text, error) => void this.errors.push(error),
    });
  }

  /** Forks a child below the root. */
  fork(alias: string, options: Partial<tree.ForkOptions> = {}): number {
    return this.root.fork(alias, { module: MODULE, ...options });
  }

  /** Tells a node what to do. */
  tell(to: tree.Destination, order: Order): void {
    this.root.submit(order, to);
  }

  /** Asks a node and waits for its answer. */
  async ask(pid: number, order: Order): Promise<Record<string, unknown>> {
    this.answers.delete(pid);
    this.tell(pid, order);
    await until(`node ${pid} answers`, () => this.answers.has(pid));
    return this.answers.get(pid)!;
  }

  /** Forks a whole tree; each node forks its own children. */
  async grow(parents: readonly number[], isolation: "process" | "worker"): Promise<void> {
    const permissions = isolation === "process" ? { read: true } : "inherit" as const;
    for (const index of parents.keys()) {
      const children = parents.flatMap((parent, child) => parent === index ? [child] : []);
      if (children.length === 0) continue;
      const aliases = children.map((child) => `n${child}`);
      const pids = index === 0
        ? aliases.map((alias) => this.fork(alias, { permissions, isolation }))
        : (await this.ask(this.pids[index]!, { do: "fork", aliases, module: MODULE.href })).forked;
      children.forEach((child, at) => this.pids[child] = (pids as number[])[at]!);
    }
  }

  async [Symbol.asyncDispose]() {
    await this.root.close();
  }
}

Deno.test.each<[number, string, number]>([
  [7, "worker", 11],
  [15, "worker", 12],
  [7, "process", 13],
])(
  "a tree of %d nodes, the root's children each in a %s, delivers 2,000 messages once and in order (seed %d)",
  async (size, isolation, seed) => {
    using workers = countWorkers();
    {
      const parents = binary(size);
      await using forest = new Forest();
      await forest.grow(parents, isolation as "worker");
      const { root, pids } = forest;
      for (const index of parents.keys()) {
        if (index > 0 && index % 3 === 0) forest.tell(pids[index]!, { do: "join", group: "g" });
      }
      root.joinGroup("g");
      await until("all have joined", () => root.pendingMessages() === 0);
      await Promise.all(pids.slice(1).map((pid) => forest.ask(pid, { do: "report" })));
      const random = seeded(seed);
      const lists = parents.map(() => [] as [tree.Destination, number][]);
      const expected = parents.map(() => [] as [source: number, payload: number][]);
      for (let number = 0; number < 2000; number++) {
        const origin = random(size);
        const kind = random(10);
        let target = random(size);
        while (target === origin) target = random(size);
        const to: tree.Destination = kind === 0
          ? { all: true }
          : kind === 1
          ? { group: "g" }
          : kind === 2
          ? target === 0 ? "root" : `n${target}`
          : pids[target]!;
        const takes = (index: number) =>
          kind === 0 || (kind === 1 ? index % 3 === 0 : index === target);
        lists[origin]!.push([to, number]);
        for (const index of receivers(parents, origin, takes, kind > 1)) {
          expected[index]!.push([pids[origin]!, number]);
        }
      }
      lists.forEach((list, index) => {
        if (index > 0) forest.tell(pids[index]!, { do: "send", list });
      });
      for (const [to, number] of lists[0]!) root.submit(number, to);
      const found = parents.map(() => [] as [source: number, payload: number][]);
      for (const index of parents.keys()) {
        const end = performance.now() + 10_000;
        for (;;) {
          found[index] = index === 0
            ? forest.received
            : (await forest.ask(pids[index]!, { do: "report" }) as unknown as Report).received;
          if (found[index]!.length >= expected[index]!.length || performance.now() > end) break;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
      for (const index of parents.keys()) {
        assert.equal(found[index]!.length, expected[index]!.length);
        for (const pid of pids) {
          const of = (list: [number, number][]) => list.filter(([source]) => source === pid);
          assert.deepEqual(of(found[index]!), of(expected[index]!));
        }
      }
      assert.deepEqual(forest.errors, []);
      await root.close();
      assert.deepEqual(
        forest.gone.map(([{ status }, lost]) => [status, lost.length]),
        [[{ type: "exited", value: 0 }, 0], [{ type: "exited", value: 0 }, 0]],
      );
    }
    assert.equal(workers.running, 0);
  },
);

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`fork() gives a child in a ${isolation} its data and its place`, async () => {
    await using forest = new Forest();
    const seen: [unknown, number][] = [];
    const pid = forest.fork("kid", {
      isolation,
      data: { a: 1n },
      onParent: (executor, pid) => void seen.push([executor, pid]),
    });
    assert.deepEqual(seen, [[forest.root, pid]]);
    const report = await forest.ask(pid, { do: "report" });
    assert.deepEqual(report, {
      ...{ received: [], lost: [], data: { a: 1n }, pid, rootPid: Deno.pid },
    });
    assert.deepEqual(forest.root.peers(), [{
      ...{ pid, alias: "kid", direction: "child", status: null },
    }]);
    assert.equal(pid > 2 ** 32, isolation === "worker");
    assert.ok(forest.root.isMaster() && !forest.root.isShutdown());
  });
}

Deno.test.each<["process" | "worker", string, tree.ExitStatus]>([
  ["worker", "fails", { type: "exited", value: 1 }],
  ["worker", "is killed", { type: "signaled", value: 9 }],
  // Nothing tells how a worker closed itself; it is found silent, and ended.
  ["worker", "vanishes", { type: "signaled", value: 9 }],
  ["worker", "stops", { type: "exited", value: 0 }],
  ["process", "fails", { type: "exited", value: 1 }],
  ["process", "is killed", { type: "signaled", value: 9 }],
  ["process", "vanishes", { type: "exited", value: 7 }],
  ["process", "stops", { type: "exited", value: 0 }],
  ["worker", "stops with a code", { type: "exited", value: 3 }],
  ["process", "stops with a code", { type: "exited", value: 3 }],
])("onPeerShutdown is called once when a child in a %s %s", async (isolation, end, status) => {
  using workers = countWorkers();
  await using forest = new Forest({ heartbeatMs: isolation === "worker" ? 100 : 1000 });
  const pid = forest.fork("kid", { isolation });
  await forest.ask(pid, { do: "report" });
  const orders: Record<string, Order> = {
    ...{ fails: { do: "fail" }, vanishes: { do: "vanish" }, stops: { do: "stop" } },
    "stops with a code": { do: "stop", code: 3 },
  };
  if (end === "is killed") assert.equal(forest.root.killNode(pid, 9, { real: true }), true);
  else forest.tell(pid, orders[end]!);
  await until("it is gone", () => forest.gone.length > 0);
  assert.equal(workers.running, 0);
  assert.equal(forest.root.killNode(pid, 9, { real: true }), false);
  await forest.root.close();
  assert.equal(forest.gone.length, 1);
  assert.deepEqual(forest.gone[0]![0], { pid, alias: "kid", direction: "child", status });
});

/** Starts a process that forks a process, kills it without a word, and waits until its child is gone too. */
async function orphan(module: URL, then: string): Promise<void> {
  const source = `
    import { tree } from ${JSON.stringify(new URL("../../../mod.ts", import.meta.url).href)};
    const root = tree.root();
    const pid = root.fork("kid", {
      isolation: "process",
      module: ${JSON.stringify(module.href)},
      data: "stay",
    });
    const end = () => {
      console.log(pid);
      Deno.kill(Deno.pid, "SIGKILL");
    };
    ${then}
  `;
  await using program = startDeno([
    ...["run", "--no-check", "--allow-read", "--allow-run=deno", "--allow-env=NODE_V8_COVERAGE"],
    `data:text/javascript,${encodeURIComponent(source)}`,
  ]);
  const { stdout, stderr } = await program.output();
  const pid = Number(stdout);
  assert.ok(pid > 0, stderr);
  await untilAsync("the child is gone", async () => {
    const { code } = await new Deno.Command("sh", {
      args: ["-c", `kill -0 ${pid}`],
      stderr: "null",
    }).output();
    return code !== 0;
  });
}

Deno.test.each<[string, URL, string]>([
  [
    "runs",
    MODULE,
    'root.addListener({ onMessageReceived: end }); root.submit({ do: "report" }, "kid");',
  ],
  ["was not greeted", MODULE, "end();"],
  [
    "still loads its module",
    new URL("./loading_child.ts", import.meta.url),
    "setTimeout(end, 300);",
  ],
])("a process whose parent is killed while it %s ends", (_, module, then) => orphan(module, then));

Deno.test("a process that has said goodbye has time to finish, and ends with its code", async () => {
  await using root = tree.root();
  const gone: unknown[] = [];
  root.addListener({ onPeerShutdown: (_, { status }) => void gone.push(status) });
  const pid = root.fork("kid", {
    module: new URL("./slow_child.ts", import.meta.url),
    isolation: "process",
    data: 600,
  });
  root.submit("end", pid);
  await until("it is gone", () => gone.length === 1);
  assert.deepEqual(gone, [{ type: "exited", value: 7 }]);
});

Deno.test("a child that stops answering messages keeps them, and they are reported when it is killed", async () => {
  await using forest = new Forest();
  const pid = forest.fork("kid");
  await forest.ask(pid, { do: "report" });
  await until("all is acknowledged", () => forest.root.pendingMessages() === 0);
  forest.tell(pid, { do: "sleep" });
  const ids = Array.from({ length: 1100 }, (_, number) => forest.root.submit(number, pid));
  forest.root.killNode(pid, 9, { real: true });
  await until("it is gone", () => forest.gone.length > 0);
  const lost = forest.gone[0]![1].slice(1);
  assert.deepEqual(lost.map(({ id }) => id), ids);
  const certain = (wanted: string) => lost.filter(({ certainty }) => certainty === wanted).length;
  assert.deepEqual([certain("maybe-processed"), certain("never-sent")], [1023, 77]);
});

Deno.test.each([[false], [true]])(
  "a process that spins is reported, and killed if killStuck is %s",
  async (killStuck) => {
    await using forest = new Forest({ heartbeatMs: 25, killStuck });
    const pid = forest.fork("kid", { isolation: "process" });
    await forest.ask(pid, { do: "report" });
    await until("all is acknowledged", () => forest.root.pendingMessages() === 0);
    forest.tell(pid, { do: "spin" });
    await until("it is reported", () => forest.errors.length > 0);
    assert.equal((forest.errors[0] as tree.RouterError).code, "PEER_STUCK");
    assert.equal((forest.errors[0] as tree.RouterError).errno, 110);
    if (!killStuck) assert.equal(forest.root.killNode(pid, 9, { real: true }), true);
    await until("it is gone", () => forest.gone.length === 1);
    assert.deepEqual(forest.gone[0]![0].status, { type: "signaled", value: 9 });
    assert.deepEqual(forest.gone[0]![1].map(({ payload }) => payload), [{ do: "spin" }]);
    assert.equal(forest.errors.length, 1);
  },
);

Deno.test.each([[21], [22], [23]])(
  "nodes of a tree of workers end at random; the rest goes on and nothing hangs (seed %d)",
  async (seed) => {
    using workers = countWorkers();
    const random = seeded(seed);
    const parents = binary(7);
    await using forest = new Forest({ heartbeatMs: 150, drainMs: 300 });
    await forest.grow(parents, "worker");
    // One below the root's first child closes itself, the root's second child is killed with all below it.
    const leaf = 3 + random(2);
    const sibling = 7 - leaf;
    await forest.ask(forest.pids[1]!, { do: "report" });
    forest.tell(forest.pids[leaf]!, { do: "sleep" });
    const list = Array.from(
      { length: 50 },
      (_, number) => [forest.pids[leaf]!, number] as [number, number],
    );
    forest.tell(forest.pids[1]!, { do: "send", list });
    await untilAsync("the leaf's parent has sent", async () => {
      await forest.ask(forest.pids[1]!, { do: "report" });
      return true;
    });
    forest.tell("n1", { do: "kill", pid: forest.pids[leaf]! });
    forest.root.killNode(forest.pids[2]!, 9, { real: true });
    let report: Report | undefined;
    await untilAsync("the loss is reported", async () => {
      report = await forest.ask(forest.pids[1]!, { do: "report" }) as unknown as Report;
      return report.lost.length > 0;
    });
    assert.ok(report!.lost.every(([peer]) => peer === forest.pids[leaf]));
    // Answers to the alias of the root flood, so that copies of them are lost there too.
    const sent = report!.lost.map(([, payload]) => payload as Record<string, unknown> | number)
      .filter((payload) => typeof payload === "number" || "do" in payload);
    assert.deepEqual(sent, [{ do: "sleep" }, ...Array(50).keys()]);
    const other = await forest.ask(forest.pids[sibling]!, { do: "report" }) as unknown as Report;
    assert.deepEqual([other.lost, other.received], [[], []]);
    await until("the root knows", () => forest.gone.length === 1);
    // To those that are gone nothing goes, and nothing waits.
    for (const index of [2, 5, 6, leaf]) {
      forest.root.submit(index, forest.pids[index]!, { ack: true, timeoutMs: 30 });
    }
    await until("nothing waits", () => forest.root.pendingMessages() === 0);
    const before = performance.now();
    await forest.root.close();
    assert.ok(performance.now() - before < 2000);
    assert.deepEqual(
      forest.gone.map(([{ pid, status }]) => [pid, status]),
      [
        [forest.pids[2], { type: "signaled", value: 9 }],
        [forest.pids[1], { type: "exited", value: 0 }],
      ],
    );
    assert.equal(workers.running, 0);
  },
);

Deno.test("close() ends a child that is stuck in a listener, and is done in time", async () => {
  using workers = countWorkers();
  const forest = new Forest({ drainMs: 40 });
  const pid = forest.fork("kid");
  await forest.ask(pid, { do: "report" });
  forest.tell(pid, { do: "sleep" });
  const before = performance.now();
  await forest.root.close();
  assert.ok(performance.now() - before < 2000);
  assert.equal(workers.running, 0);
  assert.equal(forest.gone.length, 1);
  assert.equal(forest.gone[0]![1].length, 1);
});

Deno.test("a child whose module fails to load, or to run, is reported with what was sent to it", async () => {
  for (const module of ["./no_such_file.ts", "./failing_child.ts"]) {
    await using forest = new Forest();
    forest.fork("kid", { module: new URL(module, import.meta.url) });
    forest.root.submit("early", "kid");
    await until("it is gone", () => forest.gone.length > 0);
    const [peer, lost] = forest.gone[0]!;
    assert.deepEqual(peer.status, { type: "exited", value: 1 });
    assert.deepEqual(lost.map(({ payload, certainty }) => [payload, certainty]), [[
      "early",
      "never-sent",
    ]]);
    assert.equal(forest.errors.length, 1);
  }
});

Deno.test("fork() refuses what it cannot start before anything starts", async () => {
  using workers = countWorkers();
  await using forest = new Forest();
  assert.throws(() => forest.fork(""), RangeError);
  assert.throws(() => forest.fork("x", { module: "./x.ts" }), TypeError);
  assert.throws(() => forest.fork("x", { data: () => 1 }), { name: "DataCloneError" });
  assert.deepEqual(forest.root.peers(), []);
  assert.equal(workers.started, 0);
});

Deno.test("fork() below a node without permission to read is NotCapable", async () => {
  await using forest = new Forest();
  const pid = forest.fork("kid", { permissions: "none" });
  const answer = await forest.ask(pid, { do: "fork", aliases: ["x"], module: MODULE.href });
  assert.deepEqual(answer, { refused: "NotCapable" });
});

Deno.test("a process that sends what cannot be read costs its own link only", async () => {
  await using forest = new Forest({ heartbeatMs: 100, killStuck: true });
  const module = new URL("./garbage_child.ts", import.meta.url);
  const pid = forest.fork("kid", { module, isolation: "process" });
  await until("it is found", () => forest.gone.length > 0);
  assert.equal(forest.gone[0]![0].pid, pid);
  const other = forest.fork("other");
  await forest.ask(other, { do: "report" });
});
