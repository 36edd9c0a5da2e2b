/**
 * The handler is told the signal, its origin and its sender.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

pcntl.signal(pcntl.SIGUSR2, (signo, info) => {
  console.log(JSON.stringify([signo, info.signo, info.errno, info.code === pcntl.SI_USER]));
  console.log(JSON.stringify([info.pid === Deno.pid, info.uid === Deno.uid()]));
});
pcntl.kill(Deno.pid, pcntl.SIGUSR2);
pcntl.signalDispatch();
