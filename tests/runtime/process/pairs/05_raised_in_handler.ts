/**
 * What arrives while handlers run waits for the next dispatch.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

pcntl.signal(pcntl.SIGUSR2, () => {
  console.log("USR2");
  pcntl.kill(Deno.pid, pcntl.SIGHUP);
});
pcntl.signal(pcntl.SIGHUP, () => console.log("HUP"));
pcntl.kill(Deno.pid, pcntl.SIGUSR2);
pcntl.signalDispatch();
console.log("first dispatch is over");
pcntl.signalDispatch();
console.log("second dispatch is over");
