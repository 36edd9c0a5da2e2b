import assert from "node:assert/strict";
import * as pcntl from "../../../runtime/process/mod.ts";
import { scope, throwsAs } from "./process_support.ts";

const CHILD = new URL("./child_fixture.ts", import.meta.url);

Deno.test("a handle whose output nobody reads leaves nothing open", async () => {
  await using _ = scope();
  {
    await using _child = pcntl.forkModule(CHILD, {
      data: { live: true },
      stdout: "piped",
      stderr: "piped",
    });
  }
  assert.equal(pcntl.waitpidNow(-1).pid, -1);
});

const WRONG: [string, object, RegExp][] = [
  ["arguments that are no list", { args: "abc" }, /args/],
  ["an argument that is no text", { args: [5] }, /args/],
  ["an argument with a NUL", { args: ["a\0b"] }, /args/],
  ["an alias that is no text", { alias: 5 }, /alias/],
  ["variables that are no object", { env: "A=1" }, /env/],
  ["a variable that is no text", { env: { A: 1 } }, /env/],
  ["inheritMask that is not true or false", { inheritMask: 1 }, /inheritMask/],
  ["detached that is not true or false", { detached: "yes" }, /detached/],
  ["an output to nowhere", { stdout: "file" }, /stdout/],
  ["errors to nowhere", { stderr: 2 }, /stderr/],
];

for (const kind of ["process", "thread"] as const) {
  Deno.test.each(WRONG)(`forkModule() of a ${kind} refuses %s`, async (_name, options, names) => {
    await using _ = scope();
    const [field] = Object.keys(options);
    if (kind === "thread" && ["env", "detached", "stdout", "stderr"].includes(field!)) return;
    throwsAs(() => pcntl.forkModule(CHILD, { kind, ...options }), TypeError, names);
    throwsAs(
      () => pcntl.forkModule(CHILD, { kind, ...options }),
      TypeError,
      /^Cannot .* was given/,
    );
    assert.equal(pcntl.waitpidNow(-1).pid, -1);
  });
}

Deno.test("switches take true and false only, and options only known names", async () => {
  await using _ = scope();
  for (const wrong of [1, "yes", {}]) {
    throwsAs(() => pcntl.asyncSignals(wrong as never), TypeError, /asyncSignals/);
    throwsAs(() => pcntl.signal("SIGUSR2", () => {}, wrong as never), TypeError, /restart/);
  }
  assert.equal(pcntl.asyncSignals(), false);
  assert.equal(pcntl.signalGetHandler("SIGUSR2"), pcntl.SIG_DFL);
  throwsAs(() => pcntl.configure({ throwOnErorr: true } as never), TypeError, /throwOnErorr/);
  throwsAs(() => pcntl.configure(null as never), TypeError, /null/);
  await assert.rejects(pcntl.exec("/bin/true", [], {}, { mod: "replace" } as never), TypeError);
  await assert.rejects(pcntl.exec("/bin/true", [], {}, null as never), TypeError);
  await assert.rejects(pcntl.exec("/bin/true", [], {}, { force: 1 } as never), TypeError);
  await assert.rejects(pcntl.sigwaitinfo(["SIGUSR2"], { signal: 5 } as never), TypeError);
  await assert.rejects(pcntl.sigwaitinfo(["SIGUSR2"], null as never), TypeError);
});

Deno.test("kill() knows no signal of an absurd number, and no pid beyond 32 bits", async () => {
  await using _ = scope();
  for (const wrong of ["99999999999999999999", "-1", 65, -5, "SIGNONE"]) {
    assert.equal(pcntl.kill(Deno.pid, wrong), false);
    assert.equal(pcntl.getLastError(), pcntl.EINVAL);
  }
  for (const pid of [2 ** 32 + 1, -(2 ** 40), Number.MAX_SAFE_INTEGER]) {
    assert.equal(pcntl.kill(pid, 0), false);
    assert.equal(pcntl.getLastError(), pcntl.ESRCH);
  }
});

Deno.test("an ignored signal ends no wait and takes no room", async () => {
  await using _ = scope();
  pcntl.signal("SIGHUP", pcntl.SIG_IGN);
  pcntl.signal("SIGUSR2", () => {});
  const before = pcntl.droppedSignals();
  const wait = pcntl.sigtimedwait(["SIGUSR2"], 10);
  for (let times = 0; times < 100; times++) pcntl.kill(Deno.pid, "SIGHUP");
  pcntl.kill(Deno.pid, "SIGUSR2");
  const info = await wait;
  assert.equal(info && info.signo, pcntl.SIGUSR2);
  assert.equal(pcntl.droppedSignals(), before);
});
