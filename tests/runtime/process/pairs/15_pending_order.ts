/**
 * Pending signals are released with the lowest number first, whatever the order in which they came.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

const signals = [pcntl.SIGTERM, pcntl.SIGUSR2, pcntl.SIGHUP, pcntl.SIGWINCH, pcntl.SIGINT];
for (const signo of signals) pcntl.signal(signo, (signo) => console.log(signo));
pcntl.sigprocmask(pcntl.SIG_BLOCK, signals);
for (const signo of signals) pcntl.kill(Deno.pid, signo);
pcntl.sigprocmask(pcntl.SIG_UNBLOCK, [pcntl.SIGTERM]);
pcntl.signalDispatch();
console.log("the others");
pcntl.sigprocmask(pcntl.SIG_SETMASK, []);
pcntl.signalDispatch();
