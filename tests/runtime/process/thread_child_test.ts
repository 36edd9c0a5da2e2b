import assert from "node:assert/strict";
import * as pcntl from "../../../runtime/process/mod.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { runScript, scope, throwsAs, until } from "./process_support.ts";
import type { ThreadJob } from "./thread_fixture.ts";

const CHILD = new URL("./thread_fixture.ts", import.meta.url);
const FIRST_PID = 8_388_608;
const { SIGCHLD, SIGKILL, SIGTERM, WNOHANG } = pcntl;

/** Starts a child, and returns the words that it writes. */
function start(
  does: ThreadJob["does"],
  { value, ...options }: pcntl.ForkOptions & { value?: unknown } = {},
): { child: pcntl.ForkHandle; words: Int32Array } {
  const words = new Int32Array(new SharedArrayBuffer(64));
  const data = { does, words, value } satisfies ThreadJob;
  return { child: pcntl.forkModule(CHILD, { kind: "thread", ...options, data }), words };
}

const ENDS: [ThreadJob["does"], number][] = [
  ["return", 0],
  ["exit", 7 << 8],
  ["exitBig", 3 << 8],
  ["exitCode", 5 << 8],
  ["processExit", 9 << 8],
  ["close", 0],
  ["throw", 1 << 8],
  ["reject", 1 << 8],
  ["killSelf", SIGTERM],
  ["alarm", pcntl.SIGALRM],
];

Deno.test.each(ENDS)("a thread that ends by %s has the status word %s", async (does, word) => {
  await using _ = scope();
  const { child } = start(does);
  assert.ok(child.pid >= FIRST_PID);
  assert.deepEqual(await pcntl.waitpid(child.pid), { pid: child.pid, status: word, rusage: {} });
  assert.equal((await child.wait()).pid, -1);
  assert.equal(pcntl.getLastError(), pcntl.ECHILD);
});

Deno.test("forkModule() hands a thread its context, and nothing for processes", async () => {
  await using _ = scope();
  const value = new Map([[1n, new Date(0)]]);
  const { child, words } = start("context", { value, args: ["a b", "--c"], alias: "kid" });
  assert.deepEqual([child.alias, child.stdout, child.stderr], ["kid", null, null]);
  assert.equal((await child.wait()).status, 0);
  assert.deepEqual([...words.slice(1, 6)], [child.pid, 1, 1, 1, 1]);
});

Deno.test("forkModule() gives a thread the permissions that are spelled out, at most ours", async () => {
  await using _ = scope();
  const ask = async (permissions?: pcntl.ForkOptions["permissions"]) => {
    const { child, words } = start("permissions", { permissions });
    assert.equal((await child.wait()).status, 0);
    return [...words.slice(1, 8)].join("");
  };
  for (const permissions of [undefined, "none", {}, { net: false }] as const) {
    assert.equal(await ask(permissions), "0000000");
  }
  assert.equal(await ask({ read: true, sys: true }), "0001010");
  throwsAs(() => start("return", { permissions: { ffi: true } }), Deno.errors.NotCapable);
  throwsAs(() => start("return", { permissions: { write: true } }), Deno.errors.NotCapable);
  assert.equal(pcntl.waitpidNow(-1).pid, -1);
});

Deno.test("forkModule() refuses wrong arguments for a thread, and starts nothing", async () => {
  await using _ = scope();
  const wrong: pcntl.ForkOptions[] = [
    { nice: 5 },
    { env: {} },
    { detached: true },
    { stdout: "null" },
    { stderr: "inherit" },
  ];
  for (const options of wrong) {
    const [field] = Object.keys(options);
    throwsAs(() => start("return", options), TypeError, new RegExp(`"${field}" is for children`));
  }
  throwsAs(() => start("return", { permissions: { red: true } as never }), TypeError);
  throwsAs(() => start("return", { value: () => {} }), DOMException);
  assert.equal(pcntl.waitpidNow(-1).pid, -1);
  const { stdout } = await runScript(`
    try {
      pcntl.forkModule(${JSON.stringify(CHILD.href)}, { kind: "thread" });
    } catch (error) {
      console.log(error instanceof Deno.errors.NotCapable, /--allow-read/.test(error.message));
    }
    console.log(pcntl.waitpidNow(-1).pid);`);
  assert.equal(stdout, "true true\n-1\n");
});

Deno.test("a module without main, or none at all, ends a thread with 1", async () => {
  await using _ = scope();
  await using folder = await tempDir();
  await Deno.writeTextFile(`${folder.path}/empty.ts`, "");
  for (const name of ["empty", "none"]) {
    const child = pcntl.forkModule(`file://${folder.path}/${name}.ts`, { kind: "thread" });
    assert.equal((await child.wait()).status, 1 << 8);
  }
});

Deno.test("kill() of a thread runs its handlers, and the default action of others ends it", async () => {
  await using _ = scope();
  const { child, words } = start("handle");
  await until(() => Atomics.load(words, 0) === 2);
  assert.equal(pcntl.kill(child.pid, 0), true);
  for (const signo of ["SIGHUP", SIGTERM, "SIGWINCH", "SIGCONT", 40, "SIGSEGV"]) {
    assert.equal(child.kill(signo), true);
  }
  await until(() => Atomics.load(words, 5) !== 0);
  const { SIGCONT, SIGSEGV } = pcntl;
  assert.deepEqual([...words.slice(1, 7)], [Deno.pid, SIGTERM, SIGCONT, 40, SIGSEGV, 0]);
  child.kill("SIGINT");
  assert.equal((await child.wait()).status, 0);
  const other = start("handle");
  await until(() => Atomics.load(other.words, 0) === 2);
  other.child.kill("SIGUSR2");
  assert.equal((await other.child.wait()).status, pcntl.SIGUSR2);
});

Deno.test("a thread has a mask and waits of its own", async () => {
  await using _ = scope();
  for (const inheritMask of [false, true]) {
    pcntl.sigprocmask(pcntl.SIG_SETMASK, ["SIGHUP", "SIGTERM"]);
    const { child, words } = start("wait", { inheritMask });
    if (inheritMask) child.kill(SIGTERM); // which the mask holds from the beginning
    await until(() => Atomics.load(words, 0) === 2);
    if (!inheritMask) child.kill(SIGTERM);
    assert.equal((await child.wait()).status, 0);
    assert.deepEqual([...words.slice(1, 3)], [SIGTERM, inheritMask ? 2 : 0]);
  }
});

Deno.test("kill() refuses what a thread cannot do, and pids that no thread has", async () => {
  await using _ = scope();
  const { child } = start("live");
  for (const signo of ["SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU"]) {
    throwsAs(() => child.kill(signo), pcntl.PcntlError, /cannot be stopped/);
    assert.equal(pcntl.getLastError(), pcntl.ENOSYS);
  }
  assert.equal(pcntl.kill(child.pid + 1000, 0), false);
  assert.equal(pcntl.getLastError(), pcntl.ESRCH);
  assert.equal(child.kill("SIGKILL"), true);
  assert.equal(child.kill("SIGTERM"), true); // it has ended and was not waited for
  assert.equal(child.kill("SIGSTOP"), true);
  assert.deepEqual(pcntl.waitpidNow(0), { pid: child.pid, status: SIGKILL, rusage: {} });
  assert.equal(child.kill(0), false);
});

Deno.test("a signal right after the start ends a thread that could not handle it yet", async () => {
  await using _ = scope();
  const { child } = start("live");
  child.kill("SIGTERM");
  assert.equal((await child.wait()).status, SIGTERM);
});

Deno.test("waits and SIGCHLD tell of threads and processes alike", async () => {
  await using _ = scope();
  const told: pcntl.Siginfo[] = [];
  pcntl.signal("SIGCHLD", (_, info) => told.push(info));
  pcntl.asyncSignals(true);
  const { child } = start("live");
  const process = pcntl.forkModule(new URL("./child_fixture.ts", import.meta.url), {
    data: { exit: 4 },
  });
  assert.deepEqual(await pcntl.wait(WNOHANG), { pid: 0, status: 0, rusage: {} });
  assert.equal((await pcntl.wait()).pid, process.pid);
  await until(() => told.length > 0);
  const before = told.length;
  const wait = pcntl.wait();
  child.kill("SIGTERM");
  assert.deepEqual(await wait, { pid: child.pid, status: SIGTERM, rusage: {} });
  await until(() => told.length > before);
  const code = pcntl.CLD_KILLED;
  const info = { signo: SIGCHLD, errno: 0, code, pid: child.pid, status: SIGTERM };
  assert.deepEqual(told.at(-1), info);
  assert.equal((await pcntl.wait()).pid, -1);
});

Deno.test("with SIGCHLD ignored a thread leaves nothing to wait for", async () => {
  await using _ = scope();
  pcntl.signal("SIGCHLD", pcntl.SIG_IGN);
  const { child } = start("return");
  assert.equal((await child.wait()).pid, -1);
  const second = start("live").child;
  await second.close();
  assert.equal(pcntl.waitpidNow(-1).pid, -1);
});

Deno.test("a handle ends its thread at the end of its block", async () => {
  await using _ = scope();
  let pid: number;
  {
    await using child = start("live").child;
    pid = child.pid;
    assert.equal(pcntl.waitpidNow(pid).pid, 0);
  }
  assert.equal(pcntl.waitpidNow(pid).pid, -1);
});

Deno.test("SIGKILL reports the end of a thread that spins, at once", async () => {
  const { code, stdout, stderr } = await runScript(
    `
    const words = new Int32Array(new SharedArrayBuffer(64));
    const child = pcntl.forkModule(${JSON.stringify(CHILD.href)}, {
      kind: "thread",
      data: { does: "spin", words },
    });
    while (Atomics.load(words, 0) === 0) await pcntl.checkpoint();
    child.kill("SIGTERM");
    for (let i = 0; i < 50; i++) await pcntl.checkpoint();
    console.log(pcntl.waitpidNow(child.pid).pid);
    child.kill("SIGKILL");
    console.log(pcntl.waitpidNow(child.pid).status);
    Deno.exit(0); // nothing else ends its thread`,
    ["--allow-read", "--unstable-worker-options"],
  );
  assert.deepEqual([code, stdout], [0, "0\n9\n"], stderr);
});

Deno.test("a thread keeps the process alive until it has ended", async () => {
  const { code, stdout, stderr } = await runScript(
    `
    const words = new Int32Array(new SharedArrayBuffer(64));
    pcntl.forkModule(${
      JSON.stringify(CHILD.href)
    }, { kind: "thread", data: { does: "alarm", words } });
    addEventListener("unload", () => console.log(words[0]));`,
    ["--allow-read", "--unstable-worker-options"],
  );
  assert.deepEqual([code, stdout], [0, "1\n"], stderr);
});

Deno.test("a thread can have children of its own, which are not ours", async () => {
  await using _ = scope();
  const { child, words } = start("nest", { permissions: { read: true } });
  assert.equal((await child.wait()).status, 0);
  assert.deepEqual([...words.slice(1, 4)], [1, 7 << 8, -1]);
});

Deno.test("a thread is refused what only a process can do", async () => {
  await using _ = scope();
  const { child, words } = start("refuse");
  assert.equal((await child.wait()).status, 0);
  assert.equal(words[1], 3);
});

Deno.test("a process that is sent a signal does not run the handlers of its threads", async () => {
  await using _ = scope();
  const { child, words } = start("handle");
  await until(() => Atomics.load(words, 0) === 2);
  let calls = 0;
  pcntl.signal("SIGCONT", () => calls++);
  pcntl.asyncSignals(true);
  Deno.kill(Deno.pid, "SIGCONT");
  await until(() => calls > 0);
  child.kill("SIGTERM");
  await until(() => Atomics.load(words, 2) !== 0);
  assert.deepEqual([...words.slice(2, 4)], [SIGTERM, 0]);
  await child.close();
});
