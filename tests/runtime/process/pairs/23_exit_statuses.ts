/**
 * The status word tells the exit code of a child, modulo 256.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export function main({ data }: pcntl.ForkContext<number>): void {
  Deno.exit(data);
}

if (import.meta.main) {
  for (const data of [0, 1, 7, 143, 255, 256, -1]) {
    const child = pcntl.forkModule(import.meta.url, { data });
    const { pid, status } = await pcntl.waitpid(child.pid);
    const same = pid === child.pid;
    console.log(
      JSON.stringify([same, status, pcntl.wifexited(status), pcntl.wexitstatus(status)]),
    );
    console.log(JSON.stringify([pcntl.wifsignaled(status), pcntl.wifstopped(status)]));
  }
}
