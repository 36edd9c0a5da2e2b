/**
 * The numbers of signals on this system, and their names.
 *
 * @module
 */

/** Where numbering differs, as it stands in `<signal.h>`; aliases are kept apart. */
const NUMBERS: Readonly<Record<string, number>> = Deno.build.os === "darwin"
  ? {
    HUP: 1,
    INT: 2,
    QUIT: 3,
    ILL: 4,
    TRAP: 5,
    ABRT: 6,
    BUS: 10,
    FPE: 8,
    KILL: 9,
    USR1: 30,
    SEGV: 11,
    USR2: 31,
    PIPE: 13,
    ALRM: 14,
    TERM: 15,
    CHLD: 20,
    CONT: 19,
    STOP: 17,
    TSTP: 18,
    TTIN: 21,
    TTOU: 22,
    URG: 16,
    XCPU: 24,
    XFSZ: 25,
    VTALRM: 26,
    PROF: 27,
    WINCH: 28,
    IO: 23,
    SYS: 12,
  }
  : {
    HUP: 1,
    INT: 2,
    QUIT: 3,
    ILL: 4,
    TRAP: 5,
    ABRT: 6,
    BUS: 7,
    FPE: 8,
    KILL: 9,
    USR1: 10,
    SEGV: 11,
    USR2: 12,
    PIPE: 13,
    ALRM: 14,
    TERM: 15,
    STKFLT: 16,
    CHLD: 17,
    CONT: 18,
    STOP: 19,
    TSTP: 20,
    TTIN: 21,
    TTOU: 22,
    URG: 23,
    XCPU: 24,
    XFSZ: 25,
    VTALRM: 26,
    PROF: 27,
    WINCH: 28,
    IO: 29,
    PWR: 30,
    SYS: 31,
  };

const ALIASES: Readonly<Record<string, string>> = {
  IOT: "ABRT",
  CLD: "CHLD",
  POLL: "IO",
  BABY: "SYS",
};

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(NUMBERS).map(([name, number]) => [number, name]),
);

/** The highest number that a signal can have. */
export const LAST_SIGNAL: number = 64;

/** The number of a signal by its name, with or without `SIG`; -1 where this system has none of that name. */
export function numberOf(name: string): number {
  const bare = name.replace(/^SIG/, "");
  const own = Object.hasOwn(ALIASES, bare) ? ALIASES[bare]! : bare;
  return Object.hasOwn(NUMBERS, own) ? NUMBERS[own]! : -1;
}

/** The name under which Deno knows a signal, or `undefined` for a real-time or unused number. */
export function nameOf(signo: number): Deno.Signal | undefined {
  const name = NAMES.get(signo);
  return name === undefined ? undefined : `SIG${name}` as Deno.Signal;
}

/** `SIGHUP`: the terminal was closed. */
export const SIGHUP: number = numberOf("HUP");
/** `SIGINT`: interrupt from the keyboard. */
export const SIGINT: number = numberOf("INT");
/** `SIGQUIT`: quit from the keyboard. */
export const SIGQUIT: number = numberOf("QUIT");
/** `SIGILL`: illegal instruction; Deno cannot listen to it. */
export const SIGILL: number = numberOf("ILL");
/** `SIGTRAP`: trap of a debugger. */
export const SIGTRAP: number = numberOf("TRAP");
/** `SIGABRT`: the program gave up. */
export const SIGABRT: number = numberOf("ABRT");
/** `SIGBUS`: access to memory that is not there. */
export const SIGBUS: number = numberOf("BUS");
/** `SIGFPE`: arithmetic error; Deno cannot listen to it. */
export const SIGFPE: number = numberOf("FPE");
/** `SIGKILL`: ends a process; nothing can hold it back. */
export const SIGKILL: number = numberOf("KILL");
/** `SIGUSR1`: free for programs elsewhere, but Deno opens its inspector on it. */
export const SIGUSR1: number = numberOf("USR1");
/** `SIGSEGV`: access to memory of others; Deno cannot listen to it. */
export const SIGSEGV: number = numberOf("SEGV");
/** `SIGUSR2`: free for programs. */
export const SIGUSR2: number = numberOf("USR2");
/** `SIGPIPE`: write to a pipe that nobody reads. */
export const SIGPIPE: number = numberOf("PIPE");
/** `SIGALRM`: an alarm went off. */
export const SIGALRM: number = numberOf("ALRM");
/** `SIGTERM`: request to end. */
export const SIGTERM: number = numberOf("TERM");
/** `SIGSTKFLT`: unused. */
export const SIGSTKFLT: number = numberOf("STKFLT");
/** `SIGCHLD`: a child ended. */
export const SIGCHLD: number = numberOf("CHLD");
/** `SIGCONT`: goes on after a stop. */
export const SIGCONT: number = numberOf("CONT");
/** `SIGSTOP`: stops a process; nothing can hold it back. */
export const SIGSTOP: number = numberOf("STOP");
/** `SIGTSTP`: stop from the keyboard. */
export const SIGTSTP: number = numberOf("TSTP");
/** `SIGTTIN`: read from the terminal in the background. */
export const SIGTTIN: number = numberOf("TTIN");
/** `SIGTTOU`: write to the terminal in the background. */
export const SIGTTOU: number = numberOf("TTOU");
/** `SIGURG`: urgent data at a socket. */
export const SIGURG: number = numberOf("URG");
/** `SIGXCPU`: limit of processor time. */
export const SIGXCPU: number = numberOf("XCPU");
/** `SIGXFSZ`: limit of file size. */
export const SIGXFSZ: number = numberOf("XFSZ");
/** `SIGVTALRM`: virtual timer. */
export const SIGVTALRM: number = numberOf("VTALRM");
/** `SIGPROF`: profiling timer. */
export const SIGPROF: number = numberOf("PROF");
/** `SIGWINCH`: the terminal has another size. */
export const SIGWINCH: number = numberOf("WINCH");
/** `SIGIO`: input or output is possible. */
export const SIGIO: number = numberOf("IO");
/** `SIGPWR`: power fails. */
export const SIGPWR: number = numberOf("PWR");
/** `SIGSYS`: wrong system call. */
export const SIGSYS: number = numberOf("SYS");
/** Another name of {@linkcode SIGABRT}. */
export const SIGIOT: number = numberOf("IOT");
/** Another name of {@linkcode SIGCHLD}. */
export const SIGCLD: number = numberOf("CLD");
/** Another name of {@linkcode SIGIO}. */
export const SIGPOLL: number = numberOf("POLL");
/** Another name of {@linkcode SIGSYS}. */
export const SIGBABY: number = numberOf("BABY");
/** The first real-time signal; -1 where the system has none. Deno can neither send nor hear them; the native backend can. */
export const SIGRTMIN: number = Deno.build.os === "darwin" ? -1 : 34;
/** The last real-time signal; -1 where the system has none. */
export const SIGRTMAX: number = Deno.build.os === "darwin" ? -1 : 64;
