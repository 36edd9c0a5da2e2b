/**
 * A wait that runs out takes nothing and is no error. (PHP 8.2 returns -1 where newer ones return false.)
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

const { SIGHUP, SIGUSR2 } = pcntl;
pcntl.sigprocmask(pcntl.SIG_BLOCK, [SIGUSR2, SIGHUP]);
pcntl.kill(Deno.pid, SIGHUP);
const found = await pcntl.sigtimedwait([SIGUSR2], 0, 20_000_000);
console.log(found === false ? "timeout" : found.signo);
console.log(pcntl.getLastError());
const next = await pcntl.sigtimedwait([SIGUSR2, SIGHUP], 18_446_744_074);
console.log(next && next.signo);
