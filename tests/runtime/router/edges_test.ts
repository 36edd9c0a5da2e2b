import assert from "node:assert/strict";
import { tree } from "../../../mod.ts";
import { Heartbeat } from "../../../runtime/router/heartbeat.ts";
import { countWorkers } from "../../support/workers.ts";
import { grow, until, type Witness } from "./support.ts";

const MODULE = new URL("./node_child.ts", import.meta.url);

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`a ${isolation} that is told to leave before it runs leaves in order`, async () => {
    using workers = countWorkers();
    const root = tree.root();
    const gone: unknown[] = [];
    const errors: unknown[] = [];
    root.addListener({
      onPeerShutdown: (_, { status }) => void gone.push(status),
      onRouterError: (_operation, _errno, text) => void errors.push(text),
    });
    for (let times = 0; times < 3; times++) root.fork(undefined, { module: MODULE, isolation });
    await root.close();
    assert.deepEqual(errors, []);
    assert.deepEqual(gone, Array(3).fill({ type: "exited", value: 0 }));
    assert.equal(workers.running, 0);
  });
}

Deno.test("a child stops when its parent is gone although a listener of that never ends", async () => {
  await using grove = grow([-1, 0], { drainMs: 20 });
  const [, kid] = grove.all as [Witness, Witness];
  kid.node.addListener({ onPeerShutdown: () => new Promise(() => {}) });
  grove.crash(0);
  await until("it stops", () => kid.node.isShutdown());
});

Deno.test("the longest drainMs that is allowed kills nobody at once", async () => {
  const root = tree.root({ drainMs: 2 ** 31 - 1 });
  const gone: unknown[] = [];
  const ready = Promise.withResolvers<void>();
  root.addListener({
    onPeerShutdown: (_, { status }) => void gone.push(status),
    onMessageReceived: () => ready.resolve(),
  });
  const pid = root.fork("kid", { module: MODULE, isolation: "process" });
  root.submit({ do: "report" }, pid);
  await ready.promise;
  await root.close();
  assert.deepEqual(gone, [{ type: "exited", value: 0 }]);
});

Deno.test("a clock that is set back holds up no node that stops", async () => {
  const { now } = Date;
  const grove = grow([-1, 0], { drainMs: 30 });
  const [root, kid] = grove.all as [Witness, Witness];
  const gate = Promise.withResolvers<void>();
  root.node.addListener({ onMessageReceived: () => gate.promise });
  try {
    let time = now();
    Date.now = () => time -= 1000;
    kid.node.setTTL(1_000_000);
    kid.node.submit("slow", "root");
    let over = false;
    void kid.node.close().then(() => over = true);
    await until("it has ended", () => over);
  } finally {
    Date.now = now;
    gate.resolve();
    await grove[Symbol.asyncDispose]();
  }
});

Deno.test("fork() with an onParent that is no function, or that throws, leaves no child", async () => {
  using workers = countWorkers();
  await using root = tree.root();
  const start = (onParent: unknown) =>
    root.fork("kid", { module: MODULE, onParent: onParent as () => void });
  assert.throws(() => start(5), { name: "TypeError", message: /onParent.*a function.*5/ });
  assert.deepEqual([root.getChildren(), workers.started], [[], 0]);
  assert.throws(() =>
    start(() => {
      throw new Error("oops");
    }), /oops/);
  await until("it is gone", () => root.getAlivedChildren().length === 0);
  assert.equal(workers.running, 0);
});

Deno.test("what is no listener, no interceptor and no record is refused", async () => {
  await using root = tree.root();
  for (const wrong of [null, undefined, 5, "onStart"]) {
    assert.throws(() => root.addListener(wrong as never), TypeError, String(wrong));
  }
  assert.throws(() => root.addListener({ priority: "1" as never }), /priority.*number/);
  assert.throws(() => root.addListener({ onStart: 5 as never }), /onStart.*function/);
  for (const wrong of [null, 5, [null], [{ matches: 5, handlers: [] }], [{ matches() {} }]]) {
    assert.throws(() => new tree.InterceptorListener(wrong as never), /^TypeError: Cannot use/);
  }
  for (const wrong of [null, 5, "abc", ["a"]]) {
    assert.throws(() => root.addProcessContextInfo(1, wrong as never), /^TypeError: Cannot use/);
  }
  assert.equal(root.pendingMessages(), 0);
});

Deno.test("a heartbeat asks nobody any more who has not answered, until he does", async () => {
  let asked = 0;
  let silent = 0;
  let ticks = 0;
  const beat = new Heartbeat(1, { ask: () => void asked++, silent: () => void silent++ });
  const other = setInterval(() => ticks++, 1);
  try {
    beat.start();
    await until("it is silent", () => silent === 1);
    const before = ticks;
    await until("as much again has passed", () => ticks > before + 20);
    assert.deepEqual([asked, silent], [3, 1]);
    beat.heard();
    await until("it asks again", () => silent === 2);
    assert.equal(asked, 6);
  } finally {
    beat.stop();
    clearInterval(other);
  }
});

Deno.test("loop() of a node that has ended begins nothing", async () => {
  await using root = tree.root();
  let starts = 0;
  root.addListener({ onStart: () => void starts++ });
  await root.close();
  await root.loop();
  assert.equal(starts, 0);
  root.restart();
  void root.loop();
  assert.equal(starts, 1);
});

Deno.test("a shutdown behind one that was taken back has all its turns", async () => {
  await using grove = grow([-1, 0]);
  const [root, kid] = grove.all as [Witness, Witness];
  await kid.node.close();
  await until("it is gone", () => root.node.getAlivedChildren().length === 0);
  root.node.setShutdownBehavior({ waitPeers: true });
  root.node.setTTL(10); // of 20 ms each
  const first = performance.now();
  root.node.shutdown();
  await until("some turns are over", () => performance.now() - first > 100);
  root.node.restart();
  root.node.shutdown();
  const second = performance.now();
  await root.node.loop();
  assert.ok(performance.now() - second >= 190);
  assert.equal(root.errors.length, 1);
});
