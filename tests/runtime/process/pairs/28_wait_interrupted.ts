/**
 * A handler without restart ends a wait for a child; the handler itself runs at the dispatch.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export async function main(): Promise<void> {
  await pcntl.sigtimedwait([pcntl.SIGWINCH], 60);
}

if (import.meta.main) {
  pcntl.signal(pcntl.SIGALRM, () => console.log("handler"), false);
  const child = pcntl.forkModule(import.meta.url);
  pcntl.alarm(1);
  console.log(`${(await pcntl.waitpid(child.pid)).pid} ${pcntl.getLastError()}`);
  pcntl.signalDispatch();
  pcntl.kill(child.pid, pcntl.SIGKILL);
  console.log(JSON.stringify((await pcntl.waitpid(child.pid)).pid === child.pid));
}
