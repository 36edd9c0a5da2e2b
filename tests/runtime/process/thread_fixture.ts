/**
 * What children of the tests run that are threads.
 *
 * @module
 */

import process from "node:process";
import * as pcntl from "../../../runtime/process/mod.ts";

/** What a child is to do. */
export interface ThreadJob {
  /** Which of the ends or behaviours below. */
  does: keyof typeof DOES;
  /** Shared with the test: 0 is how far the child is, 1 and up are what it saw. */
  words: Int32Array;
  /** Anything else. */
  value?: unknown;
}

type Context = pcntl.ForkContext<ThreadJob>;

const DOES = {
  return() {},
  exit: () => Deno.exit(7),
  exitBig: () => Deno.exit(256 + 3),
  exitCode() {
    Deno.exitCode = 5;
  },
  processExit: () => process.exit(9),
  close() {
    self.close();
    return never();
  },
  throw() {
    throw new Error("child");
  },
  reject() {
    Promise.reject(new Error("child"));
    return never();
  },
  killSelf({ pid }: Context) {
    pcntl.kill(pid, "SIGTERM");
    return never();
  },
  alarm() {
    pcntl.alarm(1);
    return never();
  },
  live: never,
  spin() {
    for (;;);
  },
  /** Writes down the signals that come, and returns at SIGINT. */
  async handle({ data: { words } }: Context) {
    let ended = false;
    let count = 0;
    const note = (signo: number, info: pcntl.Siginfo) => {
      words[2 + count++] = signo;
      words[1] = info.pid ?? -1;
    };
    for (const signo of ["SIGTERM", "SIGCONT", "SIGSEGV", 40]) pcntl.signal(signo, note);
    pcntl.signal("SIGHUP", pcntl.SIG_IGN);
    pcntl.signal("SIGINT", () => ended = true);
    pcntl.asyncSignals(true);
    Atomics.store(words, 0, 2);
    while (!ended) await pcntl.checkpoint();
  },
  /** Waits for a blocked signal. */
  async wait({ data: { words } }: Context) {
    words[2] = pcntl.sigprocmask(pcntl.SIG_BLOCK, ["SIGTERM"]).old.length;
    Atomics.store(words, 0, 2);
    const info = await pcntl.sigwaitinfo(["SIGTERM"]);
    words[1] = info === false ? -1 : info.signo;
  },
  /** Has a child of its own, and says what it sees of it. */
  async nest({ pid, data: { words } }: Context) {
    const child = pcntl.forkModule(import.meta.url, {
      kind: "thread",
      permissions: { read: true },
      data: { does: "exit", words },
    });
    words[1] = Number(child.pid !== pid && child.pid >= 8_388_608);
    words[2] = (await child.wait()).status;
    words[3] = pcntl.waitpidNow(-1).pid;
  },
  /** Tries what only a process can do. */
  async refuse({ pid, data: { words } }: Context) {
    const calls = [
      () => pcntl.startSignalThread(),
      () => pcntl.kill(pid, "SIGSTOP"),
      () => pcntl.exec("/bin/true"),
    ];
    for (const call of calls) {
      try {
        await call();
      } catch (error) {
        if (error instanceof pcntl.PcntlError && error.code === "ENOSYS") words[1]!++;
      }
    }
  },
  permissions({ data: { words } }: Context) {
    const names = ["env", "ffi", "net", "read", "run", "sys", "write"] as const;
    names.forEach((name, index) => {
      words[1 + index] = Number(Deno.permissions.querySync({ name }).state === "granted");
    });
  },
  context({ pid, ppid, args, alias, data: { words, value } }: Context) {
    const [key] = (value as Map<bigint, Date>).keys();
    const same = [args.join() === "a b,--c", alias === "kid", key === 1n, ppid === Deno.pid];
    words.set([pid, ...same.map(Number)], 1);
  },
};

function never(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 60_000));
}

/** The child. */
export function main(context: Context): unknown {
  const { does, words } = context.data;
  Atomics.store(words, 0, 1);
  return DOES[does](context);
}
