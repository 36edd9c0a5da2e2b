import assert from "node:assert/strict";
import { hub } from "../../../runtime/process/hub.ts";
import * as pcntl from "../../../runtime/process/mod.ts";
import { Output, REPOSITORY } from "../../support/program.ts";
import { runScript, scope, startScript, throwsAs, until } from "./process_support.ts";

const { SIGALRM, SIGCHLD, SIGHUP, SIGUSR2, SIGWINCH } = pcntl;
const LONG = "const end = performance.now() + 20_000; const over = () => performance.now() > end;";

/** For scripts: starts a signal thread that has more text than ours. */
function openThread(text: string): string {
  const module = (name: string) => `file://${REPOSITORY}runtime/process/${name}.ts`;
  return `
    import { openSignalThread } from "${module("signal_thread")}";
    import { signalThreadText } from "${module("signal_thread_main")}";
    const told = [];
    pcntl.configure({ onWarning: (...args) => told.push(args.join()) });
    const thread = openSignalThread(signalThreadText() + ${JSON.stringify(text)});`;
}

/** Gives up after a while, so that a test fails and does not hang; the loop has no turn. */
function spin(holds: () => boolean): void {
  const end = performance.now() + 20_000;
  while (!holds()) assert.ok(performance.now() < end, `Waited in vain for ${holds}`);
}

/** What a busy loop does until it sees the signal. */
const SEERS: [string, string][] = [
  ["tick()", "pcntl.tick();"],
  ["declareTicks()", "tick();"],
  ["signalDispatch()", "pcntl.signalDispatch();"],
  ["signalDispatchAsync()", "pcntl.signalDispatchAsync();"],
  ["waitpidNow() with asyncSignals()", "pcntl.waitpidNow(-1);"],
  ["wait() with asyncSignals()", "pcntl.wait();"],
  ["sigprocmask()", "pcntl.sigprocmask(pcntl.SIG_BLOCK, [pcntl.SIGHUP]); if (size() > 0) break;"],
  ["kill()", "pcntl.kill(Deno.pid, 'SIGWINCH'); if (size() > 0) break;"],
  ["signal()", "pcntl.signal('SIGHUP', () => {}); if (size() > 0) break;"],
];

Deno.test.each(SEERS)(
  "with the signal thread %s sees a signal from outside in a busy loop",
  async (_name, step) => {
    await using program = startScript(`
      import { hub } from "file://${REPOSITORY}runtime/process/hub.ts";
      const size = () => hub.queue.size;
      const thread = pcntl.startSignalThread();
      const tick = pcntl.declareTicks(2);
      const seen = [];
      pcntl.signal("SIGWINCH", pcntl.SIG_IGN);
      pcntl.signal("SIGUSR2", (signo, info) => seen.push(info));
      pcntl.asyncSignals(true);
      ${LONG}
      console.log("busy");
      while (seen.length === 0 && !over()) { ${step} }
      const inTime = !over();
      pcntl.signalDispatch();
      console.log(inTime, JSON.stringify(seen), thread.running, pcntl.capabilities().syncSignalVisibility);`);
    await program.stdout.line(/busy/);
    program.kill("SIGUSR2");
    const { code, stdout, stderr } = await program.output();
    assert.equal(
      stdout,
      `busy\ntrue [{"signo":${SIGUSR2},"errno":0}] true true\n`,
    );
    assert.deepEqual([code, stderr], [0, ""]);
  },
);

Deno.test("with the signal thread each signal is seen once, in order, also while it starts and stops", async () => {
  await using _ = scope();
  const seen: number[] = [];
  const note = (signo: number) => seen.push(signo);
  // By default they do nothing: what is late does no harm.
  pcntl.signal(SIGWINCH, note);
  pcntl.signal("SIGURG", note);
  const expected: number[] = [];
  for (let round = 0; round < 5; round++) {
    Deno.kill(Deno.pid, "SIGWINCH"); // before the thread listens
    expected.push(SIGWINCH);
    await using thread = pcntl.startSignalThread();
    assert.equal(thread.running, true);
    await until(() => (pcntl.tick(), seen.length === expected.length));
    for (let i = 0; i < 20; i++) {
      for (const name of ["SIGURG", "SIGWINCH"] as const) {
        Deno.kill(Deno.pid, name);
        expected.push(pcntl[name]);
        spin(() => (pcntl.tick(), seen.length === expected.length));
      }
      await pcntl.checkpoint();
    }
    Deno.kill(Deno.pid, "SIGWINCH"); // our own listener shows it only after the end
    expected.push(SIGWINCH);
    spin(() => (pcntl.tick(), seen.length === expected.length));
    await thread.close();
    assert.equal(thread.running, false);
    await thread.close();
    Deno.kill(Deno.pid, "SIGURG");
    expected.push(pcntl.SIGURG);
    await until(() => (pcntl.tick(), seen.length === expected.length));
  }
  // Signals are shown in order: with this one each listener has shown all there is.
  pcntl.signal("SIGCONT", note);
  Deno.kill(Deno.pid, "SIGCONT");
  await until(() => (pcntl.tick(), seen.includes(pcntl.SIGCONT)));
  assert.deepEqual(seen, [...expected, pcntl.SIGCONT]);
  assert.equal(pcntl.capabilities().syncSignalVisibility, false);
});

Deno.test("the signal thread wakes an idle isolate, and handlers run by themselves", async () => {
  await using _ = scope();
  await using _thread = pcntl.startSignalThread();
  let calls = 0;
  pcntl.asyncSignals(true);
  pcntl.signal("SIGWINCH", () => calls++);
  for (let i = 1; i <= 5; i++) {
    Deno.kill(Deno.pid, "SIGWINCH");
    await until(() => calls === i);
  }
  const wait = pcntl.sigwaitinfo(["SIGWINCH"]);
  Deno.kill(Deno.pid, "SIGWINCH");
  assert.deepEqual(await wait, { signo: SIGWINCH, errno: 0 });
  assert.equal(calls, 5);
});

Deno.test("the signal thread takes no permission, keeps no process alive, and gives the system's action back", async () => {
  const { code, stdout } = await runScript(`
    pcntl.startSignalThread();
    pcntl.signal("SIGUSR2", () => {});
    console.log("end");`);
  assert.deepEqual([code, stdout], [0, "end\n"]);
  const turns = "await new Promise((resolve) => setTimeout(resolve, 9000));";
  for (const close of ["", "await thread.close();"]) {
    const ended = await runScript(`
      const thread = pcntl.startSignalThread();
      pcntl.signal("SIGUSR2", () => {});
      pcntl.signal("SIGUSR2", pcntl.SIG_DFL);
      ${close}
      pcntl.kill(Deno.pid, "SIGUSR2");
      ${turns}`);
    assert.equal(ended.signal, "SIGUSR2");
  }
});

Deno.test("with the signal thread a blocked signal waits, and acts when it is freed", async () => {
  await using program = startScript(`
    pcntl.startSignalThread();
    pcntl.sigprocmask(pcntl.SIG_BLOCK, ["SIGTERM", "SIGUSR2"]);
    console.log("blocked");
    console.log(JSON.stringify(pcntl.sigtimedwaitSync(["SIGUSR2"], 20)));
    pcntl.sigprocmask(pcntl.SIG_UNBLOCK, ["SIGTERM"]);
    await new Promise((resolve) => setTimeout(resolve, 9000));`);
  await program.stdout.line(/blocked/);
  program.kill("SIGTERM");
  program.kill("SIGUSR2");
  const { stdout } = await program.output();
  assert.equal(stdout, `blocked\n{"signo":${SIGUSR2},"errno":0}\n`);
  assert.equal((await program.status).signal, "SIGTERM");
});

Deno.test("with the signal thread the alarm goes off in a busy loop, once, and says what was left", async () => {
  await using _ = scope();
  pcntl.alarm(100);
  await using thread = pcntl.startSignalThread();
  const seen: pcntl.Siginfo[] = [];
  pcntl.signal("SIGALRM", (_, info) => seen.push(info));
  assert.equal(pcntl.alarm(50), 100);
  const start = performance.now();
  assert.equal(pcntl.alarm(1), 50);
  spin(() => (pcntl.tick(), seen.length > 0));
  assert.ok(performance.now() - start >= 990);
  assert.deepEqual(seen, [{ signo: SIGALRM, errno: 0, code: pcntl.SI_KERNEL }]);
  assert.equal(pcntl.alarm(4_294_967_295), 0);
  assert.equal(pcntl.alarm(1), 4_294_967_295);
  await thread.close(); // which hands it back
  await until(() => (pcntl.tick(), seen.length > 1));
  assert.equal(pcntl.alarm(0), 0);
  await pcntl.checkpoint();
  assert.equal(seen.length, 2);
});

Deno.test("with the signal thread the alarm ends a busy process that has no handler", async () => {
  const { signal, stdout } = await runScript(`
    pcntl.startSignalThread();
    pcntl.alarm(1);
    ${LONG}
    while (!over());
    console.log("late");`);
  assert.deepEqual([signal, stdout], ["SIGALRM", ""]);
});

Deno.test("with the signal thread a SIGUSR1 handler runs, and the inspector is closed", async () => {
  const { stdout, stderr } = await runScript(
    `
    import { url } from "node:inspector";
    pcntl.configure({ onWarning() {} });
    pcntl.startSignalThread();
    let calls = 0;
    pcntl.signal("SIGUSR1", () => calls++);
    let opened = false;
    for (let i = 0; i < 600; i++) {
      if (i % 20 === 0 && !opened) Deno.kill(Deno.pid, "SIGUSR1");
      opened ||= url() !== undefined;
      if (opened && url() === undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    pcntl.signalDispatch();
    console.log(calls > 0, url());`,
    ["--allow-sys"],
  );
  assert.equal(stdout, "true undefined\n", stderr);
});

Deno.test("a signal thread that ends by itself is noticed, told of, and nothing is lost", async () => {
  const { code, stdout, stderr } = await runScript(`
    ${openThread(`Deno.addSignalListener("SIGHUP", () => Deno.exit(3));`)}
    const seen = [];
    for (const name of ["SIGHUP", "SIGUSR2", "SIGALRM"]) pcntl.signal(name, (signo) => seen.push(signo));
    pcntl.alarm(1);
    ${LONG}
    Deno.kill(Deno.pid, "SIGHUP");
    while (seen.length < 1 && !over()) { await pcntl.checkpoint(); pcntl.tick(); }
    while (thread.running && !over()) await pcntl.checkpoint();
    Deno.kill(Deno.pid, "SIGUSR2");
    while (new Set(seen).size < 3 && !over()) { await pcntl.checkpoint(); pcntl.tick(); }
    console.log([...new Set(seen)].join(), pcntl.capabilities().syncSignalVisibility);
    console.log(told.join("|"));
    const second = pcntl.startSignalThread();
    console.log(second.running);
    await second.close();`);
  assert.equal(
    stdout,
    `${SIGHUP},${SIGUSR2},${SIGALRM} false\n` +
      "startSignalThread,0,The signal thread is gone: it ended with code 3; " +
      "signals are seen at turns of the event loop again\ntrue\n",
    stderr,
  );
  assert.equal(code, 0);
});

const STUCK = `Deno.addSignalListener("SIGHUP", () => { for (;;); });`;

Deno.test("a signal thread that is stuck is given up at the next thing that it is asked", async () => {
  const { stdout, stderr } = await runScript(`
    ${openThread(STUCK)}
    const seen = [];
    pcntl.signal("SIGUSR2", (signo) => seen.push(signo));
    pcntl.sigprocmask(pcntl.SIG_BLOCK, ["SIGCONT"]);
    Deno.kill(Deno.pid, "SIGHUP");
    ${LONG}
    // It hangs, and this is seen neither by the loop nor by the thread.
    while (thread.running && !over()) pcntl.signal("SIGURG", seen.length ? 1 : 0), pcntl.signal("SIGURG", 1);
    Deno.kill(Deno.pid, "SIGUSR2");
    while (seen.length < 1 && !over()) { await pcntl.checkpoint(); pcntl.tick(); }
    console.log(seen.join(), told.length, /does not answer/.test(told[0]));
    Deno.exit(0);`);
  assert.equal(stdout, `${SIGUSR2} 1 true\n`, stderr);
});

Deno.test("a signal thread that is stuck is found out by a signal that it does not tell of", async () => {
  const { stdout, stderr } = await runScript(`
    ${openThread(STUCK)}
    const seen = [];
    pcntl.signal("SIGUSR2", (signo) => seen.push(signo));
    pcntl.signal("SIGHUP", (signo) => seen.push(signo));
    Deno.kill(Deno.pid, "SIGHUP");
    Deno.kill(Deno.pid, "SIGUSR2");
    ${LONG}
    while ((new Set(seen).size < 2 || thread.running) && !over()) { await pcntl.checkpoint(); pcntl.tick(); }
    console.log([...new Set(seen)].sort().join(), told.length);
    Deno.exit(0);`);
  assert.equal(stdout, `${SIGHUP},${SIGUSR2} 1\n`, stderr);
});

Deno.test("startSignalThread() refuses a second one, and one that does not start", async () => {
  await using _ = scope();
  {
    await using thread = pcntl.startSignalThread();
    throwsAs(() => pcntl.startSignalThread(), pcntl.PcntlError, /runs already/);
    assert.equal(pcntl.getLastError(), pcntl.EINVAL);
    assert.equal(thread.running, true);
  }
  const { stdout, stderr } = await runScript(`
    import { openSignalThread } from "file://${REPOSITORY}runtime/process/signal_thread.ts";
    try { openSignalThread("for (;;);"); } catch (error) { console.log(error.code, error.message); }
    console.log(pcntl.capabilities().syncSignalVisibility);
    Deno.exit(0);`);
  assert.equal(
    stdout,
    "ENOSYS Cannot startSignalThread: it does not answer within 2000 ms\nfalse\n",
    stderr,
  );
});

Deno.test("sigtimedwaitSync() takes what is pending, the lowest number first", async () => {
  await using _ = scope();
  await using _thread = pcntl.startSignalThread();
  pcntl.sigprocmask(pcntl.SIG_BLOCK, [SIGUSR2, SIGHUP, 40]);
  for (const signo of [40, SIGUSR2, SIGHUP, 40]) pcntl.kill(Deno.pid, signo);
  const set = [40, SIGHUP, SIGUSR2];
  const take = () => (pcntl.sigtimedwaitSync(set, 1) as pcntl.Siginfo).signo;
  assert.deepEqual([take(), take(), take(), take()], [SIGHUP, SIGUSR2, 40, 40]);
  assert.equal(pcntl.waitpidNow(-1).pid, -1); // another last error
  const start = performance.now();
  assert.equal(pcntl.sigtimedwaitSync(set, 0, 120_000_000), false);
  assert.ok(performance.now() - start >= 119);
  assert.equal(pcntl.getLastError(), pcntl.ECHILD);
  assert.deepEqual(hub.interrupts.size, 0);
});

Deno.test("sigtimedwaitSync() is ended by a real signal of its set, however long it may wait", async () => {
  await using program = startScript(`
    pcntl.startSignalThread();
    pcntl.signal("SIGUSR2", () => console.log("handled"));
    pcntl.sigprocmask(pcntl.SIG_BLOCK, ["SIGUSR2"]);
    for (const seconds of [20, 18_446_744_074, Number.MAX_SAFE_INTEGER]) {
      console.log("waiting", seconds);
      console.log(JSON.stringify(pcntl.sigtimedwaitSync(["SIGUSR2"], seconds)));
    }
    pcntl.signalDispatch();`);
  for (const seconds of ["20", "18446744074", "9007199254740991"]) {
    await program.stdout.line(new RegExp(`waiting ${seconds}`));
    program.kill("SIGUSR2");
  }
  const { code, stdout } = await program.output();
  assert.equal(stdout.match(/^\{"signo":12,"errno":0\}$/gm)?.length, 3, stdout);
  assert.doesNotMatch(stdout, /handled/);
  assert.equal(code, 0);
});

Deno.test("sigtimedwaitSync() is ended by another signal that has a handler, which still runs", async () => {
  await using _ = scope();
  await using _thread = pcntl.startSignalThread();
  const seen: number[] = [];
  pcntl.signal("SIGALRM", (signo) => seen.push(signo), true);
  pcntl.alarm(1);
  assert.equal(pcntl.sigtimedwaitSync([SIGUSR2], 20), false);
  assert.equal(pcntl.getLastError(), pcntl.EINTR);
  assert.deepEqual(seen, []);
  pcntl.signalDispatch();
  assert.deepEqual(seen, [SIGALRM]);
  pcntl.configure({ throwOnError: true });
  pcntl.alarm(1);
  assert.throws(() => pcntl.sigtimedwaitSync([SIGUSR2], 20), { code: "EINTR", errno: 4 });
  pcntl.configure({ throwOnError: false });
  pcntl.asyncSignals(true);
  pcntl.alarm(1);
  assert.equal(pcntl.sigtimedwaitSync([SIGUSR2], 20), false);
  assert.equal(seen.length, 3); // a safe point is where the wait ends
});

Deno.test("sigtimedwaitSync() sees the end of a child", async () => {
  await using _ = scope();
  await using _thread = pcntl.startSignalThread();
  pcntl.sigprocmask(pcntl.SIG_BLOCK, [SIGCHLD]);
  await using child = pcntl.forkModule(new URL("./child_fixture.ts", import.meta.url), {
    data: { live: true },
    stdout: "piped",
  });
  const output = new Output(child.stdout!, "the child's output");
  await output.line(/live/);
  child.kill("SIGTERM");
  const info = pcntl.sigtimedwaitSync([SIGCHLD], 20);
  assert.equal(info !== false && info.signo, SIGCHLD);
  assert.equal((await child.wait()).status, pcntl.SIGTERM);
  await output.end;
});

Deno.test("sigtimedwaitSync() refuses wrong arguments, and to wait without the signal thread", async () => {
  await using _ = scope();
  throwsAs(
    () => pcntl.sigtimedwaitSync([SIGUSR2], 1),
    pcntl.PcntlError,
    /^Cannot sigtimedwaitSync: .*startSignalThread/,
  );
  assert.equal(pcntl.getLastError(), pcntl.ENOSYS);
  await using _thread = pcntl.startSignalThread();
  for (const set of [[], [0], [65]]) {
    throwsAs(() => pcntl.sigtimedwaitSync(set, 1), RangeError, /sigtimedwaitSync/);
  }
  for (const set of [null, ["x"], [1.5]]) {
    throwsAs(() => pcntl.sigtimedwaitSync(set as number[], 1), TypeError, /sigtimedwaitSync/);
  }
  for (const [s, ns] of [[0, 0], [-1, 5], [0, -1], [0, 1_000_000_000]] as const) {
    throwsAs(() => pcntl.sigtimedwaitSync([SIGUSR2], s, ns), RangeError, /sigtimedwaitSync/);
  }
  for (const [s, ns] of [[0.5, 0], [NaN, 1], [1, "2"], [Infinity, 0]] as [number, number][]) {
    throwsAs(() => pcntl.sigtimedwaitSync([SIGUSR2], s, ns), TypeError, /whole number/);
  }
  assert.deepEqual(hub.listening, []);
});
