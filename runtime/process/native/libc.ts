/**
 * The C library, by FFI. The only file that opens a library; everything that is called is declared here.
 *
 * @module
 */

import { codeOfNumber, type PcntlErrorCode, unable } from "../failure.ts";
import { type CallNumbers, callNumbers } from "./numbers.ts";

const SYMBOLS = {
  __errno_location: { parameters: [], result: "pointer" },
  access: { parameters: ["buffer", "i32"], result: "i32" },
  alarm: { parameters: ["u32"], result: "u32" },
  close: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  execv: { parameters: ["buffer", "buffer"], result: "i32" },
  execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  gnu_get_libc_version: { parameters: [], result: "pointer" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  kill: { parameters: ["i32", "i32"], result: "i32" },
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  pthread_sigmask: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "u64"], result: "i64" },
  sigtimedwait: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  setpriority: { parameters: ["i32", "u32", "i32"], result: "i32" },
  signal: { parameters: ["i32", "pointer"], result: "pointer" },
  signalfd: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  tcgetattr: { parameters: ["i32", "buffer"], result: "i32" },
  write: { parameters: ["i32", "buffer", "u64"], result: "i64" },
  // One function under several names: each call has parameters of its own.
  getdents64: { name: "syscall", parameters: ["i64", "i32", "buffer", "u64"], result: "i64" },
  getpriority: { name: "syscall", parameters: ["i64", "i32", "i32"], result: "i64" },
  pidfd_open: { name: "syscall", parameters: ["i64", "i32", "u32"], result: "i64" },
  rt_sigqueueinfo: {
    name: "syscall",
    parameters: ["i64", "i32", "i32", "buffer"],
    result: "i64",
  },
  waitid: {
    name: "syscall",
    parameters: ["i64", "i32", "i32", "buffer", "i32", "buffer"],
    result: "i64",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** The library, open. */
export interface Libc extends Disposable {
  /** Its functions. */
  readonly call: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  /** The numbers of what has no function. */
  readonly numbers: CallNumbers;
  /** The number of the error of the last call of this thread, which must be the last thing that was done. */
  errno(): number;
  /** Its name, or that of another number; it throws where process control has no name for it. */
  failure(name: string, number?: number): PcntlErrorCode;
}

/**
 * Opens it.
 *
 * @throws {PcntlError} `ENOSYS` if this is not Linux with glibc on x86-64 or arm64.
 * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
 */
export function openLibc(): Libc {
  const { os, arch } = Deno.build;
  const numbers = callNumbers(arch);
  if (os !== "linux" || numbers === undefined) {
    unable("useNative", `it takes Linux on x86-64 or arm64, and this is ${os} on ${arch}`);
  }
  let library: Deno.DynamicLibrary<typeof SYMBOLS>;
  try {
    library = Deno.dlopen("libc.so.6", SYMBOLS);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    unable("useNative", `it takes the GNU C library, and opening that failed: ${error}`);
  }
  const { symbols } = library;
  const location = symbols.__errno_location();
  const errno = () => new Deno.UnsafePointerView(location!).getInt32();
  return {
    call: symbols,
    numbers,
    errno,
    failure(name, number = errno()) {
      const code = codeOfNumber(number);
      if (code === undefined) throw new Error(`Cannot ${name}: the system says error ${number}`);
      return code;
    },
    [Symbol.dispose]: () => library.close(),
  };
}

/** A text as C has it. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
