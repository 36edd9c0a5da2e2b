/**
 * With WNOHANG a wait says 0 while the child lives, and there is one end to find.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export async function main(): Promise<void> {
  await pcntl.sigtimedwait([pcntl.SIGWINCH], 60);
}

if (import.meta.main) {
  const { SIGKILL, WNOHANG } = pcntl;
  const child = pcntl.forkModule(import.meta.url);
  console.log(pcntl.waitpidNow(child.pid, WNOHANG).pid);
  console.log((await pcntl.wait(WNOHANG)).pid);
  console.log(pcntl.getLastError());
  pcntl.kill(child.pid, SIGKILL);
  let found;
  while ((found = pcntl.waitpidNow(child.pid, WNOHANG)).pid === 0) await pcntl.checkpoint();
  console.log(JSON.stringify([found.pid === child.pid, pcntl.wtermsig(found.status)]));
  console.log(`${pcntl.waitpidNow(child.pid, WNOHANG).pid} ${pcntl.getLastError()}`);
}
