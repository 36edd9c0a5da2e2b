/**
 * A handler may end the program; nothing behind it runs.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

pcntl.signal(pcntl.SIGTERM, () => {
  console.log("TERM");
  Deno.exit(3);
});
pcntl.signal(pcntl.SIGHUP, () => console.log("HUP"));
pcntl.kill(Deno.pid, pcntl.SIGTERM);
pcntl.kill(Deno.pid, pcntl.SIGHUP);
pcntl.signalDispatch();
console.log("not reached");
