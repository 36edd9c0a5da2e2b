import assert from "node:assert/strict";
import { openStore } from "../../../runtime/store/mod.ts";
import { fetchJson, freePort, HeldRequest, untilRefused } from "../../support/loopback.ts";
import { BOX_FLAGS, MOD, Program, startServe, storeFlags } from "../../support/program.ts";
import { tempDir } from "../../support/temp_dir.ts";

const LIFECYCLE = new URL("../../sites/lifecycle/site.ts", import.meta.url).href;
const HANGS = new URL("../../sites/one_document/site.ts", import.meta.url).href +
  "?kind=startup&document=./hangs.ts";

/** Serves the lifecycle site with its store in a folder. */
function serveIn(folder: string, port: number, args: string[] = []): Program {
  const all = [LIFECYCLE, "--port", `${port}`, "--store", `${folder}/store.db`, ...args];
  return startServe(all, { flags: storeFlags(folder) });
}

/** Lets the request that is held end, by way of the store. */
async function release(folder: string): Promise<void> {
  await using store = await openStore({ url: `${folder}/store.db` });
  await store.set("go", true);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test(`${signal} drains: requests in flight end, threads are told, status 0`, async () => {
    await using dir = await tempDir();
    const port = freePort();
    {
      await using program = serveIn(dir.path, port, ["--grace", "60000"]);
      const url = await program.url();
      using request = await HeldRequest.open(`${url}held`, "begun");
      program.kill(signal);
      await program.stderr.line(new RegExp(`The box drains why="${signal}"`));
      await untilRefused(port);
      assert.equal(program.ended, false);
      await release(dir.path);
      assert.match(await request.finish(), /begun[^]*done/);
      const { code, stderr } = await program.output();
      assert.equal(code, 0, stderr);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
    }
    await using again = serveIn(dir.path, port);
    const { boots, before, told } = await fetchJson(await again.url());
    assert.deepEqual({ boots, before, told }, { boots: 2, before: "told", told: 1 });
    again.kill(signal);
    assert.equal((await again.output()).code, 0);
  });
}

Deno.test("the same signal twice at once counts once", async () => {
  await using dir = await tempDir();
  const port = freePort();
  await using program = serveIn(dir.path, port, ["--grace", "60000"]);
  const url = await program.url();
  using request = await HeldRequest.open(`${url}held`, "begun");
  program.kill("SIGINT");
  program.kill("SIGINT");
  await program.stderr.line(/The box drains/);
  await untilRefused(port);
  await release(dir.path);
  assert.match(await request.finish(), /begun[^]*done/);
  const { code, stderr } = await program.output();
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stderr, /at once/);
});

for (const [signal, status] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`${signal} ends a box that drains for a while at once, with ${status}`, async () => {
    await using dir = await tempDir();
    await using program = serveIn(dir.path, 0, ["--grace", "600000"]);
    const url = await program.url();
    using request = await HeldRequest.open(`${url}held`, "begun");
    program.kill("SIGTERM");
    const drains = await program.stderr.line(/The box drains/);
    const since = Date.parse(drains.split(" ")[0]!);
    // The first ones come within half a second of the drain and count as its echo.
    while (!program.ended) {
      program.kill(signal);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const { code, stderr } = await program.output();
    assert.equal(code, status, stderr);
    const line = stderr.split("\n").find((text) => text.includes("The box ends at once"))!;
    assert.ok(Date.parse(line.split(" ")[0]!) - since >= 450, stderr);
    await request.untilCut();
  });
}

Deno.test("a drain ends the program when its grace is over, and cuts off who is left", async () => {
  await using dir = await tempDir();
  const port = freePort();
  {
    await using program = serveIn(dir.path, port, ["--grace", "2000"]);
    const url = await program.url();
    using request = await HeldRequest.open(`${url}held`, "begun");
    program.kill("SIGTERM");
    const { code, stderr } = await program.output();
    assert.equal(code, 0, stderr);
    await request.untilCut();
    assert.doesNotMatch(request.text, /done/);
  }
  // The threads had their share of the time.
  await using again = serveIn(dir.path, port);
  assert.equal((await fetchJson(await again.url())).before, "told");
});

Deno.test("a signal gives up a boot that hangs", async () => {
  const port = freePort();
  await using program = startServe([HANGS, "--port", `${port}`]);
  await program.stderr.line(/It hangs/);
  program.kill("SIGTERM");
  const { code, stdout, stderr } = await program.output();
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /\ntandem: Cannot boot site "site": it was told to stop\n$/);
});

/** Serves the lifecycle site as the child of a shell. */
function serveBelowShell(folder: string, port: number, args: string): Program {
  const flags = [...BOX_FLAGS, ...storeFlags(folder)].map((flag) => `'${flag}'`).join(" ");
  const serve = `${MOD} serve '${LIFECYCLE}' --port ${port} --store ${folder}/store.db ${args}`;
  return new Program("sh", ["-c", `deno run ${flags} ${serve} & echo "pid $!"; wait`]);
}

Deno.test("a box whose parent has ended drains", async () => {
  await using dir = await tempDir();
  const port = freePort();
  {
    await using shell = serveBelowShell(dir.path, port, "--grace 60000");
    const pid = (await shell.stdout.line(/^pid \d+$/)).slice("pid ".length);
    await using _box = killAtEnd(pid);
    const url = await shell.url();
    using request = await HeldRequest.open(`${url}held`, "begun");
    shell.kill("SIGKILL");
    await shell.status;
    await shell.stderr.line(/The box drains why="its parent process has ended"/);
    await untilRefused(port);
    await release(dir.path);
    assert.match(await request.finish(), /begun[^]*done/);
    // The box holds the other end of the shell's output.
    await Promise.all([shell.stdout.end, shell.stderr.end]);
  }
  await using again = serveIn(dir.path, port);
  assert.equal((await fetchJson(await again.url())).before, "told");
});

Deno.test("a detached box outlives its parent", async () => {
  await using dir = await tempDir();
  const port = freePort();
  await using shell = serveBelowShell(dir.path, port, "--detached");
  const pid = (await shell.stdout.line(/^pid \d+$/)).slice("pid ".length);
  await using box = killAtEnd(pid);
  const url = await shell.url();
  shell.kill("SIGKILL");
  await shell.status;
  // A box that looks for its parent does so twice a second.
  for (const end = performance.now() + 1500; performance.now() < end;) {
    assert.equal((await fetchJson(url)).boots, 1);
  }
  assert.equal(shell.stderr.text, "");
  await box.kill("TERM");
  await Promise.all([shell.stdout.end, shell.stderr.end]);
  assert.match(shell.stderr.text, /The box drains why="SIGTERM"/);
});

/** Ends a process that is no child of the test. */
function killAtEnd(pid: string): { kill(signal: string): Promise<void> } & AsyncDisposable {
  const kill = async (signal: string) => {
    await using program = new Program("sh", ["-c", `kill -${signal} ${pid} 2>/dev/null`]);
    await program.status;
  };
  // It holds the output that the test reads: were it to go on for ever, so would the test.
  const timer = setTimeout(() => kill("KILL"), 120_000);
  return {
    kill,
    [Symbol.asyncDispose]: () => {
      clearTimeout(timer);
      return kill("KILL");
    },
  };
}

Deno.test("a page that leaves a promise or a timer that fails does not end the program", async () => {
  await using dir = await tempDir();
  await using program = serveIn(dir.path, freePort());
  const url = await program.url();
  assert.equal(await (await fetch(`${url}faults`)).text(), "left");
  await program.stderr.line(/ERROR A promise failed that nobody waits for why="left alone"/);
  await program.stderr.line(/ERROR An error was thrown that nobody caught why="thrown alone"/);
  assert.equal((await fetchJson(url)).boots, 1);
  program.kill("SIGTERM");
  assert.equal((await program.output()).code, 0);
});
