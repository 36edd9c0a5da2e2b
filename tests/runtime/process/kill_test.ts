import assert from "node:assert/strict";
import { stub } from "@std/testing/mock";
import * as pcntl from "../../../runtime/process/mod.ts";
import { runScript, scope, startScript, throwsAs } from "./process_support.ts";

Deno.test("kill() of this process asks whether it exists, and is real where nothing handles it", async () => {
  assert.equal(pcntl.kill(Deno.pid, 0), true);
  for (const name of ["SIGTERM", "SIGKILL", "SIGXCPU"]) {
    const { signal } = await runScript(`
      pcntl.kill(Deno.pid, ${JSON.stringify(name)});
      await new Promise((resolve) => setTimeout(resolve, 5000));`);
    assert.equal(signal, name);
  }
});

Deno.test("kill() of another process sends it a signal", async () => {
  await using program = startScript("await new Promise((resolve) => setTimeout(resolve, 9000));");
  const sender =
    `console.log(pcntl.kill(${program.pid}, 0), pcntl.kill(${program.pid}, "SIGTERM"));`;
  const { stdout } = await runScript(sender, ["--allow-run"]);
  assert.equal(stdout, "true true\n");
  assert.equal((await program.status).signal, "SIGTERM");
});

Deno.test("kill() passes on that a permission is missing", async () => {
  const { stdout } = await runScript(`
    try {
      pcntl.kill(Deno.ppid, 0);
    } catch (error) {
      console.log(error instanceof Deno.errors.NotCapable, pcntl.getLastError());
    }`);
  assert.equal(stdout, "true 0\n");
});

Deno.test("kill() says ESRCH, EPERM and EINVAL", async () => {
  const code = `
    const seen = [];
    for (const [pid, signo] of [[999_999_999, 15], [2 ** 32 + Deno.pid, 15], [-(2 ** 33), 9]]) {
      seen.push(pcntl.kill(pid, signo), pcntl.getLastError());
    }
    for (const signo of [-1, 65, "SIGNONE"]) seen.push(pcntl.kill(Deno.pid, signo), pcntl.getLastError());
    console.log(seen.join());`;
  const { stdout, stderr } = await runScript(code, ["--allow-run"]);
  assert.equal(stdout, "false,3,false,3,false,3,false,22,false,22,false,22\n", stderr);
});

Deno.test("kill() says EPERM of somebody else's process", async () => {
  await using _ = scope();
  using _kill = stub(Deno, "kill", () => {
    throw new Deno.errors.PermissionDenied("EPERM: Operation not permitted");
  });
  assert.equal(pcntl.kill(1, 0), false);
  assert.equal(pcntl.getLastError(), pcntl.EPERM);
  pcntl.configure({ throwOnError: true });
  assert.throws(() => pcntl.kill(1, 0), { name: "PcntlError", code: "EPERM", errno: 1 });
});

Deno.test("kill() refuses wrong arguments, and what Deno cannot send", async () => {
  await using _ = scope();
  for (const pid of [1.5, NaN, "1", null]) throwsAs(() => pcntl.kill(pid as number, 0), TypeError);
  for (const signo of [1.5, "TERM", null]) {
    throwsAs(() => pcntl.kill(Deno.pid, signo as number), TypeError);
  }
  for (const pid of [Deno.pid, 1]) {
    throwsAs(() => pcntl.kill(pid, pcntl.SIGRTMIN), pcntl.PcntlError, /Deno cannot send/);
  }
  assert.equal(pcntl.getLastError(), pcntl.ENOSYS);
});
