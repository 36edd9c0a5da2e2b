/**
 * A wait takes a pending signal of its set, the lowest number first, and no handler sees it.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

const signals = [pcntl.SIGTERM, pcntl.SIGUSR2, pcntl.SIGHUP];
for (const signo of signals) pcntl.signal(signo, (signo) => console.log(`handler ${signo}`));
pcntl.sigprocmask(pcntl.SIG_BLOCK, signals);
for (const signo of signals) pcntl.kill(Deno.pid, signo);
const info = await pcntl.sigwaitinfo([pcntl.SIGTERM, pcntl.SIGUSR2]);
if (info === false) throw new Error("interrupted");
console.log(info.signo);
console.log(JSON.stringify([info.signo, info.code === pcntl.SI_USER, info.pid === Deno.pid]));
const next = await pcntl.sigtimedwait(signals, 30);
console.log(next && next.signo);
pcntl.sigprocmask(pcntl.SIG_UNBLOCK, signals);
pcntl.signalDispatch();
