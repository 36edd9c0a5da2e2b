/**
 * The status word tells the signal that ended a child. (Not of those that may leave a core file.)
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export async function main(): Promise<void> {
  await pcntl.sigtimedwait([pcntl.SIGWINCH], 60);
}

if (import.meta.main) {
  const { SIGALRM, SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGUSR2 } = pcntl;
  for (const signo of [SIGHUP, SIGINT, SIGKILL, SIGUSR2, SIGALRM, SIGTERM]) {
    const child = pcntl.forkModule(import.meta.url);
    pcntl.kill(child.pid, signo);
    const { status } = await pcntl.waitpid(child.pid);
    console.log(JSON.stringify([status, pcntl.wifsignaled(status), pcntl.wtermsig(status)]));
    console.log(JSON.stringify([pcntl.wifexited(status), pcntl.wifstopped(status)]));
  }
}
