/**
 * What a status word from `wait()` says. The functions answer those of PHP and C of the same names.
 *
 * A word is a whole number; only its low 16 bits count, and a field that does not apply is just its bits.
 *
 * @module
 */

/**
 * Whether the child ended by itself. Answers `pcntl_wifexited()` of PHP.
 *
 * @throws {TypeError} If `status` is no whole number.
 *
 * @example Usage
 * ```ts
 * import assert from "node:assert/strict";
 * import { pcntl } from "@tandem/tandem";
 *
 * assert.ok(pcntl.wifexited(3 << 8));
 * assert.equal(pcntl.wexitstatus(3 << 8), 3);
 * ```
 */
export function wifexited(status: number): boolean {
  return (low(status) & 0x7f) === 0;
}

/**
 * The exit code of a child that ended by itself, 0 to 255. Answers `pcntl_wexitstatus()` of PHP.
 *
 * @throws {TypeError} If `status` is no whole number.
 */
export function wexitstatus(status: number): number {
  return (low(status) >> 8) & 0xff;
}

/**
 * Whether a signal ended the child. Answers `pcntl_wifsignaled()` of PHP.
 *
 * @throws {TypeError} If `status` is no whole number.
 */
export function wifsignaled(status: number): boolean {
  return ![0, 0x7f].includes(low(status) & 0x7f);
}

/**
 * The number of the signal that ended the child. Answers `pcntl_wtermsig()` of PHP.
 *
 * @throws {TypeError} If `status` is no whole number.
 */
export function wtermsig(status: number): number {
  return low(status) & 0x7f;
}

/**
 * Whether the child has stopped. Answers `pcntl_wifstopped()` of PHP.
 *
 * @throws {TypeError} If `status` is no whole number.
 */
export function wifstopped(status: number): boolean {
  return (low(status) & 0xff) === 0x7f;
}

/**
 * The number of the signal that stopped the child. Answers `pcntl_wstopsig()` of PHP.
 *
 * @throws {TypeError} If `status` is no whole number.
 */
export function wstopsig(status: number): number {
  return (low(status) >> 8) & 0xff;
}

/**
 * Whether the child goes on after a stop. Answers `pcntl_wifcontinued()` of PHP.
 *
 * @throws {TypeError} If `status` is no whole number.
 */
export function wifcontinued(status: number): boolean {
  return low(status) === 0xffff;
}

function low(status: number): number {
  if (!Number.isInteger(status)) {
    throw new TypeError(
      `Cannot read a status word: a whole number is needed, and ${status} was given`,
    );
  }
  // Above 32 bits the operators of JavaScript would keep the low 32 bits as well.
  return status & 0xffff;
}
