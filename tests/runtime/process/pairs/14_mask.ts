/**
 * Each change of the mask tells what it was, in ascending order; KILL and STOP never get into it.
 *
 * @module
 */

import * as pcntl from "../../../../runtime/process/mod.ts";

function change(how: number, signals: pcntl.SignalLike[]): void {
  const { ok, old } = pcntl.sigprocmask(how, signals);
  console.log(`${ok} ${JSON.stringify(old)}`);
}
const { SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK } = pcntl;
change(SIG_BLOCK, [pcntl.SIGUSR2, pcntl.SIGHUP]);
change(SIG_BLOCK, [pcntl.SIGTERM, pcntl.SIGKILL, pcntl.SIGSTOP]);
change(SIG_UNBLOCK, [pcntl.SIGUSR2]);
change(SIG_SETMASK, [pcntl.SIGALRM, pcntl.SIGCHLD, String(pcntl.SIGINT)]);
change(SIG_SETMASK, []);
change(SIG_BLOCK, [64]);
change(SIG_SETMASK, []);
