/**
 * Sending signals.
 *
 * @module
 */

import { given } from "../checks.ts";
import { backend } from "./backend.ts";
import { children } from "./children.ts";
import { FIRST_VIRTUAL_PID } from "./thread_child.ts";
import { codeOf, refuse, unable } from "./failure.ts";
import { hub, ownInfo, STOPPING } from "./hub.ts";
import { LAST_SIGNAL, nameOf, SIGKILL } from "./signal_numbers.ts";
import { type SignalLike, toNumber } from "./signal_set.ts";

/**
 * Sends a signal to a process. Answers `posix_kill()` of PHP.
 *
 * A signal to this process that has a handler, is ignored, blocked or waited for never leaves it: it is queued at once, and
 * each call counts. Any other signal to it is real. A child of `forkModule()` can be signalled with the
 * permission that started it; any other process takes `--allow-run` without a list.
 *
 * A child that is a thread gets a signal as a message: it acts on it at a turn of its event loop, and SIGKILL alone does
 * not wait for that. In such a child `ctx.pid` is itself.
 *
 * @param pid A process; 0 for our process group, below 0 for another, as in C.
 * @param signal 0 only asks whether the process exists.
 * @returns False, with ESRCH, EPERM or EINVAL, if it could not be sent.
 * @throws {TypeError} If an argument is of the wrong type.
 * @throws {PcntlError} `ENOSYS` for a real-time signal that would have to be real, without the native backend; and for
 * a signal that stops, to a thread.
 * @throws {Deno.errors.NotCapable} If the permission is missing.
 */
export function kill(pid: number, signal: SignalLike): boolean {
  if (!Number.isInteger(pid)) {
    throw new TypeError(`Cannot kill: a process id is a whole number, and ${given(pid)} was given`);
  }
  const signo = toNumber("kill", signal);
  if (signo < 0 || signo > LAST_SIGNAL) return refuse("kill", "EINVAL", false);
  // Deno would cut the number down to 32 bits, and reach somebody else.
  if (pid !== (pid | 0)) return refuse("kill", "ESRCH", false);
  if (pid === hub.pid) {
    if (signo !== 0) hub.raise(ownInfo(signo));
    return true;
  }
  if (pid >= FIRST_VIRTUAL_PID) return killThread(pid, signo);
  const name = signo === 0 ? 0 : nameOf(signo);
  if (name !== undefined) return send(pid, name as Deno.Signal);
  if (backend.native === undefined) {
    unable("kill", `Deno cannot send signal ${signo} to a process; useNative() can`);
  }
  const code = backend.native.kill(pid, signo);
  return code === undefined ? true : refuse("kill", code, false);
}

function killThread(pid: number, signo: number): boolean {
  const child = children.get(pid);
  if (child?.thread === undefined) return refuse("kill", "ESRCH", false);
  if (signo === 0 || child.status !== undefined) return true;
  if (signo === SIGKILL) child.thread.kill();
  else if (STOPPING.includes(signo)) {
    unable("kill", `a thread cannot be stopped, as signal ${signo} would; SIGKILL ends it`);
  } else child.thread.send(ownInfo(signo));
  return true;
}

function send(pid: number, name: Deno.Signal): boolean {
  const child = children.get(pid);
  try {
    if (child?.process === undefined) Deno.kill(pid, name);
    // As the kernel has it: one that has ended and was not waited for can be signalled, to no effect.
    else if (child.status === undefined) killChild(child.process, name);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    if (error instanceof Deno.errors.NotFound) return refuse("kill", "ESRCH", false, error);
    if (error instanceof Deno.errors.PermissionDenied) return refuse("kill", "EPERM", false, error);
    const code = codeOf(error);
    if (code === undefined) throw error;
    return refuse("kill", code, false, error);
  }
}

/** Its end may be known to Deno before it is known here. */
function killChild(process: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    process.kill(name);
  } catch (error) {
    if (!(error instanceof TypeError && /already terminated/.test(error.message))) throw error;
  }
}
