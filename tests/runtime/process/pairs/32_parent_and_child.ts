/**
 * Parent and child wait for each other's signals.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export async function main({ ppid }: pcntl.ForkContext): Promise<void> {
  pcntl.kill(ppid, pcntl.SIGUSR2);
  const info = await pcntl.sigwaitinfo([pcntl.SIGTERM, pcntl.SIGHUP]);
  console.log(`child ${info && info.signo}`);
  Deno.exit(42);
}

if (import.meta.main) {
  pcntl.sigprocmask(pcntl.SIG_BLOCK, [pcntl.SIGUSR2, pcntl.SIGTERM]);
  const child = pcntl.forkModule(import.meta.url, {
    permissions: { run: true },
    inheritMask: true,
  });
  const info = await pcntl.sigwaitinfo([pcntl.SIGUSR2]);
  console.log(`parent ${info && info.signo}`);
  pcntl.kill(child.pid, pcntl.SIGTERM);
  const { status } = await pcntl.waitpid(child.pid);
  console.log(`parent ${pcntl.wexitstatus(status)}`);
}
