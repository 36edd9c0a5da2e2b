/**
 * A handler that is installed by another handler is there for the signals behind it.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

pcntl.signal(pcntl.SIGUSR2, () => {
  console.log("USR2");
  pcntl.signal(pcntl.SIGHUP, () => console.log("HUP, new"));
  pcntl.signal(pcntl.SIGTERM, pcntl.SIG_IGN);
});
pcntl.signal(pcntl.SIGHUP, () => console.log("HUP, old"));
pcntl.signal(pcntl.SIGTERM, () => console.log("TERM"));
for (const signo of [pcntl.SIGHUP, pcntl.SIGUSR2, pcntl.SIGTERM, pcntl.SIGHUP]) {
  pcntl.kill(Deno.pid, signo);
}
pcntl.signalDispatch();
