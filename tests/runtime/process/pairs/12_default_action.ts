/**
 * Unblocked while it is pending, a signal without handler ends the program.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

pcntl.sigprocmask(pcntl.SIG_BLOCK, [pcntl.SIGTERM]);
pcntl.kill(Deno.pid, pcntl.SIGTERM);
console.log("held back");
pcntl.sigprocmask(pcntl.SIG_UNBLOCK, [pcntl.SIGTERM]);
await pcntl.sigtimedwait([pcntl.SIGUSR2], 30);
console.log("not reached");
