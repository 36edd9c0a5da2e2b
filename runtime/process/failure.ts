/**
 * How calls of process control fail: the last error, what is thrown, and what only returns false.
 *
 * A wrong argument throws a `TypeError` or `RangeError`. What the system refuses returns what PHP returns, and
 * throws a {@linkcode PcntlError} where the program asked for that. What this backend cannot do always throws
 * one, with the code `ENOSYS`. A permission that Deno lacks is thrown as Deno throws it.
 *
 * @module
 */

import { checkFields, given } from "../checks.ts";
import { type ErrorCode, messageOf, RuntimeError } from "../errors.ts";
import * as numbers from "./errno.ts";

/** The codes of a {@linkcode PcntlError}: the names of its error numbers. */
export type PcntlErrorCode = Extract<ErrorCode, keyof typeof numbers>;

/** An operation of process control failed: `errno` is the number of what went wrong, `code` its name. */
export class PcntlError extends RuntimeError {
  /** The number of the error, for `strerror()`. */
  readonly errno: number;

  /** Makes one of a code with a message for people. */
  constructor(code: PcntlErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = "PcntlError";
    this.errno = numbers[code];
  }
}

/** How process control behaves in this isolate. A field that is left out stays as it is. */
export interface PcntlOptions {
  /**
   * Whether a call that the system refuses throws a {@linkcode PcntlError} instead of returning false.
   * @default false
   */
  throwOnError?: boolean;
  /**
   * Called with the name of the function, the error number and a sentence whenever a call returns false; with
   * the number 0 for advice. `null` takes it away: then failures are silent, and advice goes to standard error.
   * @default null
   */
  onWarning?: ((name: string, errno: number, text: string) => void) | null;
  /**
   * Whether an inspector that Deno opens because of SIGUSR1 is closed again. One that was open when the handler
   * was installed is left alone, if the program may ask for it (`--allow-sys`).
   * @default true
   */
  closeInspectorOnSigusr1?: boolean;
}

const options: Required<PcntlOptions> = {
  throwOnError: false,
  onWarning: null,
  closeInspectorOnSigusr1: true,
};

let lastError = 0;

/**
 * Changes how process control behaves in this isolate.
 *
 * @throws {TypeError} If a field is unknown or of the wrong type; nothing is changed then.
 */
export function configure(changes: PcntlOptions): void {
  checkFields("pcntl options", changes, Object.keys(options));
  const { throwOnError, onWarning, closeInspectorOnSigusr1 } = { ...options, ...changes };
  for (const [field, value] of Object.entries({ throwOnError, closeInspectorOnSigusr1 })) {
    if (typeof value === "boolean") continue;
    throw new TypeError(
      `Cannot configure pcntl: ${field} is true or false, and ${given(value)} was given`,
    );
  }
  if (onWarning !== null && typeof onWarning !== "function") {
    throw new TypeError(
      `Cannot configure pcntl: onWarning is a function or null, and ${given(onWarning)} was given`,
    );
  }
  Object.assign(options, { throwOnError, onWarning, closeInspectorOnSigusr1 });
}

/** Whether an inspector that SIGUSR1 opened is to be closed. */
export function closesInspector(): boolean {
  return options.closeInspectorOnSigusr1;
}

/**
 * The number of the last failure in this isolate, 0 before the first; success leaves it as it is. Answers
 * `pcntl_get_last_error()` of PHP.
 */
export function getLastError(): number {
  return lastError;
}

/** The same as {@linkcode getLastError}. Answers `pcntl_errno()` of PHP. */
export function errno(): number {
  return lastError;
}

/** Sets the last error, for calls that then throw by themselves. */
export function setLastError(code: PcntlErrorCode): void {
  lastError = numbers[code];
}

/** Fails as PHP does: sets the last error and returns `result`, or throws where that was asked for. */
export function refuse<T>(name: string, code: PcntlErrorCode, result: T, cause?: unknown): T {
  lastError = numbers[code];
  const text = `Cannot ${name}: ${numbers.strerror(lastError)}`;
  if (options.throwOnError) throw new PcntlError(code, text, cause === undefined ? {} : { cause });
  options.onWarning?.(name, lastError, text);
  return result;
}

/** Fails because this backend cannot do it. */
export function unable(name: string, instead: string): never {
  setLastError("ENOSYS");
  throw new PcntlError("ENOSYS", `Cannot ${name}: ${instead}`);
}

/** Tells the program something that is no failure. */
export function advise(name: string, text: string): void {
  if (options.onWarning !== null) options.onWarning(name, 0, text);
  else Deno.stderr.writeSync(new TextEncoder().encode(`Warning: ${text}\n`));
}

/** The code of an error of Deno, or `undefined` where it has none of ours. */
export function codeOf(error: unknown): PcntlErrorCode | undefined {
  if (error instanceof Deno.errors.NotCapable || !(error instanceof Error)) return undefined;
  const { code, info } = error as { code?: unknown; info?: { code?: unknown } };
  const text = messageOf(error);
  const number = Number(/\(os error (\d+)\)$/.exec(text)?.[1]);
  return [info?.code, code, /^E[A-Z0-9]+(?=:)/.exec(text)?.[0], codeOfNumber(number)].find(isCode);
}

/** The code of an error number, or `undefined` where process control has none for it. */
export function codeOfNumber(number: number): PcntlErrorCode | undefined {
  return CODES.find((name) => numbers[name] === number);
}

function isCode(value: unknown): value is PcntlErrorCode {
  return CODES.includes(value as PcntlErrorCode);
}

const CODES: readonly PcntlErrorCode[] = [
  "E2BIG",
  "EACCES",
  "ECHILD",
  "EINTR",
  "EINVAL",
  "ELOOP",
  "ENAMETOOLONG",
  "ENOENT",
  "ENOEXEC",
  "ENOSYS",
  "ENOTDIR",
  "EPERM",
  "ESRCH",
  "ETXTBSY",
];
