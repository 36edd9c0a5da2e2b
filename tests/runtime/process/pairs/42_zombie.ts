/**
 * A child that has ended takes signals, to no effect, until it is waited for.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export function main(): void {
  Deno.exit(7);
}

if (import.meta.main) {
  pcntl.sigprocmask(pcntl.SIG_BLOCK, [pcntl.SIGCHLD]);
  const { pid } = pcntl.forkModule(import.meta.url);
  await pcntl.sigwaitinfo([pcntl.SIGCHLD]);
  console.log(JSON.stringify([pcntl.kill(pid, 0), pcntl.kill(pid, pcntl.SIGKILL)]));
  const { status } = await pcntl.waitpid(pid);
  console.log(JSON.stringify([pcntl.wexitstatus(status), pcntl.kill(pid, 0)]));
}
