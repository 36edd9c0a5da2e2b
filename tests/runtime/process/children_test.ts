import assert from "node:assert/strict";
import { permissionFlags } from "../../../runtime/process/flags.ts";
import * as pcntl from "../../../runtime/process/mod.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { Output } from "../../support/program.ts";
import type { Job } from "./child_fixture.ts";
import { runScript, scope, throwsAs, until } from "./process_support.ts";

const CHILD = new URL("./child_fixture.ts", import.meta.url);
const { SIGTERM, WNOHANG } = pcntl;

function start(data: Job, options: pcntl.ForkOptions = {}): pcntl.ForkHandle {
  return pcntl.forkModule(CHILD, { stdout: "null", stderr: "null", ...options, data });
}

/** What a child says, and its status word. */
async function listen(data: Job, options: pcntl.ForkOptions = {}): Promise<[string, number]> {
  await using child = start(data, { ...options, stdout: "piped" });
  const [text, { status }] = await Promise.all([new Response(child.stdout).text(), child.wait()]);
  return [text.trim(), status];
}

const ENDS: [string, Job, number][] = [
  ["by itself", {}, 0],
  ["with a code", { exit: 7 }, 7 << 8],
  ["with a code beyond a byte", { exit: 256 + 3 }, 3 << 8],
  ["with the code that a shell would give to SIGTERM", { exit: 143 }, 143 << 8],
  ["by an error", { throws: true }, 1 << 8],
  ["by SIGTERM", { raise: "SIGTERM" }, SIGTERM],
  ["by SIGKILL", { raise: "SIGKILL" }, pcntl.SIGKILL],
];

Deno.test.each(ENDS)(
  "waitpid() gives the status word of a child that ended %s",
  async (_name, job, word) => {
    await using _ = scope();
    await using child = start(job);
    assert.deepEqual(await pcntl.waitpid(child.pid), { pid: child.pid, status: word, rusage: {} });
    assert.equal((await pcntl.waitpid(child.pid)).pid, -1);
    assert.equal(pcntl.getLastError(), pcntl.ECHILD);
  },
);

Deno.test("forkModule() hands the child its context, and a clone of its data", async () => {
  await using _ = scope();
  const value = {
    map: new Map([[1n, new Date(0)]]),
    bytes: new Uint8Array([1, 2]),
    none: undefined,
  };
  const [text] = await listen({ say: "context", value }, { alias: "kid", args: ["a b", "--c"] });
  assert.match(text, /map: Map\(1\) \{ 1n => 1970-01-01T00:00:00.000Z \}/);
  assert.match(text, /bytes: Uint8Array\(2\) \[ 1, 2 \], none: undefined/);
  assert.match(text, new RegExp(`ppid: ${Deno.pid}, args: \\[ "a b", "--c" \\], alias: "kid"`));
});

Deno.test("forkModule() gives the child no permission that is not spelled out", async () => {
  await using _ = scope();
  const none =
    "env prompt,ffi prompt,import prompt,net prompt,read prompt,run denied,sys prompt,write prompt";
  const kinds = /env|ffi|net|read|run|sys|write/;
  const strip = (text: string) => text.split(",").filter((part) => kinds.test(part)).join();
  for (const permissions of [undefined, "none", {}, { read: false, net: [] }] as const) {
    const [text] = await listen({ say: "permissions" }, { permissions });
    assert.equal(strip(text), strip(none));
  }
  const [text] = await listen({ say: "permissions" }, {
    permissions: { net: true, run: true, read: ["/tmp"] },
  });
  assert.match(text, /net granted/);
  assert.match(text, /run granted/);
  assert.match(text, /read prompt/);
  assert.match(text, /write prompt/);
});

Deno.test("forkModule() lets the child import from nowhere, not even from the hosts that Deno allows", async () => {
  await using _ = scope();
  await using folder = await tempDir();
  const module = `${folder.path}/child.ts`;
  await Deno.writeTextFile(module, 'import "https://esm.sh/none.ts"; export function main() {}');
  await using child = pcntl.forkModule(`file://${module}`, { stdout: "null", stderr: "piped" });
  const [text, { status }] = await Promise.all([new Response(child.stderr).text(), child.wait()]);
  assert.match(text, /Requires import access to "esm.sh:443"/);
  assert.equal(status, 1 << 8);
});

const FLAGS: [pcntl.ChildPermissions | "none", string, string[]][] = [
  ["none", "file:///a.ts", ["--allow-import=none.invalid", "--deny-run"]],
  [{ run: [], net: false }, "file:///a.ts", ["--allow-import=none.invalid", "--deny-run"]],
  [{ run: ["git"] }, "https://a.test/b.ts", ["--allow-run=git", "--allow-import=a.test:443"]],
  [{ import: ["b.test"] }, "http://a.test:8/b.ts", [
    "--allow-import=b.test,a.test:8",
    "--deny-run",
  ]],
  [{ read: [new URL("file:///c%20d")] }, "file:///a.ts", [
    "--allow-read=/c d",
    "--allow-import=none.invalid",
    "--deny-run",
  ]],
  [{ import: true, run: true }, "http://a.test/b.ts", ["--allow-import", "--allow-run"]],
  [{ read: ["/a", "/b"], sys: true }, "http://a.test/", [
    "--allow-read=/a,/b",
    "--allow-sys",
    "--allow-import=a.test:80",
    "--deny-run",
  ]],
];

Deno.test("permissionFlags() refuses what it cannot spell out", () => {
  const wrong: [unknown, RegExp][] = [
    ["inherit", /"none" or an object, and "inherit"/],
    [{ net: "inherit" }, /net is true, false or a list.*"inherit"/],
    [{ read: ["a,b"] }, /without commas/],
    [{ read: [new URL("file:///a,b")] }, /without commas/],
    [{ all: true }, /no permission "all"/],
  ];
  for (const [permissions, message] of wrong) {
    assert.throws(() => permissionFlags(permissions as "none", []), { name: "TypeError", message });
  }
});

Deno.test.each(FLAGS)("permissionFlags() spells out %j for %s", (permissions, module, flags) => {
  assert.deepEqual(permissionFlags(permissions, [module]), ["--no-prompt", ...flags]);
});

Deno.test("forkModule() adds variables and lowers priority", async () => {
  await using _ = scope();
  const env = { TANDEM_CHILD: "yes" };
  const permissions = { env: ["TANDEM_CHILD"] };
  assert.deepEqual(await listen({ say: "env" }, { env, permissions }), ["yes", 0]);
  const { stdout, stderr } = await runScript(
    `
    const child = pcntl.forkModule(${JSON.stringify(CHILD.href)}, {
      data: { live: true },
      stdout: "piped",
      nice: 5,
    });
    await child.stdout.getReader().read();
    console.log(pcntl.getpriority(child.pid));
    await child.close();`,
    ["--allow-run", "--allow-sys=getPriority"],
  );
  assert.equal(stdout, "5\n", stderr);
});

Deno.test("forkModule() hands the mask over if asked", async () => {
  await using _ = scope();
  await using folder = await tempDir();
  const module = `${folder.path}/child.ts`;
  const process = new URL("../../../runtime/process/mod.ts", import.meta.url).href;
  await Deno.writeTextFile(
    module,
    `import { sigprocmask } from ${JSON.stringify(process)};
     export function main() { console.log(sigprocmask(2, []).old.join()); }`,
  );
  pcntl.sigprocmask(pcntl.SIG_BLOCK, [SIGTERM, pcntl.SIGHUP]);
  for (const [inheritMask, mask] of [[true, "1,15\n"], [false, "\n"]] as const) {
    await using child = pcntl.forkModule(`file://${module}`, { inheritMask, stdout: "piped" });
    const [text] = await Promise.all([new Response(child.stdout).text(), child.wait()]);
    assert.equal(text, mask);
  }
});

Deno.test("forkModule() refuses wrong arguments, and starts nothing", async () => {
  await using _ = scope();
  throwsAs(() => pcntl.forkModule("./child.ts"), TypeError, /absolute URL/);
  const wrong = [{ kin: 1 }, { permissions: "all" }, { permissions: { red: true } }, {
    permissions: { read: [""] },
  }];
  for (const options of wrong) {
    throwsAs(() => pcntl.forkModule(CHILD, options as pcntl.ForkOptions), TypeError);
  }
  for (const nice of [20, -21, 0.5]) throwsAs(() => pcntl.forkModule(CHILD, { nice }), RangeError);
  throwsAs(() => pcntl.forkModule(CHILD, { kind: "fibre" as "process" }), TypeError, /"thread"/);
  throwsAs(() => pcntl.forkModule(CHILD, { data: () => {} }), DOMException);
  throwsAs(() => pcntl.fork(), pcntl.PcntlError, /forkModule/);
  assert.equal(pcntl.getLastError(), pcntl.ENOSYS);
});

Deno.test("forkModule() passes on that a permission is missing", async () => {
  const { stdout } = await runScript(`
    try {
      pcntl.forkModule(${JSON.stringify(CHILD.href)});
    } catch (error) {
      console.log(error instanceof Deno.errors.NotCapable);
    }
    console.log(pcntl.waitpidNow(-1).pid);`);
  assert.equal(stdout, "true\n-1\n");
});

Deno.test("waitpid() with WNOHANG and waitpidNow() do not wait", async () => {
  await using _ = scope();
  await using child = start({ live: true });
  const none = { pid: 0, status: 0, rusage: {} };
  assert.deepEqual(await pcntl.waitpid(child.pid, WNOHANG), none);
  assert.deepEqual(pcntl.waitpidNow(-1), none);
  assert.deepEqual(pcntl.waitpidNow(child.pid, pcntl.WUNTRACED | pcntl.WCONTINUED), none);
  assert.equal(child.kill("SIGSTOP"), true);
  assert.equal(child.kill("SIGCONT"), true);
  assert.equal(pcntl.kill(child.pid, 0), true);
  assert.equal(child.kill(SIGTERM), true);
  let found = none;
  await until(() => (found = pcntl.waitpidNow(-1)).pid !== 0);
  assert.deepEqual(found, { pid: child.pid, status: SIGTERM, rusage: {} });
});

Deno.test("waitpid() refuses wrong arguments and strangers", async () => {
  await using _ = scope();
  for (const pid of [1, 999_999, -1, 0, -77]) {
    pcntl.kill(Deno.pid, "SIGNONE"); // another last error
    assert.equal((await pcntl.waitpid(pid)).pid, -1);
    assert.equal(pcntl.getLastError(), pcntl.ECHILD);
  }
  assert.equal((await pcntl.wait(1 << 20)).pid, -1);
  assert.equal(pcntl.getLastError(), pcntl.EINVAL);
  for (const value of [0.5, "1", null]) {
    await assert.rejects(pcntl.waitpid(value as number), TypeError);
    await assert.rejects(pcntl.wait(value as number), TypeError);
    throwsAs(() => pcntl.waitpidNow(1, value as number), TypeError);
  }
  pcntl.configure({ throwOnError: true });
  await assert.rejects(pcntl.wait(), { name: "PcntlError", code: "ECHILD" });
});

Deno.test("wait() gives every child once, and loses none that ended before", async () => {
  await using _ = scope();
  const started = Array.from({ length: 3 }, (_, exit) => start({ exit }).pid);
  const first = await pcntl.waitpid(started[2]!);
  assert.deepEqual(first, { pid: started[2], status: 2 << 8, rusage: {} });
  const rest = [await pcntl.wait(), await pcntl.wait()];
  assert.deepEqual(rest.map(({ pid }) => pid).sort(), started.slice(0, 2).sort());
  assert.equal((await pcntl.wait()).pid, -1);
});

Deno.test("two waits for one child: one gets it, the other ECHILD", async () => {
  await using _ = scope();
  await using child = start({ exit: 1 });
  const results = await Promise.all([pcntl.wait(), pcntl.waitpid(child.pid)]);
  assert.deepEqual(results.map(({ pid }) => pid), [child.pid, -1]);
});

Deno.test("waitpid() finds a detached child by its group, others by 0", async () => {
  await using _ = scope();
  await using alone = start({ live: true }, { detached: true });
  await using child = start({ live: true });
  assert.equal(pcntl.waitpidNow(-alone.pid).pid, 0);
  assert.equal(pcntl.waitpidNow(-child.pid).pid, -1);
  child.kill("SIGKILL");
  assert.equal((await pcntl.waitpid(0)).pid, child.pid);
  assert.equal(pcntl.waitpidNow(0).pid, -1);
  alone.kill("SIGKILL");
  assert.deepEqual(await pcntl.waitpid(-alone.pid), { pid: alone.pid, status: 9, rusage: {} });
});

Deno.test("waitpid() is ended only by a handler that does not restart it", async () => {
  await using _ = scope();
  await using child = start({ live: true });
  pcntl.signal("SIGUSR2", () => {});
  pcntl.signal("SIGALRM", () => {});
  let ended = false;
  const wait = pcntl.waitpid(child.pid).finally(() => ended = true);
  pcntl.kill(Deno.pid, "SIGUSR2");
  await pcntl.checkpoint();
  assert.equal(ended, false);
  pcntl.kill(Deno.pid, "SIGALRM");
  assert.equal((await wait).pid, -1);
  assert.equal(pcntl.getLastError(), pcntl.EINTR);
  pcntl.signalDispatch();
});

Deno.test("SIGCHLD tells of a child, and ignored it leaves nothing to wait for", async () => {
  await using _ = scope();
  const told: pcntl.Siginfo[] = [];
  pcntl.signal("SIGCHLD", (_, info) => told.push(info));
  pcntl.asyncSignals(true);
  await using child = start({ exit: 5 });
  await until(() => told.length > 0); // of that child: nothing else ends meanwhile
  const { SIGCHLD, CLD_EXITED } = pcntl;
  assert.deepEqual(told[0], {
    signo: SIGCHLD,
    errno: 0,
    code: CLD_EXITED,
    pid: child.pid,
    status: 5,
  });
  assert.equal((await child.wait()).status, 5 << 8);
  pcntl.signal("SIGCHLD", pcntl.SIG_IGN);
  await using ignored = start({});
  assert.equal((await pcntl.waitpid(ignored.pid)).pid, -1);
  assert.equal(pcntl.getLastError(), pcntl.ECHILD);
});

Deno.test("kill() of a child that has ended and was not waited for does nothing", async () => {
  await using _ = scope();
  let ended = false;
  await using child = start({});
  pcntl.signal("SIGCHLD", (_, { pid }) => ended ||= pid === child.pid);
  pcntl.asyncSignals(true);
  await until(() => ended);
  assert.equal(child.kill(SIGTERM), true);
  assert.equal((await child.wait()).status, 0);
});

Deno.test("a handle kills its child at the end of its block, and leaves nothing", async () => {
  await using _ = scope();
  let pid: number;
  {
    await using child = start({ live: true }, { stdout: "piped" });
    const output = new Output(child.stdout!, "the child's output");
    await output.line(/live/);
    pid = child.pid;
    await child.close();
    await output.end;
  }
  assert.equal(pcntl.waitpidNow(pid).pid, -1);
  const running = start({ live: true });
  await running[Symbol.asyncDispose]();
  assert.equal(pcntl.waitpidNow(running.pid).pid, -1);
});

Deno.test("a child keeps its parent alive only while somebody waits", async () => {
  const fork = `pcntl.forkModule(${
    JSON.stringify(CHILD.href)
  }, { data: { live: true }, stdout: "null", stderr: "null" })`;
  const { code, stdout } = await runScript(`const child = ${fork}; console.log(child.pid);`, [
    "--allow-run",
  ]);
  assert.equal(code, 0);
  const killer = `console.log(pcntl.kill(${Number(stdout)}, "SIGKILL"));`;
  assert.equal((await runScript(killer, ["--allow-run"])).stdout, "true\n");
});
