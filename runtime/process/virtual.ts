/**
 * Signals that a message brings, instead of the system.
 *
 * @module
 */

import { SI_USER } from "./constants.ts";
import { unable } from "./failure.ts";
import { hub } from "./hub.ts";
import {
  nameOf,
  SIGCHLD,
  SIGCONT,
  SIGSTOP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGWINCH,
} from "./signal_numbers.ts";

/** The signals that do nothing by default. */
const HARMLESS: readonly number[] = [SIGCHLD, SIGCONT, SIGURG, SIGWINCH];

/** The signals that stop a process by default. */
const STOPPING: readonly number[] = [SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU];

/**
 * Raises a signal here as if the sender had sent it. Handlers, the mask and waits see it at once.
 *
 * @returns Whether something took it. If not, nothing has happened.
 */
export function raiseFrom(sender: number, signo: number): boolean {
  return hub.offer({ signo, errno: 0, code: SI_USER, pid: sender });
}

/**
 * Lets a signal that nothing took do what it does by default, in a process of its own.
 *
 * @throws {PcntlError} `ENOSYS` for a real-time signal, which Deno cannot raise
 */
export function actByDefault(signo: number): void {
  if (!HARMLESS.includes(signo)) hub.raise({ signo, errno: 0 });
}

/**
 * Whether a signal ends what it reaches, by default.
 *
 * @throws {PcntlError} `ENOSYS` for one that stops it, which a worker cannot do
 */
export function endsByDefault(signo: number): boolean {
  if (!STOPPING.includes(signo)) return !HARMLESS.includes(signo);
  unable("killNode", `a worker does not stop, and ${nameOf(signo)} would stop it`);
}
