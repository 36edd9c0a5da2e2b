/**
 * Goes through every function of process control once more, as tables: what it takes, how it fails, and that a call
 * which fails leaves everything as it was. What needs a story of its own stands in the other files of this folder.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import { spy, stub } from "@std/testing/mock";
import { wordOfRejection, wordOfStatus } from "../../../runtime/process/children.ts";
import { hub } from "../../../runtime/process/hub.ts";
import * as pcntl from "../../../runtime/process/mod.ts";
import { Output, REPOSITORY } from "../../support/program.ts";
import { runScript, scope, until } from "./process_support.ts";

const CHILD = new URL("./child_fixture.ts", import.meta.url);
const { EINVAL, SIG_BLOCK, SIG_DFL, SIG_IGN, SIG_SETMASK, SIGALRM, SIGHUP, SIGUSR2 } = pcntl;
const isLinux = Deno.build.os === "linux";

/** What a failing call must not change. */
function state(): unknown {
  const actions = Array.from({ length: 64 }, (_, index) => hub.action(index + 1));
  return {
    actions,
    mask: hub.mask,
    listening: hub.listening,
    queued: hub.queue.size,
    interrupts: hub.interrupts.size,
    async: hub.async,
    child: pcntl.capabilities(),
  };
}

/** Gives functions whatever is in the tables, also what their types forbid. */
const api = pcntl as unknown as Record<string, (...args: unknown[]) => unknown>;

const LIST = "a list of signals is needed, and";
const SIGNALS = 'a signal is a whole number or a name such as "SIGTERM", and';
const RANGE = "a signal from 1 to 64 is needed, and";
const EMPTY = "at least one signal is needed, and the list is empty";
const PID = "a process id is a whole number, and";
const WHOLE = "whole numbers are needed, and";
const WORD = "a whole number is needed, and";
const MODE = "mode is PRIO_PROCESS, PRIO_PGRP or PRIO_USER, and";
const NANOS = "nanoseconds is from 0 to 999999999, and";

type Class = new (...args: never[]) => Error;

/** A function, its arguments, the class of its error, what it says, and the last error it sets, if it does. */
type Wrong = [name: string, args: unknown[], Class: Class, says: string, errno?: number];

const WRONG: Wrong[] = [
  ["alarm", [1.5], TypeError, "Cannot alarm: whole seconds are needed, and 1.5 was given"],
  ["alarm", ["1"], TypeError, 'Cannot alarm: whole seconds are needed, and "1" was given'],
  [
    "alarm",
    [-1],
    RangeError,
    "Cannot alarm: seconds are from 0 to 4294967295, and -1 was given",
    EINVAL,
  ],
  ["alarm", [2 ** 32], RangeError, "4294967295, and 4294967296 was given", EINVAL],
  ["signal", [0, SIG_IGN], RangeError, `Cannot signal: ${RANGE} 0 was given`, EINVAL],
  ["signal", [65, SIG_IGN], RangeError, `Cannot signal: ${RANGE} 65 was given`, EINVAL],
  ["signal", ["TERM", SIG_IGN], TypeError, `Cannot signal: ${SIGNALS} "TERM" was given`, EINVAL],
  [
    "signal",
    [SIGHUP, 2],
    RangeError,
    "Cannot signal: a number as handler is SIG_DFL or SIG_IGN, and 2 was given",
    EINVAL,
  ],
  [
    "signal",
    [SIGHUP, "f"],
    TypeError,
    'Cannot signal: a handler is a function, and "f" was given',
    EINVAL,
  ],
  [
    "signal",
    [pcntl.SIGSEGV, SIG_IGN],
    pcntl.PcntlError,
    "Cannot signal: Deno cannot listen to signal 11",
    pcntl.ENOSYS,
  ],
  ["signalGetHandler", [0], RangeError, `Cannot signalGetHandler: ${RANGE} 0 was given`, EINVAL],
  ["signalGetHandler", [65], RangeError, `${RANGE} 65 was given`, EINVAL],
  ["signalGetHandler", [1.5], TypeError, `${SIGNALS} 1.5 was given`, EINVAL],
  [
    "sigprocmask",
    [3, [SIGHUP]],
    RangeError,
    "Cannot sigprocmask: how is SIG_BLOCK, SIG_UNBLOCK or SIG_SETMASK, and 3 was given",
    EINVAL,
  ],
  ["sigprocmask", [SIG_BLOCK, []], RangeError, `Cannot sigprocmask: ${EMPTY}`, EINVAL],
  ["sigprocmask", [pcntl.SIG_UNBLOCK, []], RangeError, EMPTY, EINVAL],
  ["sigprocmask", [SIG_BLOCK, [SIGHUP, 65]], RangeError, `${RANGE} 65 was given`, EINVAL],
  ["sigprocmask", [SIG_BLOCK, [SIGHUP, 1.5]], TypeError, `${SIGNALS} 1.5 was given`, EINVAL],
  ["sigprocmask", [SIG_BLOCK, SIGHUP], TypeError, `Cannot sigprocmask: ${LIST} 1 was given`],
  ["sigwaitinfo", [[]], RangeError, `Cannot sigwaitinfo: ${EMPTY}`, EINVAL],
  ["sigwaitinfo", [[-1]], RangeError, `Cannot sigwaitinfo: ${RANGE} -1 was given`, EINVAL],
  ["sigwaitinfo", [["x"]], TypeError, `Cannot sigwaitinfo: ${SIGNALS} "x" was given`, EINVAL],
  ["sigwaitinfo", [null], TypeError, `Cannot sigwaitinfo: ${LIST} null was given`],
  ["sigtimedwait", [[], 1], RangeError, `Cannot sigtimedwait: ${EMPTY}`, EINVAL],
  [
    "sigtimedwait",
    [[SIGHUP]],
    RangeError,
    "Cannot sigtimedwait: seconds or nanoseconds must be above 0, and both are 0",
    EINVAL,
  ],
  ["sigtimedwait", [[SIGHUP], -1, 5], RangeError, "seconds is from 0 to", EINVAL],
  ["sigtimedwait", [[SIGHUP], 0, 1e9], RangeError, `${NANOS} 1000000000 was given`, EINVAL],
  ["sigtimedwait", [[SIGHUP], 0.5], TypeError, "seconds is a whole number, and 0.5 was given"],
  ["sigtimedwaitSync", [[], 1], RangeError, `Cannot sigtimedwaitSync: ${EMPTY}`, EINVAL],
  ["sigtimedwaitSync", [[SIGHUP], 0, -1], RangeError, `${NANOS} -1 was given`, EINVAL],
  [
    "sigtimedwaitSync",
    [[SIGHUP], 1],
    pcntl.PcntlError,
    "Cannot sigtimedwaitSync: there is no signal thread; call startSignalThread()",
    pcntl.ENOSYS,
  ],
  ["wait", [1.5], TypeError, `Cannot waitpid: ${WHOLE} 1.5 was given`],
  ["waitpid", ["1"], TypeError, `Cannot waitpid: ${WHOLE} "1" was given`],
  ["waitpid", [1, NaN], TypeError, `Cannot waitpid: ${WHOLE} NaN was given`],
  ["waitpidNow", [null], TypeError, `Cannot waitpidNow: ${WHOLE} null was given`],
  ["kill", [1.5, 0], TypeError, `Cannot kill: ${PID} 1.5 was given`],
  ["kill", [1, "TERM"], TypeError, `Cannot kill: ${SIGNALS} "TERM" was given`, EINVAL],
  [
    "kill",
    [1, 34],
    pcntl.PcntlError,
    "Cannot kill: Deno cannot send signal 34 to a process",
    pcntl.ENOSYS,
  ],
  ["fork", [], pcntl.PcntlError, "Cannot fork: ", pcntl.ENOSYS],
  ["forkModule", ["./x.ts"], TypeError, '"./x.ts" was given; write new URL("./x.ts"'],
  ["forkModule", [5], TypeError, "a URL is needed, and 5 was given"],
  ["forkModule", [CHILD, { kin: 1 }], TypeError, "there is none of that name"],
  ["forkModule", [CHILD, { kind: "x" }], TypeError, 'kind is "process" or "thread", and "x" was'],
  ["forkModule", [CHILD, { nice: 20 }], RangeError, "nice is from -20 to 19, and 20 was given"],
  ["forkModule", [CHILD, { permissions: 5 }], TypeError, '"none" or an object, and 5 was given'],
  ["forkModule", [CHILD, { data: () => {} }], DOMException, "could not be cloned"],
  ["exec", [5], TypeError, "Cannot exec: a path is a text, and 5 was given"],
  ["exec", ["/bin/sh", "x"], TypeError, 'Cannot exec: arguments are a list, and "x" was given'],
  ["exec", ["/bin/sh", [{}]], TypeError, "Cannot exec: arguments are texts, and {} was given"],
  ["exec", ["/bin/sh", ["a\0"]], RangeError, "Cannot exec: arguments hold no NUL, and", EINVAL],
  ["exec", ["/bin/sh", [], { "\0": "" }], RangeError, "names of the environment hold no", EINVAL],
  ["exec", ["/bin/sh", [], { a: "\0" }], RangeError, "values of the environment hold no", EINVAL],
  ["exec", ["/bin/sh", [], 5], TypeError, "an environment is an object, and 5 was given"],
  ["getpriority", [0.5], TypeError, `Cannot getpriority: ${PID} 0.5 was given`],
  ["getpriority", [null, 3], RangeError, `Cannot getpriority: ${MODE} 3 was given`],
  ["setpriority", ["1"], TypeError, 'Cannot setpriority: a whole number is needed, and "1" was'],
  ["setpriority", [1, 0.5], TypeError, `Cannot setpriority: ${PID} 0.5 was given`],
  ["setpriority", [1, null, -1], RangeError, `Cannot setpriority: ${MODE} -1 was given`],
  ["strerror", [1.5], TypeError, `Cannot name an error: ${WORD} 1.5 was given`],
  ["declareTicks", [0], RangeError, "Cannot declareTicks: at least 1 is needed, and 0 was given"],
  ["declareTicks", [1.5], TypeError, `Cannot declareTicks: ${WORD} 1.5 was given`],
  [
    "registerTickFunction",
    ["f"],
    TypeError,
    'Cannot registerTickFunction: a function is needed, and "f" was given',
  ],
  [
    "configure",
    [{ throwOnError: 1 }],
    TypeError,
    "Cannot configure pcntl: throwOnError is true or false, and 1 was given",
  ],
  [
    "configure",
    [{ throwOnError: true, closeInspectorOnSigusr1: "no" }],
    TypeError,
    'Cannot configure pcntl: closeInspectorOnSigusr1 is true or false, and "no" was given',
  ],
  [
    "configure",
    [{ throwOnError: true, onWarning: 5 }],
    TypeError,
    "Cannot configure pcntl: onWarning is a function or null, and 5 was given",
  ],
  ...[
    "wifexited",
    "wexitstatus",
    "wifsignaled",
    "wtermsig",
    "wifstopped",
    "wstopsig",
    "wifcontinued",
  ].map((name): Wrong => [
    name,
    [0.5],
    TypeError,
    `Cannot read a status word: ${WORD} 0.5 was given`,
  ]),
];

Deno.test.each(WRONG)("%s(%j) is refused, and changes nothing", async (...entry) => {
  const [name, args, Class, says, errno] = entry;
  await using _ = scope();
  pcntl.sigprocmask(SIG_SETMASK, [SIGHUP, 40]);
  pcntl.signal(SIGUSR2, SIG_IGN);
  const before = state();
  assert.equal(pcntl.waitpidNow(-1).pid, -1);
  let thrown: unknown;
  try {
    await api[name]!(...args);
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof Error, "Nothing was thrown");
  assert.equal(thrown.constructor, Class, thrown.message);
  assert.ok(thrown.message.includes(says), thrown.message);
  // Where an entry ends earlier, the runner's own context follows.
  assert.equal(pcntl.getLastError(), typeof errno === "number" ? errno : pcntl.ECHILD);
  if (thrown instanceof pcntl.PcntlError) {
    assert.deepEqual([thrown.code, thrown.errno], ["ENOSYS", pcntl.ENOSYS]);
  }
  assert.deepEqual(state(), before);
  assert.equal(pcntl.waitpidNow(-1).pid, -1); // so `configure()` did not change half of it
});

const NOBODY = 999_999_999;
const NONE = { pid: -1, status: 0, rusage: {} };

/** A function, its arguments, what it returns where the system refuses, and the code. */
type Refused = [name: string, args: unknown[], result: unknown, code: pcntl.PcntlErrorCode];

const REFUSED: Refused[] = [
  ["signal", [pcntl.SIGKILL, SIG_IGN], false, "EINVAL"],
  ["signal", [pcntl.SIGSTOP, () => {}], false, "EINVAL"],
  ["signal", ["SIGKILL", SIG_DFL], false, "EINVAL"],
  ["waitpid", [NOBODY], NONE, "ECHILD"],
  ["waitpid", [-1], NONE, "ECHILD"],
  ["waitpid", [0, pcntl.WNOHANG], NONE, "ECHILD"],
  ["waitpid", [-5], NONE, "ECHILD"],
  ["waitpid", [-1, 4], NONE, "EINVAL"],
  ["waitpid", [-1, pcntl.WNOWAIT], NONE, "EINVAL"],
  ["waitpidNow", [-1], NONE, "ECHILD"],
  ["waitpidNow", [-1, -1], NONE, "EINVAL"],
  ["kill", [2 ** 31, 0], false, "ESRCH"],
  ["kill", [8_388_608 + 99, 15], false, "ESRCH"],
  ["kill", [Deno.pid, 65], false, "EINVAL"],
  ["kill", [Deno.pid, -1], false, "EINVAL"],
  ["kill", [Deno.pid, "SIGNONE"], false, "EINVAL"],
  ["exec", [""], false, "ENOENT"],
  ["getpriority", [NOBODY], false, "ESRCH"],
  ["getpriority", [-1], false, "ESRCH"],
  ["setpriority", [5, NOBODY], false, "ESRCH"],
];

Deno.test.each(REFUSED)("%s(%j) returns %j, with %s", async (name, args, result, code) => {
  await using _ = scope();
  const told: unknown[][] = [];
  pcntl.configure({ onWarning: (...warning) => told.push(warning) });
  const before = state();
  assert.deepEqual(await api[name]!(...args), result);
  const errno = pcntl[code as "ESRCH"];
  assert.equal(pcntl.getLastError(), errno);
  assert.equal(pcntl.errno(), errno);
  const text = `Cannot ${name}: ${pcntl.strerror(errno)}`;
  assert.deepEqual(told, [[name, errno, text]]);
  pcntl.configure({ throwOnError: true });
  let thrown: unknown;
  try {
    await api[name]!(...args);
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof pcntl.PcntlError, String(thrown));
  assert.deepEqual([thrown.code, thrown.errno, thrown.message], [code, errno, text]);
  assert.equal(told.length, 1);
  assert.deepEqual(state(), before);
});

/** A function, what a call of it returns, and what PHP promises of it. */
const WORKS: [name: string, promise: string, run: () => unknown, result: unknown][] = [
  ["alarm", "nothing was set", () => pcntl.alarm(0), 0],
  ["alarm", "the longest is kept", () => (pcntl.alarm(2 ** 32 - 1), pcntl.alarm(0)), 2 ** 32 - 1],
  ["alarm", "what is left is rounded up", () => (pcntl.alarm(1), pcntl.alarm(0)), 1],
  ["signal", "SIG_DFL of a signal that Deno refuses", () => pcntl.signal(11, SIG_DFL), true],
  ["signal", "a name in digits", () => pcntl.signal("12", SIG_IGN), true],
  ["signalGetHandler", "0 at first", () => pcntl.signalGetHandler(SIGUSR2), SIG_DFL],
  ["signalGetHandler", "the last signal", () => pcntl.signalGetHandler(64), SIG_DFL],
  ["signalGetHandler", "1 if ignored", () => {
    pcntl.signal(SIGUSR2, SIG_IGN);
    return pcntl.signalGetHandler(SIGUSR2);
  }, SIG_IGN],
  ["signalDispatch", "nothing to do", () => pcntl.signalDispatch(), true],
  ["signalDispatchAsync", "nothing to do", () => pcntl.signalDispatchAsync(), true],
  ["asyncSignals", "off at first", () => pcntl.asyncSignals(), false],
  [
    "asyncSignals",
    "the one before",
    () => (pcntl.asyncSignals(true), pcntl.asyncSignals(null)),
    true,
  ],
  ["sigprocmask", "the same one twice", () => {
    pcntl.sigprocmask(SIG_BLOCK, [SIGHUP, SIGHUP, "SIGHUP", "1"]);
    return pcntl.sigprocmask(SIG_SETMASK, []);
  }, { ok: true, old: [SIGHUP] }],
  ["sigprocmask", "to free what is not blocked", () => {
    pcntl.sigprocmask(pcntl.SIG_UNBLOCK, [SIGUSR2]);
    return pcntl.sigprocmask(SIG_SETMASK, new Set([SIGUSR2]));
  }, { ok: true, old: [] }],
  ["sigprocmask", "SIG_SETMASK replaces", () => {
    pcntl.sigprocmask(SIG_BLOCK, [SIGHUP]);
    pcntl.sigprocmask(SIG_SETMASK, [SIGUSR2]);
    return pcntl.sigprocmask(SIG_BLOCK, [SIGALRM]).old;
  }, [SIGUSR2]],
  ["sigprocmask", "SIGKILL alone blocks nothing", () => {
    pcntl.sigprocmask(SIG_BLOCK, [pcntl.SIGKILL, pcntl.SIGSTOP]);
    return pcntl.sigprocmask(SIG_SETMASK, []).old;
  }, []],
  ["unenforceableMask", "nothing is blocked", () => pcntl.unenforceableMask(), []],
  ["unenforceableMask", "what Deno refuses", () => {
    pcntl.sigprocmask(SIG_BLOCK, [4, 8, 11, 12, 64]);
    return pcntl.unenforceableMask();
  }, [4, 8, 11, 64]],
  ["droppedSignals", "a number", () => typeof pcntl.droppedSignals(), "number"],
  ["sigwaitinfo", "a signal that was blocked, though ignored before", async () => {
    pcntl.sigprocmask(SIG_BLOCK, [SIGUSR2]);
    pcntl.kill(Deno.pid, SIGUSR2);
    return (await pcntl.sigwaitinfo(new Set([SIGUSR2, SIGHUP])) as pcntl.Siginfo).signo;
  }, SIGUSR2],
  ["sigtimedwait", "a nanosecond", () => pcntl.sigtimedwait([SIGUSR2], 0, 1), false],
  ["sigtimedwait", "999,999,999 of them", async () => {
    const wait = pcntl.sigtimedwait([SIGUSR2], 0, 999_999_999);
    pcntl.kill(Deno.pid, SIGUSR2);
    return (await wait as pcntl.Siginfo).signo;
  }, SIGUSR2],
  ["startSignalThread and sigtimedwaitSync", "a millisecond", async () => {
    await using _ = pcntl.startSignalThread();
    return pcntl.sigtimedwaitSync([SIGUSR2], 0, 1_000_000);
  }, false],
  ["kill", "to ask for ourselves", () => pcntl.kill(Deno.pid, 0), true],
  ["wait and forkModule", "a child", async () => {
    const child = pcntl.forkModule(CHILD, { data: { exit: 3 } });
    const { pid, status, rusage } = await pcntl.wait();
    return [pid === child.pid, status, rusage];
  }, [true, 3 << 8, {}]],
  ["waitpid and waitpidNow", "a thread", async () => {
    const { pid } = pcntl.forkModule(CHILD, { kind: "thread", data: { exit: 3 } });
    const now = pcntl.waitpidNow(pid, pcntl.WUNTRACED | pcntl.WCONTINUED).pid;
    return [now, (await pcntl.waitpid(pid, pcntl.WUNTRACED)).status];
  }, [0, 3 << 8]],
  ["getpriority", "ours, by null, 0 and pid", () => {
    const mine = pcntl.getpriority();
    return [null, 0, Deno.pid].every((pid) => pcntl.getpriority(pid) === mine);
  }, true],
  ["setpriority", "the same again", () => pcntl.setpriority(Number(pcntl.getpriority())), true],
  ["strerror", "EUSERS", () => pcntl.strerror(pcntl.EUSERS), "Too many users"],
  ["getLastError and errno", "the same", () => pcntl.getLastError() === pcntl.errno(), true],
  ["configure", "nothing", () => pcntl.configure({}), undefined],
  ["capabilities", "no fork", () => pcntl.capabilities().trueFork, false],
  ["useNative", "not without permission", () => {
    try {
      return pcntl.useNative();
    } catch (error) {
      return error instanceof Deno.errors.NotCapable;
    }
  }, true],
  ["kernelMask", "nothing by itself", () => pcntl.kernelMask(), []],
  ["registerTickFunction, tick and unregisterTickFunction", "as often as added", () => {
    let calls = 0;
    const run = () => calls++;
    pcntl.registerTickFunction(run);
    pcntl.registerTickFunction(run);
    pcntl.tick();
    pcntl.unregisterTickFunction(run);
    pcntl.tick();
    pcntl.unregisterTickFunction(run);
    pcntl.tick();
    return calls;
  }, 3],
  ["declareTicks", "a counter of its own", () => {
    let calls = 0;
    const run = () => calls++;
    pcntl.registerTickFunction(run);
    const [a, b] = [pcntl.declareTicks(2), pcntl.declareTicks(2)];
    for (const tick of [a, b, b]) tick();
    pcntl.unregisterTickFunction(run);
    return calls;
  }, 1],
  ["checkpoint", "a turn", () => pcntl.checkpoint(), undefined],
];

Deno.test.each(WORKS)("%s(): %s", async (_name, _promise, run, result) => {
  await using _ = scope();
  assert.deepEqual(await run(), result);
});

Deno.test("the tables go through every function", () => {
  const named = [...WRONG, ...REFUSED, ...WORKS].map(([name]) => name).join(" ");
  const functions = Object.entries(pcntl).filter(([, value]) =>
    typeof value === "function" && !/^class /.test(String(value))
  );
  const missing = functions.map(([name]) => name).filter((name) =>
    !new RegExp(`\\b${name}\\b`).test(named)
  );
  assert.deepEqual(missing, []);
  assert.ok(functions.length > 35, String(functions.length));
});

/** Numbers of the specification that neither Deno nor PHP lists. */
const NUMBERS: Record<string, number> = {
  WNOHANG: 1,
  WUNTRACED: 2,
  WCONTINUED: 8,
  WSTOPPED: 2,
  WEXITED: 4,
  WNOWAIT: 0x1000000,
  P_ALL: 0,
  P_PID: 1,
  P_PGID: 2,
  SIG_DFL: 0,
  SIG_IGN: 1,
  SIG_ERR: -1,
  SIG_BLOCK: 0,
  SIG_UNBLOCK: 1,
  SIG_SETMASK: 2,
  SI_USER: 0,
  SI_KERNEL: 128,
  SI_QUEUE: -1,
  SI_TIMER: -2,
  SI_MESGQ: -3,
  SI_ASYNCIO: -4,
  SI_SIGIO: -5,
  SI_TKILL: -6,
  CLD_EXITED: 1,
  CLD_KILLED: 2,
  CLD_DUMPED: 3,
  CLD_TRAPPED: 4,
  CLD_STOPPED: 5,
  CLD_CONTINUED: 6,
  PRIO_PROCESS: 0,
  PRIO_PGRP: 1,
  PRIO_USER: 2,
  SIGRTMIN: 34,
  SIGRTMAX: 64,
};

Deno.test({
  name: "the constants are those of Linux",
  ignore: !isLinux,
  fn() {
    const numbers = pcntl as unknown as Record<string, unknown>;
    for (const [name, number] of Object.entries(NUMBERS)) assert.equal(numbers[name], number, name);
  },
});

Deno.test("what Deno reports of an end becomes a status word", () => {
  const report = (code: number, signal: Deno.Signal | null) =>
    wordOfStatus({ success: code === 0, code, signal });
  assert.equal(report(0, null), 0);
  assert.equal(report(143, null), 143 << 8);
  assert.equal(report(143, "SIGTERM"), 15);
  assert.equal(wordOfRejection(new TypeError("Invalid signal: 34")), 34);
  assert.equal(wordOfRejection(new Error("No child processes (os error 10)")), undefined);
});

Deno.test("a stop and a continue of a child are never reported", async () => {
  await using _ = scope();
  await using child = pcntl.forkModule(CHILD, { data: { live: true }, stdout: "piped" });
  const output = new Output(child.stdout!, "the child's output");
  await output.line(/live/);
  const { SIGCHLD, WNOHANG, WUNTRACED, WCONTINUED } = pcntl;
  pcntl.sigprocmask(SIG_BLOCK, [SIGCHLD]);
  for (const name of ["SIGSTOP", "SIGCONT"]) {
    child.kill(name);
    assert.notEqual(await pcntl.sigwaitinfo([SIGCHLD]), false); // the kernel tells of both
    const found = await pcntl.waitpid(child.pid, WNOHANG | WUNTRACED | WCONTINUED);
    assert.equal(found.pid, 0);
  }
  child.kill("SIGKILL");
  let info: pcntl.Siginfo | false;
  do {
    info = await pcntl.sigwaitinfo([SIGCHLD]);
  } while (info !== false && info.pid !== child.pid);
  assert.equal((await pcntl.waitpid(child.pid, WUNTRACED | WCONTINUED)).status, pcntl.SIGKILL);
  await output.end;
});

Deno.test("a new alarm replaces the old one, a blocked one waits, an ignored one does nothing", async () => {
  await using _ = scope();
  const infos: pcntl.Siginfo[] = [];
  pcntl.signal(SIGALRM, (_, info) => infos.push(info));
  using raised = spy(hub, "raise");
  const start = performance.now();
  pcntl.alarm(1);
  pcntl.alarm(2);
  await until(() => raised.calls.length === 1);
  assert.ok(performance.now() - start >= 2000);
  pcntl.signalDispatch();
  const info = { signo: SIGALRM, errno: 0, code: pcntl.SI_KERNEL };
  assert.deepEqual(infos, [info]);
  pcntl.sigprocmask(SIG_BLOCK, [SIGALRM]);
  pcntl.alarm(1);
  await until(() => raised.calls.length === 2);
  assert.deepEqual([hub.queue.size, pcntl.alarm(0)], [0, 0]);
  assert.deepEqual(await pcntl.sigwaitinfo([SIGALRM]), info);
  pcntl.sigprocmask(SIG_SETMASK, []);
  pcntl.signal(SIGALRM, SIG_IGN);
  pcntl.alarm(1);
  await until(() => raised.calls.length === 3);
  pcntl.signalDispatch();
  assert.equal(infos.length, 1);
});

Deno.test("the end of a wait is a safe point, and what a handler throws there takes no result away", async () => {
  await using _ = scope();
  const reported: string[] = [];
  const report = (event: ErrorEvent) => {
    event.preventDefault();
    reported.push(event.error.message);
  };
  addEventListener("error", report);
  try {
    pcntl.asyncSignals(true);
    let calls = 0;
    pcntl.signal(SIGHUP, () => {
      throw new Error(`handler ${++calls}`);
    }, false);
    const signalled = pcntl.sigwaitinfo([SIGUSR2]);
    pcntl.kill(Deno.pid, SIGHUP);
    assert.equal(await signalled, false);
    assert.equal(calls, 1);
    const child = pcntl.forkModule(CHILD, { kind: "thread", data: { live: true } });
    const wait = pcntl.waitpid(child.pid);
    pcntl.kill(Deno.pid, SIGHUP);
    assert.equal((await wait).pid, -1);
    assert.equal(calls, 2);
    await child.close();
    assert.deepEqual(reported, ["handler 1", "handler 2"]);
  } finally {
    removeEventListener("error", report);
  }
});

const SYSTEM_ERRORS = ["EPERM", "EACCES", "ESRCH"] as const;

Deno.test.each([...SYSTEM_ERRORS])("setpriority() passes %s on as PHP does", async (code) => {
  await using _ = scope();
  using _set = stub(process.getBuiltinModule("node:os"), "setPriority", () => {
    const info = { code };
    throw Object.assign(new Error(`A system error occurred: ${code}`), { info });
  });
  assert.equal(pcntl.setpriority(-5), false);
  assert.equal(pcntl.getLastError(), pcntl[code]);
});

/** Operations that take a permission, with the flag that the error names. */
const DENIED: [string, string][] = [
  ["pcntl.kill(Deno.ppid, 0)", "--allow-run"],
  ["pcntl.kill(Deno.ppid, 'SIGCONT')", "--allow-run"],
  ["pcntl.kill(-1, 0)", "--allow-run"],
  ["pcntl.kill(0, 'SIGCONT')", "--allow-run"],
  [`pcntl.forkModule("${CHILD}")`, "--allow-run"],
  [`pcntl.forkModule("${CHILD}", { nice: 5, inheritMask: true })`, "--allow-run"],
  [`pcntl.forkModule("${CHILD}", { kind: "thread" })`, "--allow-read"],
  ["await pcntl.exec('/bin/sh')", "--allow-run"],
  ["pcntl.getpriority()", "--allow-sys"],
  ["pcntl.getpriority(1)", "--allow-sys"],
  ["pcntl.setpriority(5)", "--allow-sys"],
  ["pcntl.setpriority(5, Deno.ppid)", "--allow-sys"],
];

Deno.test("what takes a permission throws NotCapable without it, names the flag, and does no half of it", async () => {
  const calls = DENIED.map(([call]) => `[${JSON.stringify(call)}, async () => { ${call}; }]`);
  const { stdout, stderr } = await runScript(`
    import { hub } from "file://${REPOSITORY}runtime/process/hub.ts";
    pcntl.configure({ throwOnError: true, onWarning: () => console.log("warned") });
    pcntl.sigprocmask(pcntl.SIG_BLOCK, ["SIGHUP"]);
    const state = () =>
      JSON.stringify([hub.listening, hub.mask, hub.interrupts.size, hub.queue.size, pcntl.getLastError()]);
    const before = state();
    for (const [text, call] of [${calls}]) {
      let said = "nothing was thrown";
      try {
        await call();
      } catch (error) {
        said = error instanceof Deno.errors.NotCapable ? /--allow-\\w+/.exec(error.message)?.[0] : String(error);
      }
      console.log(JSON.stringify([text, said]), state() === before);
    }
    pcntl.configure({ throwOnError: false, onWarning: null });
    console.log(pcntl.waitpidNow(-1).pid);`);
  const lines = DENIED.map((entry) => `${JSON.stringify(entry)} true`);
  assert.equal(stdout, [...lines, "-1", ""].join("\n"), stderr);
});

Deno.test("what takes no permission works without any", async () => {
  const { code, stdout, stderr } = await runScript(`
    const thread = pcntl.startSignalThread();
    const seen = [];
    pcntl.signal("SIGUSR2", (signo, info) => seen.push(info.code ?? "real"));
    pcntl.kill(Deno.pid, "SIGUSR2");
    Deno.kill(Deno.pid, "SIGUSR2");
    while (seen.length < 2) pcntl.tick();
    pcntl.sigprocmask(pcntl.SIG_BLOCK, ["SIGUSR2", "SIGALRM"]);
    pcntl.kill(Deno.pid, "SIGUSR2");
    seen.push((await pcntl.sigwaitinfo(["SIGUSR2"])).signo);
    pcntl.alarm(1);
    seen.push(pcntl.sigtimedwaitSync(["SIGALRM"], 20).code);
    seen.push(await pcntl.sigtimedwait(["SIGUSR2"], 0, 1000));
    await thread.close();
    pcntl.asyncSignals(true);
    await pcntl.signalDispatchAsync();
    await pcntl.checkpoint();
    console.log(seen.join(), (await pcntl.wait()).pid, pcntl.capabilities().syncSignalVisibility);`);
  assert.deepEqual(
    [code, stdout],
    [0, `0,real,${SIGUSR2},${pcntl.SI_KERNEL},false -1 false\n`],
    stderr,
  );
});
