/**
 * A handler with restart does not end a wait for a child.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export async function main(): Promise<void> {
  await pcntl.sigtimedwait([pcntl.SIGWINCH], 1, 500_000_000);
  Deno.exit(4);
}

if (import.meta.main) {
  pcntl.signal(pcntl.SIGALRM, () => console.log("handler"), true);
  pcntl.alarm(1);
  const child = pcntl.forkModule(import.meta.url);
  const { pid, status } = await pcntl.waitpid(child.pid);
  console.log(`${JSON.stringify(pid === child.pid)} ${pcntl.wexitstatus(status)}`);
  pcntl.signalDispatch();
  console.log(pcntl.getLastError());
}
