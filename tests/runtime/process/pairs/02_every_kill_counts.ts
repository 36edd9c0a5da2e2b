/**
 * A signal that is not blocked is handled as often as it was sent.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

let calls = 0;
pcntl.signal(pcntl.SIGUSR2, () => calls++);
for (let i = 0; i < 5; i++) pcntl.kill(Deno.pid, pcntl.SIGUSR2);
console.log(calls);
pcntl.signalDispatch();
console.log(calls);
