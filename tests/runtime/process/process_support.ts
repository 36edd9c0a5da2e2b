/**
 * What the tests of process control share.
 *
 * @module
 */

import assert from "node:assert/strict";
import { hub } from "../../../runtime/process/hub.ts";
import * as pcntl from "../../../runtime/process/mod.ts";
import { type Program, REPOSITORY, startDeno } from "../../support/program.ts";

const LONGEST_MS = 10_000;

/** Gives the event loop turns until something holds. */
export async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + LONGEST_MS;
  while (!holds()) {
    assert.ok(performance.now() < deadline, `Waited in vain for ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A block of a test after which everything must be as before it. */
export function scope(): AsyncDisposable {
  assert.deepEqual(hub.listening, []);
  return {
    async [Symbol.asyncDispose]() {
      pcntl.asyncSignals(false);
      pcntl.alarm(0);
      for (let signo = 1; signo <= 31; signo++) {
        if (signo === pcntl.SIGKILL || signo === pcntl.SIGSTOP) continue;
        pcntl.signal(signo, pcntl.SIG_DFL);
      }
      pcntl.sigprocmask(pcntl.SIG_SETMASK, []);
      pcntl.signalDispatch();
      pcntl.configure({ throwOnError: false, onWarning: null });
      await until(() => hub.listening.length === 0);
      assert.equal(hub.queue.size, 0, "signals are left");
      assert.equal(hub.interrupts.size, 0, "waits are left");
      assert.equal(pcntl.waitpidNow(-1).pid, -1, "children are left");
    },
  };
}

/** Starts a program that has `pcntl`; it may do what the flags say and no more. */
export function startScript(code: string, flags: readonly string[] = []): Program {
  const source = `import * as pcntl from "file://${REPOSITORY}runtime/process/mod.ts";\n${code}`;
  const url = `data:application/typescript,${encodeURIComponent(source)}`;
  return startDeno(["run", "--no-prompt", ...flags, url]);
}

/** Runs one to its end. */
export async function runScript(
  code: string,
  flags: readonly string[] = [],
): Promise<{ code: number; signal: Deno.Signal | null; stdout: string; stderr: string }> {
  await using program = startScript(code, flags);
  const { signal } = await program.status;
  return { ...await program.output(), signal };
}

/** Whether two calls fail alike: the class and, if given, what the message says. */
export function throwsAs(
  run: () => unknown,
  Class: new (...args: never[]) => Error,
  says?: RegExp,
): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof Error);
    assert.equal(error.constructor, Class, error.message);
    if (says !== undefined) assert.match(error.message, says);
    return true;
  });
}
