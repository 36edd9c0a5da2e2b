/**
 * A blocked signal is pending once, however often it was sent.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

const { SIG_BLOCK, SIG_UNBLOCK, SIGUSR2 } = pcntl;
let calls = 0;
pcntl.signal(SIGUSR2, () => calls++);
pcntl.sigprocmask(SIG_BLOCK, [SIGUSR2]);
for (let i = 0; i < 5; i++) pcntl.kill(Deno.pid, SIGUSR2);
pcntl.signalDispatch();
console.log(`blocked ${calls}`);
pcntl.sigprocmask(SIG_UNBLOCK, [SIGUSR2]);
pcntl.signalDispatch();
console.log(`unblocked ${calls}`);
