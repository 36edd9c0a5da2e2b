/**
 * An ignored signal does nothing, and ignoring forgets one that is pending.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

const { SIG_BLOCK, SIG_DFL, SIG_IGN, SIG_UNBLOCK, SIGTERM } = pcntl;
pcntl.signal(SIGTERM, SIG_IGN);
pcntl.kill(Deno.pid, SIGTERM);
console.log("ignored");
pcntl.signal(SIGTERM, SIG_DFL);
pcntl.sigprocmask(SIG_BLOCK, [SIGTERM]);
pcntl.kill(Deno.pid, SIGTERM);
pcntl.signal(SIGTERM, SIG_IGN);
pcntl.signal(SIGTERM, SIG_DFL);
pcntl.sigprocmask(SIG_UNBLOCK, [SIGTERM]);
console.log("forgotten");
pcntl.kill(Deno.pid, SIGTERM);
await pcntl.sigtimedwait([pcntl.SIGUSR2], 30);
console.log("not reached");
