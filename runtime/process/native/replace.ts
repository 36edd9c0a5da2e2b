/**
 * `execve`: another program in the place of this one, with the same process id.
 *
 * @module
 */

import { backend, type ReplaceCall } from "../backend.ts";
import { type PcntlErrorCode, unable } from "../failure.ts";
import { SIGKILL, SIGPIPE, SIGSTOP } from "../signal_numbers.ts";
import { cString, type Libc } from "./libc.ts";
import { sigset, SIGSET_BYTES } from "./structs.ts";
import { listThreads } from "./threads.ts";

const X_OK = 1;
const SIG_SETMASK = 2;
const SIG_DFL = null;
const TERMIOS_BYTES = 64;

/**
 * Calls it. It returns only if that failed, and everything is as it was then, but that listeners of `unload` may have run.
 *
 * @throws {PcntlError} `ENOSYS` if Workers run, unless `force` is set.
 */
export function replace(libc: Libc, call: ReplaceCall): PcntlErrorCode {
  if (!call.force) refuseWorkers(libc);
  const path = cString(call.path);
  // What is sure to fail does so before anybody is told.
  if (libc.call.access(path, X_OK) !== 0) return libc.failure("exec");
  globalThis.dispatchEvent(new Event("unload"));
  const restore = prepare(libc, call);
  const argv = cStrings(call.argv);
  const env = call.env === undefined ? undefined : cStrings(call.env);
  if (env === undefined) libc.call.execv(path, argv.pointers);
  else libc.call.execve(path, argv.pointers, env.pointers);
  const number = libc.errno();
  restore();
  keep(argv, env);
  return libc.failure("exec", number);
}

function refuseWorkers(libc: Libc): void {
  const workers = listThreads(libc).filter(({ name }) => /^worker-\d+$/.test(name)).length;
  const others = workers - backend.ownWorkers;
  if (others <= 0) return;
  unable("exec", `${others} Workers run, and would end; stop them, or set force`);
}

/** Makes of this thread what the other program is to begin with. @returns What undoes it. */
function prepare(libc: Libc, { mask, ignored, alarm }: ReplaceCall): () => void {
  const wasRaw = endRaw(libc);
  const sigIgn = Deno.UnsafePointer.create(1n);
  // Deno ignores SIGPIPE, and what is ignored stays so.
  const actions = [SIGPIPE, ...ignored.filter((signo) => signo !== SIGPIPE)]
    .filter((signo) => signo !== SIGKILL && signo !== SIGSTOP)
    .map((signo) => {
      const action = ignored.includes(signo) ? sigIgn : SIG_DFL;
      return [signo, libc.call.signal(signo, action)] as const;
    });
  const before = new Uint8Array(SIGSET_BYTES);
  libc.call.pthread_sigmask(SIG_SETMASK, sigset(mask), before);
  libc.call.alarm(alarm);
  return () => {
    libc.call.alarm(0);
    libc.call.pthread_sigmask(SIG_SETMASK, before, new Uint8Array(SIGSET_BYTES));
    for (const [signo, action] of actions) libc.call.signal(signo, action);
    if (wasRaw) Deno.stdin.setRaw(true);
  };
}

/** Puts the terminal back to how Deno found it. @returns Whether that changed anything. */
function endRaw(libc: Libc): boolean {
  const before = new Uint8Array(TERMIOS_BYTES);
  if (libc.call.tcgetattr(0, before) !== 0) return false;
  Deno.stdin.setRaw(false);
  const after = new Uint8Array(TERMIOS_BYTES);
  libc.call.tcgetattr(0, after);
  return before.some((byte, index) => byte !== after[index]);
}

/** Texts as C has a list of them: pointers, the last one null. The texts must be kept as long as the pointers. */
interface Strings {
  texts: Uint8Array<ArrayBuffer>[];
  pointers: BigUint64Array<ArrayBuffer>;
}

function cStrings(values: readonly string[]): Strings {
  const texts = values.map(cString);
  const pointers = new BigUint64Array(values.length + 1);
  for (const [index, text] of texts.entries()) {
    pointers[index] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(text));
  }
  return { texts, pointers };
}

/** Read after the call, so that nothing frees it before. */
function keep(...lists: (Strings | undefined)[]): number {
  return lists.reduce((sum, list) => sum + (list?.texts.length ?? 0), 0);
}
