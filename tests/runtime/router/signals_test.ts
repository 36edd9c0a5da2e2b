import assert from "node:assert/strict";
import { pcntl, tree } from "../../../mod.ts";
import { runDeno } from "../../support/program.ts";
import { countWorkers } from "../../support/workers.ts";
import { grow, until } from "./support.ts";

const MODULE = new URL("./signal_child.ts", import.meta.url);
const { SIGCHLD, SIGKILL, SIGSTOP, SIGTERM, SIGUSR2, SIGWINCH } = pcntl;

/** A root and one child that handles some signals. */
function family(isolation: "process" | "worker", handled: number[], options?: tree.TreeOptions) {
  const root = tree.root(options);
  const received: unknown[] = [];
  const gone: (tree.ExitStatus | null)[] = [];
  const errors: { code?: string }[] = [];
  root.addListener({
    onMessageReceived: ({ payload }) => void received.push(payload),
    onPeerShutdown: (_, { status }) => void gone.push(status),
    onRouterError: (_operation, _errno, _text, error) => void errors.push(error as object),
  });
  const pid = root.fork("kid", { module: MODULE, isolation, data: handled });
  return { root, pid, received, gone, errors, [Symbol.asyncDispose]: () => root.close() };
}

for (const isolation of ["worker", "process"] as const) {
  Deno.test(`killNode() raises a signal in a ${isolation}, whose handlers, mask and waits see its sender`, async () => {
    await using tree = family(isolation, [SIGTERM]);
    const { root, pid, received } = tree;
    const info = { signo: SIGTERM, errno: 0, code: pcntl.SI_USER, pid: root.getPid() };
    assert.equal(root.killNode(pid, "SIGTERM"), true);
    assert.equal(root.killNode(pid, SIGTERM), true);
    await until("it is handled twice", () => received.length === 2);
    assert.deepEqual(received, Array(2).fill({ signo: SIGTERM, info }));
    received.length = 0;
    root.submit("block", pid);
    await until("it is blocked", () => received.length === 1);
    for (let times = 0; times < 3; times++) root.killNode(pid, SIGTERM);
    // The answer to this comes behind whatever the signals had led to.
    root.submit("block", pid);
    await until("it answers", () => received.length === 2);
    root.submit("unblock", pid);
    await until("one is released", () => received.length === 3);
    assert.deepEqual(received, ["blocked", "blocked", { signo: SIGTERM, info }]);
    received.length = 0;
    root.submit("wait", pid);
    await until("it waits", () => received.length === 1);
    root.killNode(pid, SIGUSR2);
    await until("the wait is over", () => received.length === 2);
    assert.deepEqual(received[1], { waited: { ...info, signo: SIGUSR2 } });
  });
}

Deno.test.each<["process" | "worker", number, tree.ExitStatus]>([
  ["process", SIGTERM, { type: "signaled", value: SIGTERM }],
  ["process", SIGKILL, { type: "signaled", value: SIGKILL }],
  ["worker", SIGTERM, { type: "exited", value: 128 + SIGTERM }],
  ["worker", SIGKILL, { type: "exited", value: 128 + SIGKILL }],
])("killNode() ends a %s that has nothing for signal %d", async (isolation, signo, status) => {
  using workers = countWorkers();
  await using tree = family(isolation, []);
  const { root, pid, gone } = tree;
  root.killNode(pid, SIGCHLD);
  root.killNode(pid, SIGWINCH);
  root.killNode(pid, signo);
  await until("it is gone", () => gone.length === 1);
  assert.deepEqual(gone, [status]);
  assert.equal(workers.running, 0);
});

Deno.test("killNode() from below does nothing where nothing takes the signal", async () => {
  await using grove = grow([-1, 0, 1, 1]);
  const [root, middle, low] = grove.all.map(({ node }) => node);
  low!.killNode(1000, SIGTERM);
  low!.killNode(1001, SIGTERM);
  await until("both are there", () => low!.pendingMessages() === 0);
  assert.ok(!root!.isShutdown() && !middle!.isShutdown());
  const seen: unknown[] = [];
  pcntl.signal(SIGTERM, (_, { pid }) => seen.push(pid));
  try {
    low!.killNode(1000, SIGTERM);
    await until("it is there", () => low!.pendingMessages() === 0);
    pcntl.signalDispatch();
  } finally {
    pcntl.signal(SIGTERM, pcntl.SIG_DFL);
  }
  assert.deepEqual(seen, [1002]);
  // A worker's node is stopped in order; one that cannot stop says so and goes on.
  root!.killNode(1003, SIGSTOP);
  await until("it says so", () => grove.all[3]!.errors.length === 1);
  assert.equal((grove.all[3]!.errors[0] as pcntl.PcntlError).code, "ENOSYS");
  root!.killNode(1003, SIGTERM);
  await until("it stops", () => grove.all[1]!.lost.length === 1);
  assert.equal(grove.all[3]!.node.exitCode, 128 + SIGTERM);
});

Deno.test("killNode() refuses what is no signal, itself, and a stopped node, and reaches nobody", async () => {
  await using grove = grow([-1, 0]);
  const { node } = grove.all[0]!;
  for (const wrong of [0, 65, -1]) assert.throws(() => node.killNode(1001, wrong), RangeError);
  for (const wrong of [1.5, NaN, "TERM", null as unknown as number]) {
    assert.throws(() => node.killNode(1001, wrong), TypeError);
  }
  assert.throws(() => node.killNode(1000, 1), { code: "LOOPBACK" });
  assert.throws(() => node.killNode(1001, SIGTERM, { real: 1 as unknown as true }), TypeError);
  assert.throws(() => node.killNode(1001, SIGTERM, { real: true }), RangeError);
  assert.equal(node.killNode(4711, SIGTERM, { real: true }), false);
  assert.equal(node.pendingMessages(), 0);
  await node.close();
  assert.throws(() => node.killNode(1001, 1), { code: "NODE_STOPPED" });
});

const PROGRAM = `
  import { tree } from ${JSON.stringify(new URL("../../../mod.ts", import.meta.url).href)};
  await using root = tree.root();
  const ready = Promise.withResolvers();
  const gone = Promise.withResolvers();
  root.addListener({
    onMessageReceived: ({ payload }) => ready.resolve(payload),
    onPeerShutdown: (_executor, { status }) => gone.resolve(status),
  });
  const name = (run) => { try { return run(); } catch (error) { return [error.name, error.message]; } };
  const started = name(() => root.fork("kid", {
    module: ${JSON.stringify(MODULE.href)}, isolation: Deno.args[0], data: [15],
  }));
  if (typeof started === "number") {
    root.submit("block", started);
    await ready.promise;
    const killed = name(() => root.killNode(started, 15, { real: true }));
    console.log(JSON.stringify([killed, root.getAlivedChildren().length]));
    root.killNode(started, 9, { real: true });
    console.log(JSON.stringify(await gone.promise));
  } else console.log(JSON.stringify([started, root.getChildren()]));
`;

async function run(isolation: string, flags: string[]): Promise<unknown[]> {
  const { code, stdout, stderr } = await runDeno([
    ...["run", "--no-check", "--no-prompt", "--unstable-worker-options", ...flags],
    `data:text/javascript,${encodeURIComponent(PROGRAM)}`,
    isolation,
  ]);
  assert.equal(code, 0, stderr);
  return stdout.trim().split("\n").map((line) => JSON.parse(line));
}

Deno.test("killNode() for real sends a process the signal of the system, if that is permitted", async () => {
  const flags = ["--allow-read", "--allow-env=NODE_V8_COVERAGE,PATH,HOME,DENO_DIR"];
  // The child blocks it, so it lives on.
  assert.deepEqual(await run("process", [...flags, "--allow-run"]), [
    [true, 1],
    { type: "signaled", value: 9 },
  ]);
  const [[refusal, alive], gone] = await run("process", [...flags, "--allow-run=deno"]) as [
    [[string, string], number],
    unknown,
  ];
  assert.equal(refusal[0], "NotCapable");
  assert.match(refusal[1], /--allow-run/);
  assert.equal(alive, 1);
  assert.deepEqual(gone, { type: "signaled", value: 9 });
});

Deno.test.each<[string, string[], RegExp]>([
  ["process", ["--allow-read", "--allow-env=NODE_V8_COVERAGE"], /--allow-run/],
  ["process", ["--allow-read", "--allow-run=sh", "--allow-env=NODE_V8_COVERAGE"], /--allow-run/],
  ["process", ["--allow-read", "--allow-run=deno"], /--allow-env/],
  ["process", ["--allow-run=deno", "--allow-env=NODE_V8_COVERAGE"], /--allow-read/],
  ["worker", [], /--allow-read/],
])(
  "fork() of a %s with %j only names the flag that is missing, and leaves nothing",
  async (isolation, flags, names) => {
    const [[refusal, children]] = await run(isolation, flags) as [[[string, string], number[]]];
    assert.equal(refusal[0], "NotCapable");
    assert.match(refusal[1], names);
    assert.deepEqual(children, []);
  },
);

Deno.test("fork() of a worker with more permissions than there are is refused, and leaves nothing", async () => {
  using workers = countWorkers();
  await using root = tree.root();
  assert.throws(
    () => root.fork("kid", { module: MODULE, permissions: { ffi: true } }),
    Deno.errors.NotCapable,
  );
  assert.deepEqual([root.getChildren(), root.peers()], [[], []]);
  assert.equal(workers.running, 0);
});
