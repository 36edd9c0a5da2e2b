/**
 * The numbers of system calls that the C library has no function for, by architecture.
 *
 * Those of x86-64 are tested; those of arm64 are taken from the table of the kernel, and nobody has run them here.
 *
 * @module
 */

/** The numbers of one architecture. */
export interface CallNumbers {
  /** `waitid` with its fifth argument, which the function of the C library leaves out. */
  waitid: bigint;
  /** `getpriority`, whose result cannot be taken for an error. */
  getpriority: bigint;
  /** `pidfd_open`. */
  pidfdOpen: bigint;
  /** `getdents64`. */
  getdents64: bigint;
  /** `rt_sigqueueinfo`. */
  rtSigqueueinfo: bigint;
}

const NUMBERS: Readonly<Record<string, CallNumbers>> = {
  x86_64: {
    waitid: 247n,
    getpriority: 140n,
    pidfdOpen: 434n,
    getdents64: 217n,
    rtSigqueueinfo: 129n,
  },
  aarch64: {
    waitid: 95n,
    getpriority: 141n,
    pidfdOpen: 434n,
    getdents64: 61n,
    rtSigqueueinfo: 138n,
  },
};

/** The numbers of this architecture, or `undefined` where they are not known. */
export function callNumbers(arch: string): CallNumbers | undefined {
  return Object.hasOwn(NUMBERS, arch) ? NUMBERS[arch] : undefined;
}
