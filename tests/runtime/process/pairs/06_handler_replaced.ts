/**
 * The handler is looked up at the dispatch; what is then ignored or default is dropped.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

const { SIG_DFL, SIG_IGN, SIGUSR2 } = pcntl;
const old = () => console.log("old");
pcntl.signal(SIGUSR2, old);
pcntl.kill(Deno.pid, SIGUSR2);
pcntl.signal(SIGUSR2, () => console.log("new"));
pcntl.signalDispatch();
for (const action of [SIG_IGN, SIG_DFL] as const) {
  pcntl.signal(SIGUSR2, old);
  pcntl.kill(Deno.pid, SIGUSR2);
  pcntl.signal(SIGUSR2, action);
  pcntl.signalDispatch();
  console.log("dropped");
}
