/**
 * What a handler throws comes out of the dispatch, and the program goes on.
 * (PHP 8.2 loses the signals behind it, so there are none.)
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

pcntl.signal(pcntl.SIGUSR2, () => {
  throw new Error("from the handler");
});
pcntl.signal(pcntl.SIGHUP, () => console.log("HUP"));
pcntl.kill(Deno.pid, pcntl.SIGUSR2);
try {
  pcntl.signalDispatch();
  console.log("not reached");
} catch (error) {
  console.log((error as Error).message);
}
pcntl.kill(Deno.pid, pcntl.SIGHUP);
pcntl.signalDispatch();
