import assert from "node:assert/strict";
import { hub } from "../../../runtime/process/hub.ts";
import * as pcntl from "../../../runtime/process/mod.ts";
import { runScript, scope, startScript, throwsAs, until } from "./process_support.ts";

const { SIG_BLOCK, SIG_DFL, SIG_IGN, SIG_SETMASK, SIG_UNBLOCK } = pcntl;
const { SIGALRM, SIGFPE, SIGHUP, SIGINT, SIGKILL, SIGSEGV, SIGSTOP, SIGTERM, SIGUSR2, SIGWINCH } =
  pcntl;

function raise(...signals: number[]): void {
  for (const signo of signals) assert.equal(pcntl.kill(Deno.pid, signo), true);
}

Deno.test("signal() calls the handler at dispatch, with number and info, once for each kill", async () => {
  await using _ = scope();
  const seen: [number, pcntl.Siginfo][] = [];
  assert.equal(pcntl.signal(SIGUSR2, (signo, info) => seen.push([signo, info])), true);
  raise(SIGUSR2, SIGUSR2, SIGUSR2);
  assert.equal(seen.length, 0);
  assert.equal(pcntl.signalDispatch(), true);
  const uid = Deno.uid()!;
  const info = { signo: SIGUSR2, errno: 0, code: pcntl.SI_USER, pid: Deno.pid, uid };
  assert.deepEqual(seen, Array(3).fill([SIGUSR2, info]));
});

Deno.test("signal() takes names and their aliases", async () => {
  await using _ = scope();
  const handler = () => {};
  pcntl.signal("SIGCLD", handler);
  assert.equal(pcntl.signalGetHandler("SIGCHLD"), handler);
  assert.equal(pcntl.signalGetHandler("17"), handler);
});

Deno.test("signal() looks the handler up at dispatch", async () => {
  await using _ = scope();
  const seen: string[] = [];
  pcntl.signal(SIGUSR2, () => seen.push("old"));
  raise(SIGUSR2);
  pcntl.signal(SIGUSR2, () => seen.push("new"));
  pcntl.signalDispatch();
  assert.deepEqual(seen, ["new"]);
  for (const action of [SIG_IGN, SIG_DFL] as const) {
    pcntl.signal(SIGUSR2, () => seen.push("dropped"));
    raise(SIGUSR2);
    pcntl.signal(SIGUSR2, action);
    pcntl.signalDispatch();
    assert.equal(hub.queue.size, 0);
  }
  assert.deepEqual(seen, ["new"]);
});

Deno.test("signal() with SIG_IGN makes a signal harmless, from here and from outside", async () => {
  await using _ = scope();
  pcntl.signal(SIGTERM, SIG_IGN);
  raise(SIGTERM);
  assert.equal(pcntl.signalGetHandler(SIGTERM), SIG_IGN);
  const { code, stdout } = await runScript(`
    pcntl.signal("SIGTERM", pcntl.SIG_IGN);
    let later = false;
    pcntl.signal("SIGUSR2", () => later = true);
    Deno.kill(Deno.pid, "SIGTERM");
    Deno.kill(Deno.pid, "SIGUSR2");
    for (const end = performance.now() + 9000; !later && performance.now() < end;) {
      await pcntl.checkpoint();
      pcntl.tick();
    }
    console.log(later);`);
  assert.deepEqual([code, stdout], [0, "true\n"]);
});

Deno.test("signal() with SIG_DFL gives the system's action back", async () => {
  const { signal } = await runScript(`
    pcntl.signal("SIGXCPU", () => {});
    pcntl.signal("SIGXCPU", pcntl.SIG_DFL);
    pcntl.kill(Deno.pid, "SIGXCPU");
    await new Promise((resolve) => setTimeout(resolve, 5000));`);
  assert.equal(signal, "SIGXCPU");
});

Deno.test("signal() hears real signals, any number of them as at least one", async () => {
  await using _ = scope();
  const seen: pcntl.Siginfo[] = [];
  // By default it does nothing: what arrives after this test does no harm.
  pcntl.signal(SIGWINCH, (_, info) => seen.push(info));
  for (let i = 0; i < 50; i++) Deno.kill(Deno.pid, "SIGWINCH");
  pcntl.signalDispatch();
  assert.equal(seen.length, 0);
  await until(() => hub.queue.size > 0);
  pcntl.signalDispatch();
  assert.ok(seen.length >= 1 && seen.length <= 50);
  assert.deepEqual(seen[0], { signo: SIGWINCH, errno: 0 });
});

Deno.test("signal() refuses what cannot be handled, and changes nothing", async () => {
  await using _ = scope();
  for (const signo of [SIGKILL, SIGSTOP]) {
    assert.equal(pcntl.signal(signo, () => {}), false);
    assert.equal(pcntl.getLastError(), pcntl.EINVAL);
    assert.equal(pcntl.signal(signo, SIG_DFL), false);
  }
  for (const signo of [SIGSEGV, SIGFPE, pcntl.SIGILL, pcntl.SIGRTMIN, 64]) {
    throwsAs(() => pcntl.signal(signo, () => {}), pcntl.PcntlError, /Deno cannot listen/);
    assert.equal(pcntl.getLastError(), pcntl.ENOSYS);
    assert.equal(pcntl.signalGetHandler(signo), SIG_DFL);
  }
  for (const signo of [0, -1, 65, "0", "SIGNONE"]) {
    throwsAs(() => pcntl.signal(signo, () => {}), RangeError, /1 to 64/);
    throwsAs(() => pcntl.signalGetHandler(signo), RangeError, /1 to 64/);
  }
  for (const signo of [1.5, NaN, "TERM", "", null, {}]) {
    throwsAs(() => pcntl.signal(signo as number, () => {}), TypeError);
  }
  pcntl.signal(SIGUSR2, SIG_IGN);
  for (const handler of [2, -1]) {
    throwsAs(() => pcntl.signal(SIGUSR2, handler as 0), RangeError, /SIG_DFL or SIG_IGN/);
  }
  assert.equal(pcntl.waitpidNow(-1).pid, -1); // another last error
  for (const handler of ["handler", null, {}]) {
    throwsAs(() => pcntl.signal(SIGUSR2, handler as unknown as 0), TypeError, /a function/);
    assert.equal(pcntl.getLastError(), pcntl.EINVAL);
  }
  assert.equal(pcntl.signalGetHandler(SIGUSR2), SIG_IGN);
});

/** Deno says that it opened the inspector, or that it could not because another program has the port. */
const OPENED = /Debugger listening|9229/;

Deno.test("signal() warns of SIGUSR1 once, and an inspector that Deno opens for it is closed", async () => {
  const { stdout, stderr } = await runScript(
    `
    import { url } from "node:inspector";
    const told = [];
    pcntl.configure({ onWarning: (...args) => told.push(args) });
    let calls = 0;
    for (let i = 0; i < 3; i++) pcntl.signal("SIGUSR1", () => calls++);
    console.log(told.length, told[0][0], told[0][1], /inspector/.test(told[0][2]));
    const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
    let opened = false;
    for (let i = 0; i < 600; i++) { // Deno looks after SIGUSR1 only some time after its start
      if (i % 20 === 0 && !opened) Deno.kill(Deno.pid, "SIGUSR1");
      opened ||= url() !== undefined;
      if (opened && url() === undefined) break;
      await turn();
    }
    pcntl.signalDispatch();
    console.log(calls > 0, url());`,
    ["--allow-sys"],
  );
  assert.equal(stdout, "1 signal 0 true\ntrue undefined\n", stderr);
  assert.match(stderr, OPENED);
});

Deno.test("signal() writes its advice on SIGUSR1 to standard error if nobody takes it", async () => {
  const { stderr } = await runScript(`for (const i of [1, 2]) pcntl.signal("SIGUSR1", () => {});`);
  assert.equal(stderr.match(/^Warning: /gm)?.length, 1, stderr);
});

Deno.test("signalDispatch() runs in order of arrival, and does nothing within a handler", async () => {
  await using _ = scope();
  const seen: string[] = [];
  pcntl.signal(SIGUSR2, () => {
    seen.push("begin");
    raise(SIGHUP);
    assert.equal(pcntl.signalDispatch(), true);
    seen.push("end");
  });
  pcntl.signal(SIGHUP, () => seen.push("hup"));
  pcntl.signal(SIGINT, () => seen.push("int"));
  raise(SIGINT, SIGUSR2, SIGINT);
  pcntl.signalDispatch();
  assert.deepEqual(seen, ["int", "begin", "end", "int"]);
  pcntl.signalDispatch();
  assert.deepEqual(seen.splice(4), ["hup"]);
});

Deno.test("signalDispatch() lets an error out, and what was not reached comes first the next time", async () => {
  await using _ = scope();
  const seen: string[] = [];
  pcntl.signal(SIGUSR2, () => {
    raise(SIGINT);
    throw new Error("handler");
  });
  pcntl.signal(SIGHUP, () => seen.push("hup"));
  pcntl.signal(SIGINT, () => seen.push("int"));
  raise(SIGUSR2, SIGHUP, SIGHUP);
  throwsAs(() => pcntl.signalDispatch(), Error, /^handler$/);
  assert.deepEqual(seen, []);
  pcntl.signalDispatch();
  assert.deepEqual(seen, ["hup", "hup", "int"]);
});

Deno.test("the queue holds 65 signals, those that are just handled included, and counts the rest", async () => {
  await using _ = scope();
  let calls = 0;
  const before = pcntl.droppedSignals();
  pcntl.signal(SIGUSR2, () => {
    if (calls++ === 0) raise(SIGUSR2); // all 65 places are taken still
  });
  for (let i = 0; i < 70; i++) raise(SIGUSR2);
  assert.equal(pcntl.droppedSignals() - before, 5);
  pcntl.signalDispatch();
  assert.equal(calls, 65);
  assert.equal(pcntl.droppedSignals() - before, 6);
});

Deno.test("signalDispatchAsync() waits for each handler, and counts as running meanwhile", async () => {
  await using _ = scope();
  const seen: string[] = [];
  pcntl.signal(SIGUSR2, async () => {
    seen.push("begin");
    await pcntl.checkpoint();
    pcntl.signalDispatch();
    assert.equal(await pcntl.signalDispatchAsync(), true);
    seen.push("end");
  });
  pcntl.signal(SIGHUP, () => Promise.reject(new Error("late")));
  pcntl.signal(SIGINT, () => seen.push("int"));
  raise(SIGUSR2, SIGUSR2, SIGHUP, SIGINT);
  await assert.rejects(pcntl.signalDispatchAsync(), /^Error: late$/);
  assert.deepEqual(seen, ["begin", "end", "begin", "end"]);
  assert.equal(await pcntl.signalDispatchAsync(), true);
  assert.deepEqual(seen.splice(4), ["int"]);
});

Deno.test("asyncSignals() dispatches at a turn, and says what held before", async () => {
  await using _ = scope();
  let calls = 0;
  pcntl.signal(SIGUSR2, () => calls++);
  raise(SIGUSR2);
  assert.equal(pcntl.asyncSignals(), false);
  assert.equal(pcntl.asyncSignals(true), false);
  assert.equal(pcntl.asyncSignals(null), true);
  assert.equal(calls, 0);
  await until(() => calls === 1); // what was queued before
  raise(SIGUSR2, SIGUSR2);
  await Promise.resolve();
  assert.equal(calls, 1);
  await until(() => calls === 3);
  Deno.kill(Deno.pid, "SIGUSR2");
  await until(() => calls === 4);
  raise(SIGUSR2);
  assert.equal(pcntl.asyncSignals(false), true);
  await pcntl.checkpoint();
  assert.equal(calls, 4);
  pcntl.signalDispatch();
  assert.equal(calls, 5);
});

Deno.test("asyncSignals() reports what a handler throws, and goes on with the rest", async () => {
  await using _ = scope();
  const reported: string[] = [];
  const report = (event: ErrorEvent) => {
    event.preventDefault();
    reported.push(event.error.message);
  };
  addEventListener("error", report);
  try {
    let calls = 0;
    pcntl.asyncSignals(true);
    pcntl.signal(SIGUSR2, () => {
      throw new Error(`call ${++calls}`);
    });
    raise(SIGUSR2, SIGUSR2);
    await until(() => reported.length === 2);
    assert.deepEqual(reported, ["call 1", "call 2"]);
    raise(SIGUSR2);
    throwsAs(() => pcntl.tick(), Error, /^call 3$/);
  } finally {
    removeEventListener("error", report);
  }
  await pcntl.checkpoint();
  assert.equal(reported.length, 2);
});

Deno.test("sigprocmask() holds signals back as one, and lets the lowest number go first", async () => {
  await using _ = scope();
  const seen: number[] = [];
  for (const signo of [SIGHUP, SIGUSR2, SIGTERM]) pcntl.signal(signo, (n) => seen.push(n));
  assert.deepEqual(pcntl.sigprocmask(SIG_BLOCK, [SIGUSR2, "1", "SIGTERM"]), { ok: true, old: [] });
  raise(SIGUSR2, SIGTERM, SIGHUP, SIGUSR2);
  pcntl.signalDispatch();
  assert.deepEqual(seen, []);
  const { old } = pcntl.sigprocmask(SIG_UNBLOCK, [SIGTERM, SIGUSR2, SIGHUP]);
  assert.deepEqual(old, [SIGHUP, SIGUSR2, SIGTERM]);
  assert.deepEqual(seen, []);
  pcntl.signalDispatch();
  assert.deepEqual(seen, [SIGHUP, SIGUSR2, SIGTERM]);
  assert.deepEqual(pcntl.sigprocmask(SIG_SETMASK, []).old, []);
});

Deno.test("sigprocmask() keeps a change that a handler makes, and drops what is ignored meanwhile", async () => {
  await using _ = scope();
  pcntl.signal(SIGUSR2, () => pcntl.sigprocmask(SIG_BLOCK, [SIGHUP]));
  raise(SIGUSR2);
  pcntl.signalDispatch();
  assert.deepEqual(pcntl.sigprocmask(SIG_BLOCK, [SIGINT]).old, [SIGHUP]);
  raise(SIGHUP);
  pcntl.signal(SIGHUP, SIG_IGN);
  pcntl.signal(SIGHUP, SIG_DFL); // still pending it would end us below
  assert.deepEqual(pcntl.sigprocmask(SIG_SETMASK, []).old, [SIGHUP, SIGINT]);
});

Deno.test("sigprocmask() holds back a real signal without a handler, and then lets it act", async () => {
  await using program = startScript(`
    let pending = false;
    pcntl.signal("SIGUSR2", () => pending = true);
    pcntl.sigprocmask(pcntl.SIG_BLOCK, ["SIGTERM"]);
    console.log("blocked");
    const deadline = performance.now() + 20_000;
    while (!pending && performance.now() < deadline) {
      await pcntl.checkpoint();
      pcntl.signalDispatch();
    }
    console.log("alive");
    pcntl.sigprocmask(pcntl.SIG_UNBLOCK, ["SIGTERM"]);
    await new Promise((resolve) => setTimeout(resolve, 5000));`);
  await program.stdout.line(/blocked/);
  program.kill("SIGTERM");
  program.kill("SIGUSR2");
  await program.stdout.line(/alive/);
  assert.equal((await program.status).signal, "SIGTERM");
});

Deno.test("sigprocmask() lets a signal act that came while it was blocked and was not seen yet", async () => {
  const { signal } = await runScript(`
    pcntl.sigprocmask(pcntl.SIG_BLOCK, ["SIGTERM"]);
    Deno.kill(Deno.pid, "SIGTERM");
    pcntl.sigprocmask(pcntl.SIG_UNBLOCK, ["SIGTERM"]);
    await new Promise((resolve) => setTimeout(resolve, 5000));`);
  assert.equal(signal, "SIGTERM");
});

Deno.test("sigprocmask() leaves SIGKILL and SIGSTOP out, and names what it cannot enforce", async () => {
  await using _ = scope();
  pcntl.sigprocmask(SIG_BLOCK, [SIGKILL, SIGSTOP, SIGSEGV, SIGTERM, 40]);
  assert.deepEqual(pcntl.unenforceableMask(), [SIGSEGV, 40]);
  assert.deepEqual(hub.listening, [SIGTERM]);
  assert.deepEqual(pcntl.sigprocmask(SIG_SETMASK, []).old, [SIGSEGV, SIGTERM, 40]);
});

Deno.test("sigprocmask() refuses wrong arguments, and changes nothing", async () => {
  await using _ = scope();
  pcntl.sigprocmask(SIG_BLOCK, [SIGTERM]);
  for (const how of [3, -1, 1.5, "0"]) {
    throwsAs(() => pcntl.sigprocmask(how as number, [SIGHUP]), RangeError, /SIG_SETMASK/);
  }
  for (const how of [SIG_BLOCK, SIG_UNBLOCK]) {
    throwsAs(() => pcntl.sigprocmask(how, []), RangeError, /empty/);
  }
  for (const signo of [0, 65, -3]) {
    throwsAs(() => pcntl.sigprocmask(SIG_BLOCK, [SIGHUP, signo]), RangeError, /1 to 64/);
  }
  for (const signo of [1.5, "x", null, []]) {
    throwsAs(() => pcntl.sigprocmask(SIG_BLOCK, [SIGHUP, signo as number]), TypeError);
  }
  for (const list of [null, 5, undefined, {}, "15"]) {
    throwsAs(() => pcntl.sigprocmask(SIG_BLOCK, list as number[]), TypeError, /a list/);
  }
  assert.deepEqual(pcntl.sigprocmask(SIG_SETMASK, [34]).old, [SIGTERM]);
  raise(34);
  throwsAs(() => pcntl.sigprocmask(SIG_SETMASK, []), pcntl.PcntlError, /pending/);
  assert.deepEqual(pcntl.sigprocmask(SIG_BLOCK, [34]).old, [34]);
  assert.equal(hub.takePending(new Set([34]))?.signo, 34);
});

Deno.test("signal handlers need no permission, and keep no process alive", async () => {
  const { code, stdout } = await runScript(`
    pcntl.signal("SIGUSR2", (signo, info) => console.log(signo, Object.keys(info).join()));
    pcntl.sigprocmask(pcntl.SIG_BLOCK, ["SIGTERM"]);
    pcntl.asyncSignals(true);
    pcntl.kill(Deno.pid, "SIGUSR2");`);
  assert.deepEqual([code, stdout], [0, `${SIGUSR2} signo,errno,code,pid\n`]);
});

Deno.test("signal() restarts waits but for SIGALRM, unless told otherwise", async () => {
  await using _ = scope();
  const restarts: boolean[] = [];
  const note = (restart: boolean) => restarts.push(restart);
  hub.interrupts.add(note);
  const cases: [number, boolean | null | undefined][] = [
    [SIGUSR2, undefined],
    [SIGALRM, undefined],
    [SIGALRM, null],
    [SIGALRM, true],
    [SIGUSR2, false],
  ];
  for (const [signo, restart] of cases) {
    pcntl.signal(signo, () => {}, restart);
    raise(signo);
  }
  hub.interrupts.delete(note);
  assert.deepEqual(restarts, [true, false, false, true, false]);
});
