/**
 * Priorities are cut to their range and inherited; for a process that is not there the call fails.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

/** The child. */
export function main(): void {
  console.log(pcntl.getpriority());
}

if (import.meta.main) {
  const { getpriority, setpriority } = pcntl;
  console.log(JSON.stringify([setpriority(5), getpriority(Deno.pid)]));
  const child = pcntl.forkModule(import.meta.url, { permissions: { sys: ["getPriority"] } });
  await pcntl.waitpid(child.pid);
  console.log(`${JSON.stringify(getpriority(child.pid))} ${pcntl.getLastError()}`);
  console.log(`${JSON.stringify(setpriority(19, child.pid))} ${pcntl.getLastError()}`);
  console.log(JSON.stringify([setpriority(1000), getpriority()]));
}
