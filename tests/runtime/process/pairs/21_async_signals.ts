/**
 * With asynchronous signals handlers run without a dispatch: here at the next turn of the event loop.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

const { asyncSignals } = pcntl;
console.log(JSON.stringify([asyncSignals(), asyncSignals(true), asyncSignals()]));
pcntl.signal(pcntl.SIGUSR2, () => console.log("handler"));
pcntl.kill(Deno.pid, pcntl.SIGUSR2);
await pcntl.checkpoint();
console.log("after the kill");
asyncSignals(false);
pcntl.kill(Deno.pid, pcntl.SIGUSR2);
await pcntl.checkpoint();
console.log("before the dispatch");
pcntl.signalDispatch();
