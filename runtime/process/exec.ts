/**
 * Another program in the place of this one.
 *
 * @module
 */

import { checkFields, fail, given } from "../checks.ts";
import { startTimer } from "../own_timers.ts";
import { alarm } from "./alarm.ts";
import { backend } from "./backend.ts";
import { SIG_IGN } from "./constants.ts";
import { codeOf, refuse, setLastError, unable } from "./failure.ts";
import { children, wordOfRejection, wordOfStatus } from "./children.ts";
import { hub } from "./hub.ts";
import * as numbers from "./signal_numbers.ts";
import { LAST_SIGNAL, nameOf } from "./signal_numbers.ts";
import { readSet, type SignalLike } from "./signal_set.ts";
import { wexitstatus, wifexited, wtermsig } from "./status.ts";

/** How the other program takes our place. */
export interface ExecOptions {
  /**
   * `emulate` runs it as a child and ends as it ends. `replace` puts it in the place of this process, as PHP does; it takes the
   * native backend.
   * @default "emulate"
   */
  mode?: "emulate" | "replace";
  /** For `replace`: whether it may end Workers, and leave children behind that were not waited for. @default false */
  force?: boolean;
  /** For `replace`: the signals that the other program begins with blocked, 1 to 64 or names. @default none */
  mask?: Iterable<SignalLike>;
}

/** What is sent on to the other program. */
const FORWARDED: ReadonlySet<number> = new Set([
  numbers.SIGTERM,
  numbers.SIGINT,
  numbers.SIGHUP,
  numbers.SIGQUIT,
  numbers.SIGUSR2,
  numbers.SIGCONT,
  numbers.SIGWINCH,
  numbers.SIGALRM,
]);

/**
 * Runs another program and then ends as it ended: with its exit code, or by its signal. Answers `pcntl_exec()` of PHP.
 *
 * It only returns when the program cannot be started. Otherwise this process stays as an empty shell: the
 * other one has a pid of its own, gets our input and output, and the signals TERM, INT, HUP, QUIT, USR2, CONT, WINCH and ALRM;
 * no handler of ours runs any more. SIGKILL of this process does not reach it. Timers and other work go on,
 * so stop them before.
 *
 * With `mode: "replace"` the process id, the working directory, standard input and output stay; memory, threads,
 * open files and whatever was not written yet are gone. Listeners of `unload` run before. The other program starts with what is ignored here still ignored, with the
 * alarm that is left, in whole seconds, and with the signals of `mask` blocked, no others. If it cannot be started, all
 * this is as before and the runtime goes on, but listeners of `unload` may have run.
 *
 * @param path The program, from the working directory; it is not looked for on the path.
 * @param args What the program is called with, after its path.
 * @param env Its whole environment; ours if left out.
 * @returns False, with ENOENT, EACCES, ENOEXEC or another number, if it can't be started. ENOEXEC, for a text without an
 * interpreter line, takes permission to read it; without that a shell runs such a text.
 * @throws {TypeError} If an argument is of the wrong type.
 * @throws {RangeError} If a text holds a NUL.
 * @throws {PcntlError} `ENOSYS` for `replace` without the native backend; with it, while Workers run or children of
 * `forkModule()` were not waited for, unless `force` is set; and in a child that is a thread.
 * @throws {Deno.errors.NotCapable} If `--allow-run` does not cover the program; `replace` does not ask for that.
 */
export async function exec(
  path: string,
  args: readonly (string | number)[] = [],
  env?: Readonly<Record<string, string | number>>,
  options: ExecOptions = {},
): Promise<false> {
  if (typeof path !== "string") {
    throw new TypeError(`Cannot exec: a path is a text, and ${given(path)} was given`);
  }
  const texts = checkTexts("arguments", [path, ...checkList(args)]);
  const pairs = env === undefined ? undefined : checkEnv(env);
  checkFields("exec options", options, ["mode", "force", "mask"]);
  const { mode = "emulate", force = false } = options;
  if (typeof force !== "boolean") fail("force", "true or false", force);
  if (hub.isThread) unable("exec", "a child that is a thread cannot give its process away");
  if (mode === "replace") return replace(texts, pairs, options);
  if (mode !== "emulate") {
    throw new TypeError(
      `Cannot exec: mode is "emulate" or "replace", and ${given(mode)} was given`,
    );
  }
  if (path === "") return refuse("exec", "ENOENT", false);
  const file = path.includes("/") ? path : `./${path}`;
  let child: Deno.ChildProcess;
  // First of all, or a signal right after the start would end this process and leave the other one alone. Up to the
  // start nothing is heard, since nothing is awaited.
  hub.forward(FORWARDED, (signo) => send(child, signo));
  try {
    if (isBareText(file)) {
      hub.stopForwarding();
      return refuse("exec", "ENOEXEC", false);
    }
    const command = new Deno.Command(file, {
      args: texts.slice(1),
      ...(pairs === undefined ? {} : { env: pairs, clearEnv: true }),
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    });
    const start = () => command.spawn();
    child = backend.native === undefined ? start() : backend.native.unmasked(start);
  } catch (error) {
    hub.stopForwarding();
    const code = codeOf(error);
    if (code === undefined) throw error;
    return refuse("exec", code, false, error);
  }
  const word = await child.status.then(wordOfStatus, wordOfRejection);
  hub.stopForwarding();
  endAs(word ?? 0);
  return await new Promise<never>(() => {});
}

/** Never returns where that is possible. */
function replace(
  argv: readonly string[],
  env: Record<string, string> | undefined,
  { force = false, mask = [] }: ExecOptions,
): false {
  const signals = [...readSet("exec", mask, true)];
  if (backend.native === undefined) unable("exec", 'mode "replace" takes useNative()');
  if (!force && children.has(-1)) {
    unable("exec", "there are children that nobody has waited for; wait for them, or set force");
  }
  const path = argv[0]!;
  const seconds = alarm(0);
  const ignored = Array.from({ length: LAST_SIGNAL }, (_, index) => index + 1)
    .filter((signo) => hub.action(signo) === SIG_IGN);
  const pairs = env && Object.entries(env).map(([name, value]) => `${name}=${value}`);
  try {
    const call = { path, argv, env: pairs, mask: signals, ignored, alarm: seconds, force };
    return refuse("exec", backend.native.replace(call), false);
  } finally {
    alarm(seconds);
  }
}

function endAs(word: number): void {
  if (wifexited(word)) Deno.exit(wexitstatus(word));
  const signo = wtermsig(word);
  const code = 128 + signo;
  const name = nameOf(signo);
  if (name === undefined) Deno.exit(code);
  // What we hold back or handle would not end us.
  hub.reset(signo);
  Deno.kill(Deno.pid, name);
  // Until the signal ends us; if it does not, as under a tracer, the code still tells.
  startTimer(() => Deno.exit(code), 1000);
}

function send(child: Deno.ChildProcess, signo: number): void {
  try {
    child.kill(nameOf(signo)!);
  } catch {
    // It has ended, and so shall we.
  }
}

/** Whether the kernel would not know how to run it: a shell would. */
function isBareText(file: string): boolean {
  const { state } = Deno.permissions.querySync({ name: "read", path: file });
  if (state !== "granted") return false;
  const bytes = new Uint8Array(128);
  let length: number | null;
  try {
    using opened = Deno.openSync(file);
    const { isFile, mode } = opened.statSync();
    if (!isFile || ((mode ?? 0) & 0o111) === 0) return false;
    length = opened.readSync(bytes);
  } catch {
    return false; // the start will tell
  }
  const head = bytes.subarray(0, length ?? 0);
  return !(head[0] === 0x23 && head[1] === 0x21) && !head.includes(0);
}

function checkList(args: unknown): readonly unknown[] {
  if (Array.isArray(args)) return args;
  throw new TypeError(`Cannot exec: arguments are a list, and ${given(args)} was given`);
}

function checkEnv(env: unknown): Record<string, string> {
  if (typeof env !== "object" || env === null) {
    throw new TypeError(`Cannot exec: an environment is an object, and ${given(env)} was given`);
  }
  const names = checkTexts("names of the environment", Object.keys(env));
  const values = checkTexts("values of the environment", Object.values(env));
  return Object.fromEntries(names.map((name, index) => [name, values[index]!]));
}

function checkTexts(what: string, values: readonly unknown[]): string[] {
  return values.map((value) => {
    if (typeof value !== "string" && typeof value !== "number") {
      throw new TypeError(`Cannot exec: ${what} are texts, and ${given(value)} was given`);
    }
    const text = String(value);
    if (!text.includes("\0")) return text;
    setLastError("EINVAL");
    throw new RangeError(`Cannot exec: ${what} hold no NUL, and ${given(text)} was given`);
  });
}
