/**
 * What native code sees of children. It never waits for one: that is Deno's business, which would fail without its child.
 *
 * @module
 */

import type { ChildChange, ChildDetails, ChildWatch } from "../backend.ts";
import { CLD_CONTINUED, CLD_DUMPED, CLD_STOPPED, WCONTINUED, WUNTRACED } from "../constants.ts";
import { hold } from "./hold.ts";
import type { Libc } from "./libc.ts";
import type { Poller } from "./poller.ts";
import { readChildNews, readRusage, RUSAGE_BYTES, SIGINFO_BYTES } from "./structs.ts";

const P_PID = 1;
const WNOHANG = 1;
const WSTOPPED = 2;

/** Asks a descriptor of a process how that ended, and its answer: of 64 bytes, the status word at 60. */
const PIDFD_GET_INFO = 0xc040ff0bn;
const PIDFD_INFO_EXIT = 8n;
const PIDFD_INFO_BYTES = 64;
const CORE = 0x80;

/**
 * Watches the end of a child.
 *
 * What it used can only be read between its end and the moment in which Deno takes it. Deno is held back for that; where this
 * cannot be done (more than 4,096 open files, or a Deno that waits in another way) the thread of the poller
 * may come too late, above all on a busy machine, and then nothing is known. Nothing is known either of a child that ends
 * while 256 others are watched. The core flag does not depend on that where the kernel (6.15 or newer) still knows the
 * status of a process that was waited for.
 */
export function watchChild(libc: Libc, poller: Poller, pid: number): ChildWatch {
  const fd = Number(libc.call.pidfd_open(libc.numbers.pidfdOpen, pid, 0));
  const slot = fd < 0 || !poller.hasRoom ? undefined : poller.watch(pid, fd, hold(libc, pid, fd));
  return {
    end(): ChildDetails {
      const seen = slot === undefined ? undefined : poller.take(slot);
      const word = fd < 0 ? undefined : statusOf(libc, fd);
      if (fd >= 0) libc.call.close(fd);
      const dumped = seen !== undefined && readChildNews(seen.info).code === CLD_DUMPED;
      return {
        rusage: seen === undefined ? {} : readRusage(seen.usage),
        core: dumped || word !== undefined && (word & CORE) !== 0 && (word & 0x7f) !== 0x7f,
      };
    },
  };
}

/** Takes the stop or the continue of a child that nobody has taken, and never its end. */
export function takeChange(libc: Libc, pid: number, options: number): ChildChange | undefined {
  const asked = (options & WUNTRACED ? WSTOPPED : 0) | (options & WCONTINUED);
  if (asked === 0) return undefined;
  const info = new Uint8Array(SIGINFO_BYTES);
  const usage = new Uint8Array(RUSAGE_BYTES);
  const flags = asked | WNOHANG;
  const result = libc.call.waitid(libc.numbers.waitid, P_PID, pid, info, flags, usage);
  const news = readChildNews(info);
  // A child that Deno has taken meanwhile is no failure here: its end is on its way.
  if (result !== 0n || news.pid !== pid) return undefined;
  const rusage = readRusage(usage);
  if (news.code === CLD_STOPPED) return { status: news.status << 8 | 0x7f, rusage };
  return news.code === CLD_CONTINUED ? { status: 0xffff, rusage } : undefined;
}

/** The status word of a process that was waited for; `undefined` where the kernel does not tell. */
function statusOf(libc: Libc, fd: number): number | undefined {
  const answer = new DataView(new ArrayBuffer(PIDFD_INFO_BYTES));
  answer.setBigUint64(0, PIDFD_INFO_EXIT, true);
  if (libc.call.ioctl(fd, PIDFD_GET_INFO, new Uint8Array(answer.buffer)) !== 0) return undefined;
  const known = (answer.getBigUint64(0, true) & PIDFD_INFO_EXIT) !== 0n;
  return known ? answer.getInt32(60, true) : undefined;
}
