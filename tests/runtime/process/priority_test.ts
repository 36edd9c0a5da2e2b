import assert from "node:assert/strict";
import * as pcntl from "../../../runtime/process/mod.ts";
import { runScript, scope, throwsAs } from "./process_support.ts";

const { PRIO_PGRP, PRIO_USER } = pcntl;
const NOBODY = 999_999_999;

Deno.test("getpriority() and setpriority() work on this process, beyond the range as at its end", async () => {
  const { stdout, stderr } = await runScript(
    `console.log(pcntl.getpriority(), pcntl.setpriority(3), pcntl.getpriority(), pcntl.getpriority(0),
      pcntl.getpriority(Deno.pid), pcntl.setpriority(1000, Deno.pid), pcntl.getpriority());`,
    ["--allow-sys=getPriority,setPriority"],
  );
  assert.match(stdout, /^-?\d+ true 3 3 3 true 19\n$/, stderr);
});

Deno.test("getpriority() and setpriority() say ESRCH", async () => {
  await using _ = scope();
  for (const pid of [NOBODY, -5, 2 ** 32]) {
    pcntl.kill(Deno.pid, "SIGNONE"); // another last error
    assert.equal(pcntl.getpriority(pid), false);
    assert.equal(pcntl.getLastError(), pcntl.ESRCH);
    pcntl.kill(Deno.pid, "SIGNONE");
    assert.equal(pcntl.setpriority(5, pid), false);
    assert.equal(pcntl.getLastError(), pcntl.ESRCH);
  }
  pcntl.configure({ throwOnError: true });
  assert.throws(() => pcntl.getpriority(NOBODY), { name: "PcntlError", code: "ESRCH", errno: 3 });
});

Deno.test("getpriority() and setpriority() pass on that a permission is missing", async () => {
  const { stdout } = await runScript(`
    for (const run of [() => pcntl.getpriority(), () => pcntl.setpriority(1)]) {
      try {
        run();
      } catch (error) {
        console.log(error instanceof Deno.errors.NotCapable);
      }
    }`);
  assert.equal(stdout, "true\ntrue\n");
});

Deno.test("getpriority() and setpriority() refuse wrong arguments, and what only native code can do", async () => {
  await using _ = scope();
  for (const mode of [PRIO_PGRP, PRIO_USER]) {
    throwsAs(() => pcntl.getpriority(null, mode), pcntl.PcntlError);
    throwsAs(() => pcntl.setpriority(1, null, mode), pcntl.PcntlError);
  }
  assert.equal(pcntl.getLastError(), pcntl.ENOSYS);
  for (const mode of [3, -1, "0"] as number[]) {
    throwsAs(() => pcntl.getpriority(null, mode), RangeError);
    throwsAs(() => pcntl.setpriority(1, null, mode), RangeError);
  }
  for (const value of [0.5, NaN, "1"] as number[]) {
    throwsAs(() => pcntl.getpriority(value), TypeError);
    throwsAs(() => pcntl.setpriority(1, value), TypeError);
    throwsAs(() => pcntl.setpriority(value), TypeError);
  }
});
