/**
 * A handler of SIGCHLD finds all children that ended, however many signals told of them.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export function main({ data }: pcntl.ForkContext<number>): void {
  Deno.exit(data);
}

if (import.meta.main) {
  const codes: number[] = [];
  let left = 4;
  pcntl.asyncSignals(true);
  pcntl.signal(pcntl.SIGCHLD, () => {
    for (let child; (child = pcntl.waitpidNow(-1, pcntl.WNOHANG)).pid > 0;) {
      codes.push(pcntl.wexitstatus(child.status));
      left--;
    }
  });
  for (let data = 1; data <= 4; data++) pcntl.forkModule(import.meta.url, { data });
  while (left > 0) await pcntl.checkpoint();
  codes.sort();
  console.log(`${JSON.stringify(codes)} ${(await pcntl.wait()).pid}`);
}
