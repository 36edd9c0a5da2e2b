/**
 * SIGCHLD tells which child ended and how, and leaves it to be waited for.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export async function main({ data: how }: pcntl.ForkContext<number>): Promise<void> {
  if (how === pcntl.SIGTERM) await pcntl.sigtimedwait([pcntl.SIGWINCH], 60);
  Deno.exit(how);
}

if (import.meta.main) {
  pcntl.sigprocmask(pcntl.SIG_BLOCK, [pcntl.SIGCHLD]);
  for (const how of [9, pcntl.SIGTERM]) {
    const child = pcntl.forkModule(import.meta.url, { data: how });
    if (how === pcntl.SIGTERM) pcntl.kill(child.pid, pcntl.SIGTERM);
    const info = await pcntl.sigwaitinfo([pcntl.SIGCHLD]);
    if (info === false) throw new Error("interrupted");
    console.log(info.signo);
    console.log(JSON.stringify([info.code, info.pid === child.pid, info.status]));
    const { pid, status } = await pcntl.waitpid(-1);
    console.log(JSON.stringify([pid === child.pid, status]));
  }
}
