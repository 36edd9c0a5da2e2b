/**
 * A wait for any finds each child once, and then there is none.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export function main({ data }: pcntl.ForkContext<number>): void {
  Deno.exit(data);
}

if (import.meta.main) {
  const expected = new Map<number, number>();
  for (const data of [3, 4, 5]) {
    expected.set(pcntl.forkModule(import.meta.url, { data }).pid, data);
  }
  let right = 0;
  for (let i = 0; i < 3; i++) {
    const { pid, status } = await pcntl.wait();
    right += pcntl.wexitstatus(status) === expected.get(pid) ? 1 : 0;
    expected.delete(pid);
  }
  console.log(JSON.stringify([right, [...expected]]));
  console.log(`${(await pcntl.wait()).pid} ${pcntl.strerror(pcntl.getLastError())}`);
  console.log(pcntl.waitpidNow(-1, pcntl.WNOHANG).pid);
}
