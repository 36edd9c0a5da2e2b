/**
 * While SIGCHLD is ignored, children leave nothing to wait for.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export function main(): void {
  Deno.exit(6);
}

if (import.meta.main) {
  pcntl.signal(pcntl.SIGCHLD, pcntl.SIG_IGN);
  let child = pcntl.forkModule(import.meta.url);
  console.log(`${(await pcntl.waitpid(child.pid)).pid} ${pcntl.getLastError()}`);
  pcntl.signal(pcntl.SIGCHLD, pcntl.SIG_DFL);
  child = pcntl.forkModule(import.meta.url);
  const { pid, status } = await pcntl.waitpid(child.pid);
  console.log(`${JSON.stringify(pid === child.pid)} ${pcntl.wexitstatus(status)}`);
}
