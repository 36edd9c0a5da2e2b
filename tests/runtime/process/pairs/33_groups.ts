/**
 * A child with a session of its own is in no group of its parent, and its group can be signalled and waited for.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export async function main({ ppid }: pcntl.ForkContext): Promise<void> {
  pcntl.kill(ppid, pcntl.SIGUSR2);
  await pcntl.sigtimedwait([pcntl.SIGWINCH], 60);
}

if (import.meta.main) {
  pcntl.sigprocmask(pcntl.SIG_BLOCK, [pcntl.SIGUSR2]);
  const child = pcntl.forkModule(import.meta.url, { permissions: { run: true }, detached: true });
  await pcntl.sigwaitinfo([pcntl.SIGUSR2]);
  console.log(`${pcntl.waitpidNow(0, pcntl.WNOHANG).pid} ${pcntl.getLastError()}`);
  console.log(JSON.stringify(pcntl.kill(-child.pid, pcntl.SIGTERM)));
  const { pid, status } = await pcntl.waitpid(-child.pid);
  console.log(`${JSON.stringify(pid === child.pid)} ${pcntl.wtermsig(status)}`);
  console.log(JSON.stringify(pcntl.kill(child.pid, 0)));
}
