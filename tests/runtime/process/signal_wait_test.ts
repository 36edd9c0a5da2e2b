import assert from "node:assert/strict";
import { spy } from "@std/testing/mock";
import { ownTimers } from "../../../runtime/own_timers.ts";
import { hub } from "../../../runtime/process/hub.ts";
import * as pcntl from "../../../runtime/process/mod.ts";
import { runScript, scope, startScript, until } from "./process_support.ts";

const { SIG_BLOCK, SIGHUP, SIGINT, SIGTERM, SIGUSR2 } = pcntl;

function raise(...signals: number[]): void {
  for (const signo of signals) assert.equal(pcntl.kill(Deno.pid, signo), true);
}

/** The signal that a wait took. */
function signoOf(info: pcntl.Siginfo | false): number | false {
  return info === false ? false : info.signo;
}

Deno.test("sigwaitinfo() takes what is pending, the lowest number first, and no handler sees it", async () => {
  await using _ = scope();
  const seen: number[] = [];
  for (const signo of [SIGHUP, SIGUSR2]) pcntl.signal(signo, (n) => seen.push(n));
  pcntl.sigprocmask(SIG_BLOCK, [SIGUSR2, SIGHUP, 40, 41]);
  raise(41, 40, SIGUSR2, 40, SIGHUP, SIGUSR2);
  const all = [40, 41, SIGUSR2, SIGHUP];
  const taken = [];
  for (let i = 0; i < 5; i++) taken.push(signoOf(await pcntl.sigwaitinfo(all)));
  assert.deepEqual(taken, [SIGHUP, SIGUSR2, 40, 40, 41]);
  assert.equal(await pcntl.sigtimedwait(all, 0, 1_000_000), false);
  pcntl.sigprocmask(pcntl.SIG_SETMASK, []);
  pcntl.signalDispatch();
  assert.deepEqual(seen, []);
});

Deno.test("sigwaitinfo() takes a signal that is neither blocked nor handled, and one that has a handler", async () => {
  await using _ = scope();
  pcntl.signal(SIGHUP, () => assert.fail("handled"));
  const info = pcntl.sigwaitinfo([SIGHUP, "SIGTERM"]);
  raise(SIGTERM);
  const uid = Deno.uid()!;
  const code = pcntl.SI_USER;
  assert.deepEqual(await info, { signo: SIGTERM, errno: 0, code, pid: Deno.pid, uid });
  const second = pcntl.sigwaitinfo([SIGHUP]);
  raise(SIGHUP);
  assert.equal(signoOf(await second), SIGHUP);
  pcntl.signalDispatch();
});

Deno.test("sigwaitinfo() takes a real signal, and keeps the process alive for it", async () => {
  await using program = startScript(`
    pcntl.sigprocmask(pcntl.SIG_BLOCK, ["SIGTERM"]);
    const info = pcntl.sigwaitinfo(["SIGTERM"]);
    console.log("waiting");
    console.log(JSON.stringify(await info));`);
  await program.stdout.line(/waiting/);
  program.kill("SIGTERM");
  const { code, stdout } = await program.output();
  assert.deepEqual([code, stdout], [0, `waiting\n{"signo":${SIGTERM},"errno":0}\n`]);
});

Deno.test("sigwaitinfo() serves waits in order, one signal to one of them", async () => {
  await using _ = scope();
  const ended: string[] = [];
  const first = pcntl.sigwaitinfo([SIGUSR2]).then((info) => ended.push(`first ${signoOf(info)}`));
  const other = pcntl.sigwaitinfo([SIGUSR2, SIGINT]).then((info) =>
    ended.push(`other ${signoOf(info)}`)
  );
  raise(SIGUSR2);
  await first;
  assert.deepEqual(ended, [`first ${SIGUSR2}`]);
  raise(SIGUSR2);
  await other;
  assert.deepEqual(ended, [`first ${SIGUSR2}`, `other ${SIGUSR2}`]);
});

Deno.test("sigwaitinfo() is ended by another signal that has a handler, which still runs", async () => {
  await using _ = scope();
  let calls = 0;
  pcntl.signal(SIGHUP, () => calls++, true);
  pcntl.signal(SIGINT, pcntl.SIG_IGN);
  let ended = false;
  const wait = pcntl.sigwaitinfo([SIGUSR2]).finally(() => ended = true);
  raise(SIGINT);
  await pcntl.checkpoint();
  assert.deepEqual([ended, hub.queue.size], [false, 0]);
  raise(SIGHUP);
  assert.equal(await wait, false);
  assert.equal(pcntl.getLastError(), pcntl.EINTR);
  assert.equal(calls, 0);
  pcntl.signalDispatch();
  assert.equal(calls, 1);
  pcntl.configure({ throwOnError: true });
  const thrown = pcntl.sigtimedwait([SIGUSR2], 9);
  raise(SIGHUP);
  await assert.rejects(thrown, { name: "PcntlError", code: "EINTR" });
  pcntl.signalDispatch();
});

Deno.test("sigwaitinfo() rejects with the reason of its AbortSignal, and leaves nothing", async () => {
  await using _ = scope();
  const controller = new AbortController();
  const reason = new Error("enough");
  const wait = pcntl.sigwaitinfo([SIGUSR2], { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(wait, (error) => error === reason);
  assert.deepEqual(hub.listening, []);
  const other = new AbortController().signal;
  using removed = spy(other, "removeEventListener");
  assert.equal(await pcntl.sigtimedwait([SIGUSR2], 0, 1, { signal: other }), false);
  assert.equal(removed.calls.length, 1);
  const { signal } = controller;
  await assert.rejects(
    pcntl.sigtimedwait([SIGUSR2], 1, 0, { signal }),
    (error) => error === reason,
  );
  assert.deepEqual(hub.listening, []);
});

Deno.test("sigtimedwait() returns false in time, without an error, and can be early", async () => {
  await using _ = scope();
  assert.equal(pcntl.waitpidNow(-1).pid, -1);
  const start = performance.now();
  assert.equal(await pcntl.sigtimedwait([SIGUSR2], 0, 20_000_000), false);
  assert.ok(performance.now() - start >= 20);
  assert.equal(pcntl.getLastError(), pcntl.ECHILD);
  for (const seconds of [1, 2_147_484, 18_446_744_074, Number.MAX_SAFE_INTEGER]) {
    const wait = pcntl.sigtimedwait([SIGUSR2], seconds);
    await pcntl.checkpoint();
    raise(SIGUSR2);
    assert.equal(signoOf(await wait), SIGUSR2);
  }
});

Deno.test("long waits and alarms are cut into timers that Deno keeps", async () => {
  await using _ = scope();
  const asked: number[] = [];
  ownTimers.setTimeout = ((run: () => void, ms: number) => {
    asked.push(ms);
    return setTimeout(run, ms);
  }) as typeof setTimeout;
  try {
    pcntl.alarm(4_294_967_295);
    const wait = pcntl.sigtimedwait([SIGUSR2], 18_446_744_074);
    raise(SIGUSR2);
    assert.equal(signoOf(await wait), SIGUSR2);
    const endless = pcntl.sigwaitinfo([SIGUSR2]);
    raise(SIGUSR2);
    assert.equal(signoOf(await endless), SIGUSR2);
  } finally {
    delete ownTimers.setTimeout;
  }
  assert.deepEqual(asked, Array(3).fill(2 ** 31 - 1));
});

Deno.test("the waits for signals refuse wrong arguments", async () => {
  await using _ = scope();
  for (const set of [[], [0], [65]]) {
    await assert.rejects(pcntl.sigwaitinfo(set), RangeError);
    await assert.rejects(pcntl.sigtimedwait(set, 1), RangeError);
  }
  for (const set of [null, ["x"], [1.5]]) {
    await assert.rejects(pcntl.sigwaitinfo(set as number[]), TypeError);
  }
  for (const [s, ns] of [[0, 0], [-1, 5], [0, -1], [0, 1_000_000_000]] as const) {
    await assert.rejects(pcntl.sigtimedwait([SIGUSR2], s, ns), RangeError);
  }
  for (const [s, ns] of [[0.5, 0], [NaN, 1], [1, "2"], [Infinity, 0]] as [number, number][]) {
    await assert.rejects(pcntl.sigtimedwait([SIGUSR2], s, ns), TypeError);
  }
  assert.deepEqual(hub.listening, []);
});

Deno.test("a wait begins with a safe point where handlers run by themselves", async () => {
  await using _ = scope();
  let calls = 0;
  pcntl.signal(SIGHUP, () => calls++);
  pcntl.asyncSignals(true);
  raise(SIGHUP);
  const wait = pcntl.sigwaitinfo([SIGUSR2]);
  assert.equal(calls, 1);
  raise(SIGUSR2);
  assert.equal(signoOf(await wait), SIGUSR2);
  await pcntl.checkpoint();
});

Deno.test("alarm() is one a process, says what was left, and checks its seconds", async () => {
  await using _ = scope();
  assert.equal(pcntl.alarm(100), 0);
  assert.equal(pcntl.alarm(4_294_967_295), 100);
  assert.equal(pcntl.alarm(0), 4_294_967_295);
  assert.equal(pcntl.alarm(0), 0);
  pcntl.alarm(5);
  for (const seconds of [-1, 4_294_967_296]) assert.throws(() => pcntl.alarm(seconds), RangeError);
  for (const seconds of [0.5, NaN, "1"]) {
    assert.throws(() => pcntl.alarm(seconds as number), TypeError);
  }
  assert.equal(pcntl.alarm(0), 5);
});

Deno.test("alarm() sends SIGALRM from the kernel, once", async () => {
  await using _ = scope();
  const seen: pcntl.Siginfo[] = [];
  pcntl.signal("SIGALRM", (_, info) => seen.push(info));
  pcntl.asyncSignals(true);
  const start = performance.now();
  pcntl.alarm(1);
  await until(() => seen.length > 0);
  assert.ok(performance.now() - start >= 1000);
  assert.deepEqual(seen, [{ signo: pcntl.SIGALRM, errno: 0, code: pcntl.SI_KERNEL }]);
  assert.equal(pcntl.alarm(0), 0);
});

Deno.test("alarm() ends a process that has no handler, and keeps none alive", async () => {
  const waits = "await new Promise((resolve) => setTimeout(resolve, 9000));";
  const [ended, left] = await Promise.all([
    runScript(`pcntl.alarm(1); ${waits}`),
    runScript("pcntl.alarm(100);"),
  ]);
  assert.equal(ended.signal, "SIGALRM");
  assert.equal(ended.code, 142);
  assert.deepEqual([left.code, left.signal], [0, null]);
});
