/**
 * The numbers of errors on this system, and what they mean.
 *
 * @module
 */

import { ERRNO_TEXTS } from "./errno_texts.ts";

/** Where macOS counts otherwise. */
const DARWIN: Readonly<Record<string, number>> = {
  EAGAIN: 35,
  ELOOP: 62,
  ENAMETOOLONG: 63,
  ENOSYS: 78,
  EUSERS: 68,
};

/** `EPERM`: not allowed by the system. */
export const EPERM: number = own("EPERM", 1);
/** `ENOENT`: no such file. */
export const ENOENT: number = own("ENOENT", 2);
/** `ESRCH`: no such process. */
export const ESRCH: number = own("ESRCH", 3);
/** `EINTR`: a signal came in between. */
export const EINTR: number = own("EINTR", 4);
/** `EIO`: input or output failed. */
export const EIO: number = own("EIO", 5);
/** `E2BIG`: arguments and environment are too long. */
export const E2BIG: number = own("E2BIG", 7);
/** `ENOEXEC`: a file that is no program. */
export const ENOEXEC: number = own("ENOEXEC", 8);
/** `ECHILD`: no such child. */
export const ECHILD: number = own("ECHILD", 10);
/** `EAGAIN`: not now. */
export const EAGAIN: number = own("EAGAIN", 11);
/** `ENOMEM`: no memory. */
export const ENOMEM: number = own("ENOMEM", 12);
/** `EACCES`: not allowed by the file or its folder. */
export const EACCES: number = own("EACCES", 13);
/** `EFAULT`: wrong address. */
export const EFAULT: number = own("EFAULT", 14);
/** `ENOTDIR`: not a folder. */
export const ENOTDIR: number = own("ENOTDIR", 20);
/** `EISDIR`: a folder. */
export const EISDIR: number = own("EISDIR", 21);
/** `EINVAL`: a wrong argument. */
export const EINVAL: number = own("EINVAL", 22);
/** `ENFILE`: the system has too many open files. */
export const ENFILE: number = own("ENFILE", 23);
/** `EMFILE`: the process has too many open files. */
export const EMFILE: number = own("EMFILE", 24);
/** `ETXTBSY`: a program that is being written. */
export const ETXTBSY: number = own("ETXTBSY", 26);
/** `ENOSPC`: the disk is full. */
export const ENOSPC: number = own("ENOSPC", 28);
/** `ENAMETOOLONG`: a name that is too long. */
export const ENAMETOOLONG: number = own("ENAMETOOLONG", 36);
/** `ENOSYS`: not possible here. */
export const ENOSYS: number = own("ENOSYS", 38);
/** `ELOOP`: too many links. */
export const ELOOP: number = own("ELOOP", 40);
/** `ELIBBAD`: a broken library. */
export const ELIBBAD: number = own("ELIBBAD", 80);
/** `EUSERS`: too many users. */
export const EUSERS: number = own("EUSERS", 87);

/**
 * Says what an error number means, in the words of Linux. Answers `pcntl_strerror()` of PHP.
 *
 * @param number An error number, as `getLastError()` returns it.
 * @returns The text; `Unknown error n` where there is no error of that number.
 * @throws {TypeError} If `number` is no whole number.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { pcntl } from "@tandem/tandem";
 *
 * assert.equal(pcntl.strerror(pcntl.ECHILD), "No child processes");
 * assert.equal(pcntl.strerror(999), "Unknown error 999");
 * ```
 */
export function strerror(number: number): string {
  if (!Number.isInteger(number)) {
    throw new TypeError(`Cannot name an error: a whole number is needed, and ${number} was given`);
  }
  return ERRNO_TEXTS[numberOnLinux(number)] ?? `Unknown error ${number}`;
}

function own(name: string, linux: number): number {
  return Deno.build.os === "darwin" ? DARWIN[name] ?? linux : linux;
}

/** The texts are by the numbers of Linux; of those that differ elsewhere only the named ones are known. */
function numberOnLinux(number: number): number {
  if (Deno.build.os !== "darwin") return number;
  const name = Object.keys(DARWIN).find((key) => DARWIN[key] === number);
  if (name !== undefined) return LINUX[name]!;
  return number <= 34 && number !== 11 ? number : -1;
}

const LINUX: Readonly<Record<string, number>> = {
  EAGAIN: 11,
  ELOOP: 40,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  EUSERS: 87,
};
