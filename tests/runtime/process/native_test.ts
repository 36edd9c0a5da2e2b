import assert from "node:assert/strict";
import * as pcntl from "../../../runtime/process/mod.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { FLAGS, HAS_NATIVE, programUrl, runMasked, runNative, runShell } from "./native_support.ts";
import { startMasked } from "./native_support.ts";
import { runScript } from "./process_support.ts";

const { SIGKILL, SIGQUIT } = pcntl;

/** A test of what only exists where there is a native backend. */
function test(name: string, run: () => Promise<void>): void {
  Deno.test({ name, ignore: !HAS_NATIVE, fn: run });
}

/** What a program showed, value by value. */
function shown({ stdout, stderr, code }: { stdout: string; stderr: string; code: number }) {
  assert.deepEqual([code, stderr], [0, ""], stdout);
  return stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

test("useNative() needs --allow-ffi without a list, and changes nothing if it is missing", async () => {
  const code = `
    try {
      pcntl.useNative();
    } catch (error) {
      console.log(error instanceof Deno.errors.NotCapable, /ffi/.test(error.message));
    }
    console.log(Object.values(pcntl.capabilities()).some(Boolean));`;
  for (const flags of [[], ["--allow-ffi=/lib"]]) {
    assert.equal((await runScript(code, flags)).stdout, "true true\nfalse\n");
  }
});

test("useNative() can do more, and its handle is the way back", async () => {
  const code = `
    const can = () => Object.entries(pcntl.capabilities()).filter(([, is]) => is).map(([name]) => name);
    show(can());
    try {
      pcntl.useNative();
    } catch (error) {
      show([error.code, error.message]);
    }
    const child = start({ live: true });
    native.close();
    native.close();
    show(can());
    for (const run of [() => pcntl.getpriority(0, pcntl.PRIO_PGRP), () => pcntl.kill(child.pid, 40)]) {
      try {
        run();
      } catch (error) {
        show([error.name, error.code, error.errno]);
      }
    }
    child.kill("SIGSTOP");
    show(pcntl.waitpidNow(child.pid, pcntl.WUNTRACED).pid);
    child.kill("SIGKILL");
    const { status, rusage } = await child.wait();
    show([status, rusage]);
    using again = pcntl.useNative();
    show(can().length);`;
  const able = ["stopEvents", "coreFlag", "rusage", "priorityGroups", "execReplace"];
  const error = ["PcntlError", "ENOSYS", 38];
  const [first, second, ...rest] = shown(await runNative(code));
  assert.deepEqual(first, able);
  assert.equal(second[0], "EINVAL");
  assert.match(second[1], /^Cannot useNative: /);
  assert.deepEqual(rest, [[], error, error, 0, [SIGKILL, {}], able.length]);
});

test("waitpid() reports each stop and each continue once, to those who ask", async () => {
  const code = `
    const child = start({ live: true });
    const { pid } = child;
    const end = pcntl.waitpid(pid);
    const { WUNTRACED, WCONTINUED } = pcntl;
    child.kill("SIGSTOP");
    const stop = await pcntl.waitpid(-1, WUNTRACED);
    show([stop.pid === pid, stop.status, pcntl.wifstopped(stop.status), pcntl.wstopsig(stop.status)]);
    show(pcntl.waitpidNow(pid, WUNTRACED | WCONTINUED).pid);
    const next = pcntl.waitpid(pid, WUNTRACED | WCONTINUED);
    child.kill("SIGCONT");
    const { status } = await next;
    show([status, pcntl.wifcontinued(status), pcntl.waitpidNow(pid, WUNTRACED | WCONTINUED).pid]);
    // Not SIGTSTP, which does nothing in a process group whose shell has gone.
    child.kill("SIGSTOP");
    show((await pcntl.waitpid(pid, WUNTRACED)).status);
    child.kill("SIGKILL");
    show((await end).status);
    show([pcntl.waitpidNow(pid, WUNTRACED).pid, pcntl.getLastError()]);`;
  assert.deepEqual(shown(await runNative(code)), [
    [true, 0x137f, true, pcntl.SIGSTOP],
    0,
    [0xffff, true, 0],
    0x137f,
    SIGKILL,
    [-1, pcntl.ECHILD],
  ]);
});

test("waitpidNow() leaves a child that has ended to Deno, however often it looks", async () => {
  const code = `
    const child = start({ live: true });
    child.kill("SIGKILL");
    const looks = new Set();
    const end = performance.now() + 100;
    while (performance.now() < end) looks.add(pcntl.waitpidNow(child.pid, pcntl.WUNTRACED | pcntl.WCONTINUED).pid);
    show([[...looks], (await child.wait()).status]);`;
  assert.deepEqual(shown(await runNative(code)), [[[0], SIGKILL]]);
});

test("waitpid() says what each of many children used", async () => {
  const code = `
    const children = Array.from({ length: 12 }, (_, exit) => start({ exit }));
    for (const [exit, child] of children.entries()) {
      const { status, rusage } = await child.wait();
      const time = ["ru_utime", "ru_stime"].map((name) => rusage[name + ".tv_sec"] * 1e6 + rusage[name + ".tv_usec"]);
      show([status >> 8, Object.keys(rusage).length, time[0] + time[1] > 1000, rusage.ru_maxrss > 10_000]);
    }`;
  const expected = Array.from({ length: 12 }, (_, exit) => [exit, 18, true, true]);
  assert.deepEqual(shown(await runNative(code)), expected);
});

test("waitpid() says what a busy child computed", async () => {
  const code = `
    const child = start({ busyMs: 200 });
    const { rusage } = await child.wait();
    show(rusage["ru_utime.tv_sec"] * 1e6 + rusage["ru_utime.tv_usec"]);`;
  const [micros] = shown(await runNative(code));
  assert.ok(micros > 20_000 && micros < 60e6, `${micros} µs`);
});

test("waitpid() sets the core flag when a core file was left, and only then", async () => {
  await using folder = await tempDir();
  const { path } = folder;
  const oracle = "ulimit -c unlimited; sh -c 'kill -QUIT $$'; true";
  const { stderr } = await runShell(oracle, [], path);
  const code = `
    const child = start({ live: true }, { stdout: "piped" });
    await child.stdout.getReader().read();
    child.kill("SIGQUIT");
    show((await child.wait()).status);`;
  const call = 'ulimit -c "$1" && shift && exec deno "$@"';
  const args = ["run", "--no-prompt", ...FLAGS, programUrl(code)];
  assert.deepEqual(shown(await runShell(call, ["0", ...args], path)), [SIGQUIT]);
  if (!stderr.includes("core dumped")) {
    console.log("No core files here: the flag itself is not tested.");
    return;
  }
  assert.deepEqual(shown(await runShell(call, ["unlimited", ...args], path)), [SIGQUIT | 0x80]);
});

test("getpriority() and setpriority() reach a group with all its threads, and users", async () => {
  const code = `
    const { PRIO_PGRP, PRIO_USER } = pcntl;
    const { pid } = start({ live: true }, { detached: true });
    show([pcntl.setpriority(7, pid, PRIO_PGRP), pcntl.getpriority(pid, PRIO_PGRP), pcntl.getpriority(pid)]);
    show([pcntl.setpriority(1000, pid, PRIO_PGRP), pcntl.getpriority(pid, PRIO_PGRP)]);
    for (const mode of [PRIO_PGRP, PRIO_USER]) {
      for (const who of [999_999_999, -5, 2 ** 33]) {
        pcntl.kill(Deno.pid, 65);
        show([pcntl.getpriority(who, mode), pcntl.setpriority(1, who, mode), pcntl.getLastError()]);
      }
    }
    show(Math.abs(pcntl.getpriority(null, PRIO_USER)) <= 20);
    pcntl.kill(pid, "SIGKILL");
    await pcntl.wait();`;
  const none = [false, false, pcntl.ESRCH];
  assert.deepEqual(shown(await runNative(code, ["--allow-sys=getPriority"])), [
    [true, 7, 7],
    [true, 19],
    ...Array.from({ length: 6 }, () => none),
    true,
  ]);
});

test("signals blocked before the start bring their sender, to handlers and to waits", async () => {
  const code = `
    const can = pcntl.capabilities();
    show([pcntl.kernelMask(), can.realSiginfo, can.kernelMask, can.realtimeSignals]);
    console.log("ready");
    show((await pcntl.sigwaitinfo(["SIGTERM"])).pid);
    pcntl.asyncSignals(true);
    const timer = setTimeout(() => {}, 60_000);
    pcntl.signal("SIGUSR2", (signo, { code, pid }) => {
      show([signo, code, pid]);
      clearTimeout(timer);
    });`;
  await using program = startMasked(`show(Deno.pid);${code}`, ["SIGUSR2", "SIGTERM"]);
  await program.stdout.line(/ready/);
  program.kill("SIGUSR2");
  program.kill("SIGTERM");
  const { stdout, stderr } = await program.output();
  assert.deepEqual(stdout.split("\n").slice(0, -1), [
    `${program.pid}`,
    "[[12,15],true,true,false]",
    "ready",
    `${Deno.pid}`,
    `[12,0,${Deno.pid}]`,
  ], stderr);
});

test("real-time signals queue up, the lowest number first and each in its order", async () => {
  const code = `
    const { symbols } = Deno.dlopen("libc.so.6", { sigqueue: { parameters: ["i32", "i32", "i64"], result: "i32" } });
    const set = Array.from({ length: 31 }, (_, index) => 34 + index);
    for (const signo of [...set].reverse()) {
      for (const value of [1, 2, 3]) symbols.sigqueue(Deno.pid, signo, BigInt(signo * 10 + value));
    }
    const seen = [];
    for (let count = 0; count < set.length * 3; count++) seen.push(await pcntl.sigtimedwait(set, 10));
    show(seen.map(({ signo, value }) => [signo, value]));
    show([...new Set(seen.map(({ code, pid }) => code + " " + (pid === Deno.pid)))]);
    pcntl.signal(50, (signo, info) => show([signo, info.code]));
    const other = new Deno.Command("sh", { args: ["-c", "kill -50 $PPID; kill -50 $PPID"] });
    await other.output();
    pcntl.signalDispatch();
    pcntl.signal(50, pcntl.SIG_DFL);`;
  const set = Array.from({ length: 31 }, (_, index) => 34 + index);
  assert.deepEqual(shown(await runMasked(code, set)), [
    set.flatMap((signo) => [1, 2, 3].map((value) => [signo, signo * 10 + value])),
    ["-1 true"],
    [50, 0],
    [50, 0],
  ]);
});

test("kill() sends real-time signals", async () => {
  const code = `
    const child = start({ live: true }, { stdout: "piped" });
    await child.stdout.getReader().read();
    show([pcntl.kill(child.pid, 40), (await child.wait()).status]);
    show([pcntl.kill(999_999_999, 40), pcntl.getLastError()]);
    pcntl.kill(Deno.pid, 64);
    await new Promise((resolve) => setTimeout(resolve, 10_000));`;
  const args = ["run", "--no-prompt", ...FLAGS, programUrl(code)];
  const { stdout } = await runShell('deno "$@"; echo $?', args);
  assert.equal(stdout, `[true,40]\n[false,${pcntl.ESRCH}]\n${128 + 64}\n`);
});

test("signalDispatch() sees in a busy loop what the kernel holds", async () => {
  const code = `
    let count = 0;
    pcntl.signal("SIGUSR2", () => count++);
    new Deno.Command("sh", { args: ["-c", "kill -USR2 $PPID"] }).spawn().unref();
    const end = performance.now() + 10_000;
    while (count === 0 && performance.now() < end) pcntl.signalDispatch();
    show(count);
    pcntl.signal("SIGUSR2", pcntl.SIG_DFL);`;
  assert.deepEqual(shown(await runMasked(code, ["SIGUSR2"])), [1]);
});

test("the software mask works on top of the kernel's, and SIGCHLD tells of the child", async () => {
  const code = `
    const seen = [];
    for (const signo of [1, 12, 34]) pcntl.signal(signo, (signo) => seen.push(signo));
    pcntl.sigprocmask(pcntl.SIG_BLOCK, [1, 12, 34]);
    show(pcntl.unenforceableMask());
    await new Deno.Command("sh", { args: ["-c", "for n in 34 12 1 12 34; do kill -$n $PPID; done"] }).output();
    pcntl.signalDispatch();
    show(seen);
    pcntl.sigprocmask(pcntl.SIG_UNBLOCK, [1, 12, 34]);
    pcntl.signalDispatch();
    show(seen);
    show((await pcntl.sigwaitinfo(["SIGCHLD"])).code);
    const child = start({ exit: 5 });
    const info = await pcntl.sigwaitinfo(["SIGCHLD"]);
    show([info.code, info.pid === child.pid, info.status, info.utime >= 0, info.stime >= 0]);
    show((await child.wait()).status);
    for (const signo of [1, 12, 34]) pcntl.signal(signo, pcntl.SIG_DFL);`;
  assert.deepEqual(shown(await runMasked(code, [1, 12, 34, "SIGCHLD"])), [
    [],
    [],
    [1, 12, 34, 34],
    pcntl.CLD_EXITED,
    [pcntl.CLD_EXITED, true, 5, true, true],
    5 << 8,
  ]);
});

test("a handler and a wait from before go on when the backend comes and goes", async () => {
  const code = `
    native.close();
    let count = 0;
    pcntl.signal("SIGUSR2", () => count++);
    const again = pcntl.useNative();
    await new Deno.Command("sh", { args: ["-c", "kill -USR2 $PPID"] }).output();
    pcntl.signalDispatch();
    show(count);
    const child = start({ live: true });
    const end = pcntl.waitpid(child.pid, pcntl.WUNTRACED);
    again.close();
    child.kill("SIGSTOP");
    child.kill("SIGKILL");
    show((await end).status);
    using last = pcntl.useNative();
    pcntl.kill(Deno.pid, 12);
    pcntl.signalDispatch();
    show(count);
    pcntl.signal("SIGUSR2", pcntl.SIG_DFL);`;
  assert.deepEqual(shown(await runMasked(code, ["SIGUSR2", "SIGCHLD"])), [1, SIGKILL, 2]);
});

test("forkModule() starts children without the kernel's mask, and loses no signal meanwhile", async () => {
  const code = `
    pcntl.kill(Deno.pid, "SIGUSR2");
    pcntl.kill(Deno.pid, "SIGTERM");
    const child = start({ live: true });
    const keeps = start({ live: true }, { inheritMask: true });
    show([(await pcntl.sigtimedwait(["SIGTERM"], 10)).signo, (await pcntl.sigtimedwait(["SIGUSR2"], 10)).signo]);
    child.kill("SIGTERM");
    show((await child.wait()).status);
    keeps.kill("SIGTERM");
    keeps.kill("SIGKILL");
    show((await keeps.wait()).status);`;
  assert.deepEqual(shown(await runMasked(code, ["SIGUSR2", "SIGTERM"])), [[15, 12], 15, SIGKILL]);
});

test("a launcher can block signals too, and a program with a handler for one still ends", async () => {
  const code = "pcntl.signal(40, () => {}); show(pcntl.kernelMask());";
  const script = 'env --block-signal=USR2 true 2>/dev/null || exit 77; exec env "$@"';
  const launch = ["--block-signal=USR2,40", "deno", "run", "--no-prompt", ...FLAGS];
  const ended = await runShell(script, [...launch, programUrl(code)]);
  if (ended.code === 77) console.log("This env cannot block signals: not tested.");
  else assert.deepEqual(shown(ended), [[12, 40]]);
});
