/**
 * Pending real-time signals stay as many as were sent, and come behind the others.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

const { SIGRTMIN, SIGTERM } = pcntl;
const signals = [SIGTERM, SIGRTMIN, SIGRTMIN + 2];
pcntl.sigprocmask(pcntl.SIG_BLOCK, signals);
for (const signo of [SIGRTMIN + 2, SIGRTMIN, SIGTERM, SIGRTMIN, SIGTERM, SIGRTMIN]) {
  pcntl.kill(Deno.pid, signo);
}
for (let i = 0; i < 5; i++) {
  const info = await pcntl.sigtimedwait(signals, 30);
  console.log(info && info.signo - SIGRTMIN);
}
console.log(await pcntl.sigtimedwait(signals, 0, 1_000_000) !== false);
