/**
 * Sending tells whether there is somebody, and success leaves the last error as it is.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export async function main(): Promise<void> {
  await pcntl.sigtimedwait([pcntl.SIGWINCH], 60);
}

if (import.meta.main) {
  const { errno, kill, strerror } = pcntl;
  const child = pcntl.forkModule(import.meta.url);
  console.log(JSON.stringify([kill(Deno.pid, 0), kill(child.pid, 0)]));
  console.log(`${kill(child.pid, 65)} ${strerror(errno())}`);
  kill(child.pid, pcntl.SIGKILL);
  await pcntl.waitpid(child.pid);
  console.log(`${kill(child.pid, pcntl.SIGTERM)} ${strerror(errno())}`);
  console.log(`${kill(Deno.pid, 0)} ${errno()}`);
}
