import assert from "node:assert/strict";
import { tree } from "../../../mod.ts";
import { runDeno } from "../../support/program.ts";
import { countWorkers } from "../../support/workers.ts";
import { grow, until } from "./support.ts";

const MODULE = new URL("./executor_child.ts", import.meta.url);

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`a child in a ${isolation} sends at once, enters its loop when its function has ended, and ends with its code`, async () => {
    using workers = countWorkers();
    await using root = tree.root();
    const heard: unknown[] = [];
    root.addListener({ onMessageReceived: ({ payload }) => void heard.push(payload) });
    const pid = root.fork("kid", { module: MODULE, isolation, data: 9 });
    assert.deepEqual([root.getChildren(), root.getAlivedChildren()], [[pid], [pid]]);
    const { uptime, ...living } = root.readChildState(pid)!;
    assert.ok(uptime >= 0);
    assert.deepEqual(living, { terminationType: 0, status: null });
    assert.equal(root.addProcessContextInfo(pid, { job: "crawl", status: 4 }), true);
    assert.equal(root.addProcessContextInfo(pid, {}), false);
    assert.equal(root.addProcessContextInfo(4711, { job: 1 }), false);
    assert.equal(root.getProcessContextInfo(pid)!.job, "crawl");
    await until("its loop has begun", () => heard.length === 3);
    assert.deepEqual(heard, ["at once", "ready", "loop"]);
    root.submit("end", pid);
    await until("it has ended", () => root.getAlivedChildren().length === 0);
    assert.equal(heard[3], "last words");
    assert.deepEqual(root.getChildren(), [pid]);
    assert.equal(root.getProcessContextInfo(pid)!.terminationType, 1);
    const { uptime: lived, ...state } = root.readChildState(pid)!;
    assert.ok(lived >= uptime);
    assert.deepEqual(state, { job: "crawl", terminationType: 1, status: 9 });
    assert.deepEqual([root.getChildren(), root.readChildState(pid)], [[], null]);
    assert.equal(root.getProcessContextInfo(pid), null);
    assert.equal(workers.running, 0);
  });
}

Deno.test("loop() calls onStart once, and onExitLoop once for all that one turn has handled", async () => {
  await using grove = grow([-1, 0]);
  const [{ node }, kid] = [grove.all[0]!, grove.all[1]!];
  const calls: string[] = [];
  node.addListener({
    onStart: () => void calls.push("start"),
    onMessageReceived: ({ payload }) => void calls.push(`message ${payload}`),
    onExitLoop: (executor) => void calls.push(executor === node ? "turn" : "whose?"),
    onShutdown: (executor) => void calls.push(`shutdown ${executor.isShutdown()}`),
  });
  kid.node.submit(0, "root");
  await until("it is there", () => calls.length === 1);
  const loop = node.loop();
  assert.equal(node.loop(), loop);
  kid.node.submit(1, "root");
  await until("a turn is over", () => calls.includes("turn"));
  kid.node.submit(2, "root");
  await until("another turn is over", () => calls.filter((call) => call === "turn").length === 2);
  assert.deepEqual(calls, ["message 0", "start", "message 1", "turn", "message 2", "turn"]);
  node.shutdown();
  node.shutdown();
  await loop;
  assert.equal(calls.filter((call) => call.startsWith("shutdown")).join(), "shutdown false");
  assert.ok(node.isShutdown());
});

Deno.test("onShutdown may still send, and what it throws is reported", async () => {
  await using grove = grow([-1, 0]);
  const { node, errors } = grove.all[1]!;
  node.addListener({
    onShutdown: () => {
      node.submit("bye", "root");
      throw new Error("oops");
    },
  });
  await node.close();
  assert.deepEqual(grove.all[0]!.received.map(({ payload }) => payload), ["bye"]);
  assert.deepEqual(errors.map((error) => (error as Error).message), ["oops"]);
});

Deno.test.each([[true], [false]])(
  "a node that stops waits for what is pending if flushPending is %s",
  async (flushPending) => {
    await using grove = grow([-1, 0], { drainMs: 10_000 });
    const gate = Promise.withResolvers<void>();
    const [{ node }, kid] = [grove.all[0]!, grove.all[1]!];
    node.addListener({ onMessageReceived: () => gate.promise });
    kid.node.setShutdownBehavior({ flushPending });
    kid.node.submit("slow", "root");
    await until("it is there", () => node.statistics().delivered === 1);
    let over = false;
    void kid.node.close().then(() => over = true);
    if (flushPending) {
      kid.node.setTTL(1_000_000);
      const asked = performance.now();
      await until("some turns have passed", () => performance.now() > asked + 100);
      assert.equal(over, false);
      gate.resolve();
    }
    await until("it has ended", () => over);
    assert.deepEqual(kid.errors, []);
    gate.resolve();
  },
);

Deno.test("setTTL() lets a node without children go after so many turns, with a warning", async () => {
  await using grove = grow([-1, 0], { drainMs: 60_000 });
  const gate = Promise.withResolvers<void>();
  const [{ node }, kid] = [grove.all[0]!, grove.all[1]!];
  node.addListener({ onMessageReceived: () => gate.promise });
  for (const wrong of [0, -1, 1.5, NaN]) assert.throws(() => kid.node.setTTL(wrong), RangeError);
  kid.node.setTTL(3);
  kid.node.submit("slow", "root");
  await until("it is there", () => node.statistics().delivered === 1);
  kid.node.shutdown();
  await until("it warns", () => kid.errors.length === 1);
  assert.match((kid.errors[0] as Error).message, /after 3 turns 1 messages are not acknowledged/);
  gate.resolve();
  await kid.node.loop();
});

Deno.test("with waitPeers a node waits until its children have ended and were read", async () => {
  using workers = countWorkers();
  await using root = tree.root();
  const pid = root.fork("kid", { module: MODULE, data: 0 });
  const ready = Promise.withResolvers<void>();
  root.addListener({
    onMessageReceived: ({ payload }) => {
      if (payload === "loop") ready.resolve();
    },
  });
  await ready.promise;
  root.setShutdownBehavior({ waitPeers: true });
  root.setTTL(1_000_000);
  let over = false;
  root.submit("end", pid);
  root.shutdown();
  void root.loop().then(() => over = true);
  await until("the child has ended", () => root.getAlivedChildren().length === 0);
  assert.equal(over, false);
  assert.deepEqual(root.getChildren(), [pid]);
  assert.equal(root.readChildState(pid)!.terminationType, 1);
  await until("the loop is over", () => over);
  assert.equal(workers.running, 0);
});

Deno.test("restart() takes a shutdown back while the node waits, and lets a stopped one have children again", async () => {
  using workers = countWorkers();
  await using root = tree.root();
  const heard: unknown[] = [];
  let starts = 0;
  root.addListener({
    onMessageReceived: ({ payload }) => void heard.push(payload),
    onStart: () => void starts++,
  });
  const pid = root.fork("kid", { module: MODULE, data: 0 });
  await until("it runs", () => heard.length === 3);
  root.restart();
  root.setShutdownBehavior({ waitPeers: true });
  const loop = root.loop();
  root.shutdown();
  assert.throws(() => root.submit(1, pid), { code: "NODE_STOPPED" });
  root.restart();
  assert.equal(root.isShutdown(), false);
  assert.equal(root.loop(), loop);
  root.submit("end", pid);
  await until("the child has ended", () => root.getAlivedChildren().length === 0);
  root.setShutdownBehavior({});
  root.shutdown();
  await loop;
  root.restart();
  heard.length = 0;
  root.fork("kid", { module: MODULE, data: 0 });
  await until("a new one runs", () => heard.length === 3);
  const again = root.loop();
  assert.notEqual(again, loop);
  assert.equal(starts, 2);
  root.setExitAfterShutdown(true);
  assert.throws(() => root.restart(), { code: "NODE_STOPPED" });
  root.setExitAfterShutdown(false);
  root.shutdown();
  await again;
  assert.equal(workers.running, 0);
});

Deno.test("a child node cannot outlive its loop, and codes are bytes", async () => {
  await using grove = grow([-1, 0]);
  const [{ node }, kid] = [grove.all[0]!, grove.all[1]!];
  assert.throws(() => kid.node.setExitAfterShutdown(false), TypeError);
  assert.throws(() => kid.node.restart(), { code: "NODE_STOPPED" });
  for (const wrong of [-1, 256, 0.5, NaN]) {
    assert.throws(() => node.setProcessExitCode(wrong), RangeError);
  }
  assert.throws(() => node.setShutdownBehavior({ flushPending: 1 as unknown as true }), TypeError);
  assert.throws(() => node.setShutdownBehavior({ wait: true } as object), TypeError);
  assert.deepEqual([node.isMaster(), kid.node.isMaster()], [true, false]);
  assert.deepEqual([kid.node.getPid(), kid.node.getRootPid()], [1001, 1000]);
});

Deno.test("a root with exitAfterShutdown ends its process with its code, and others do not", async () => {
  const program = `
    import { tree } from ${JSON.stringify(new URL("../../../mod.ts", import.meta.url).href)};
    const root = tree.root();
    root.setProcessExitCode(7);
    root.setExitAfterShutdown(Deno.args[0] === "exit");
    root.shutdown();
    await root.loop();
    console.log("after");
    setTimeout(() => console.log("much later"), 50);
  `;
  for (const [how, code, text] of [["exit", 7, "after\n"], ["stay", 0, "after\nmuch later\n"]]) {
    const source = `data:text/javascript,${encodeURIComponent(program)}`;
    const ended = await runDeno(["run", "--no-check", "--allow-read", source, String(how)]);
    assert.deepEqual([ended.code, ended.stdout], [code, text], ended.stderr);
  }
});

Deno.test("submit() takes its arguments in the order of PHP, too", async () => {
  await using grove = grow([-1, 0, 0], {}, ["root", "a", "b"]);
  const [{ node, received }, a, b] = [grove.all[0]!, grove.all[1]!, grove.all[2]!];
  node.submit("one", "a", true);
  node.submit(new Uint8Array([7]), 1001, false, true);
  node.submit("all", null, true, false, true, true);
  await until("all is there", () => a.received.length === 3 && received.length === 1);
  await until("it is at the other", () => b.received.length === 1);
  const of = ({ received }: typeof a) =>
    received.map(({ payload, isUrgent, isBroadcast }) => [payload, isUrgent, isBroadcast]);
  assert.deepEqual(of(b), [["all", true, true]]);
  assert.deepEqual(of(a).filter(([, urgent]) => !urgent), [
    ["one", false, false],
    [new Uint8Array([7]), false, false],
  ]);
  assert.equal(received[0]!.isAck, true);
  const pending = node.pendingMessages();
  assert.throws(() => node.submit("x", null, true), TypeError);
  assert.throws(() => node.submit("x", "a", false), TypeError);
  assert.throws(() => node.submit("x", "a", true, 1 as unknown as boolean), TypeError);
  assert.equal(node.pendingMessages(), pending);
});

Deno.test("onInterruptReceive is called before an urgent message, with legacyInterrupt only", async () => {
  for (const legacyInterrupt of [false, true]) {
    await using grove = grow([-1, 0], { legacyInterrupt });
    const calls: unknown[] = [];
    grove.all[1]!.node.addListener({
      onInterruptReceive: ({ payload }) => void calls.push(["interrupt", payload]),
      onMessageReceived: ({ payload }) => void calls.push(["message", payload]),
    });
    grove.all[0]!.node.submit(1, 1001);
    await until("it is there", () => calls.length === 1);
    grove.all[0]!.node.submit(2, 1001, { urgent: true });
    await until("both are there", () => calls.some((call) => (call as unknown[])[1] === 2));
    const interrupt = legacyInterrupt ? [["interrupt", 2]] : [];
    assert.deepEqual(calls, [["message", 1], ...interrupt, ["message", 2]]);
  }
});
