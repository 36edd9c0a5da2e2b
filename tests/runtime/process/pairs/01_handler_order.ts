/**
 * Handlers run at the dispatch, in the order in which the signals came.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

const { SIGHUP, SIGTERM, SIGUSR2 } = pcntl;
for (const signo of [SIGHUP, SIGTERM, SIGUSR2]) {
  pcntl.signal(signo, (signo) => console.log(`handler ${signo}`));
}
for (const signo of [SIGTERM, SIGUSR2, SIGHUP]) pcntl.kill(Deno.pid, signo);
console.log("before the dispatch");
console.log(JSON.stringify(pcntl.signalDispatch()));
pcntl.signalDispatch();
console.log("after two");
