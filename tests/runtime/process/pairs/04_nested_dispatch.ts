/**
 * A dispatch inside a handler does nothing.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

pcntl.signal(pcntl.SIGUSR2, () => {
  console.log("outer begins");
  console.log(JSON.stringify(pcntl.signalDispatch()));
  console.log("outer ends");
});
pcntl.signal(pcntl.SIGHUP, () => console.log("inner"));
pcntl.kill(Deno.pid, pcntl.SIGUSR2);
pcntl.kill(Deno.pid, pcntl.SIGHUP);
pcntl.signalDispatch();
console.log("done");
