/**
 * The last error is that of the last failure; what succeeds leaves it.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

console.log(pcntl.getLastError());
await pcntl.wait();
console.log(pcntl.getLastError());
pcntl.sigprocmask(pcntl.SIG_BLOCK, [pcntl.SIGUSR2]);
pcntl.alarm(0);
console.log(pcntl.errno());
pcntl.getpriority(2_147_483_647);
console.log(`${pcntl.errno()} ${pcntl.strerror(pcntl.errno())}`);
