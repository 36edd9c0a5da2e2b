/**
 * A signal with a handler interrupts a wait for others; the handler runs at the dispatch.
 * (PHP 8.2 returns -1 where newer ones return false.)
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

pcntl.signal(pcntl.SIGALRM, (signo, info) => {
  console.log(`handler ${JSON.stringify([signo, info.code === pcntl.SI_KERNEL])}`);
});
pcntl.alarm(1);
const found = await pcntl.sigtimedwait([pcntl.SIGUSR2], 30);
console.log(found === false ? "interrupted" : found.signo);
console.log(`${pcntl.getLastError()} ${pcntl.strerror(pcntl.getLastError())}`);
pcntl.signalDispatch();
