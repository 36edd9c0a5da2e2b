/**
 * An alarm that is blocked can be waited for instead of handled, and comes once.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

pcntl.signal(pcntl.SIGALRM, () => console.log("not called"));
pcntl.sigprocmask(pcntl.SIG_BLOCK, [pcntl.SIGALRM]);
pcntl.alarm(1);
const info = await pcntl.sigwaitinfo([pcntl.SIGALRM, pcntl.SIGTERM]);
console.log(info && `${info.signo} ${info.code === pcntl.SI_KERNEL}`);
console.log(pcntl.alarm(0));
pcntl.sigprocmask(pcntl.SIG_UNBLOCK, [pcntl.SIGALRM]);
pcntl.signalDispatch();
