/**
 * Waits name their child, in any order; a second one, or one for a stranger, finds none.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export function main({ data }: pcntl.ForkContext<number>): void {
  Deno.exit(data);
}

if (import.meta.main) {
  const children = [0, 1, 2].map((data) =>
    data === 0 ? 0 : pcntl.forkModule(import.meta.url, { data }).pid
  );
  for (const code of [2, 1, 1]) {
    const found = await pcntl.waitpid(children[code]!);
    if (found.pid === children[code]) console.log(`code ${pcntl.wexitstatus(found.status)}`);
    else console.log(`${found.pid} ${pcntl.getLastError()}`);
  }
  console.log(`${(await pcntl.waitpid(Deno.pid)).pid} ${pcntl.getLastError()}`);
  console.log(`${(await pcntl.waitpid(0)).pid} ${pcntl.getLastError()}`);
  console.log(`${(await pcntl.waitpid(-1, 64)).pid} ${pcntl.strerror(pcntl.getLastError())}`);
}
