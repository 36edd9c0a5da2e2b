/**
 * Priorities, which Linux keeps for each thread.
 *
 * @module
 */

import process from "node:process";
import { given } from "../checks.ts";
import { backend } from "./backend.ts";
import { PRIO_PGRP, PRIO_PROCESS, PRIO_USER } from "./constants.ts";
import { codeOf, refuse, unable } from "./failure.ts";

const HIGHEST = -20;
const LOWEST = 19;

/**
 * The priority of a process, -20 to 19, the lower the better. Answers `pcntl_getpriority()` of PHP.
 *
 * @param pid A process, a group or a user, as `mode` says; `null` and 0 mean our own. Of a process it is the priority of the main
 * thread, of a group or a user the best one.
 * @param mode `PRIO_PROCESS`; or, with the native backend, `PRIO_PGRP` or `PRIO_USER`.
 * @returns False, with ESRCH, if there is no such process.
 * @throws {TypeError} If the pid is no whole number.
 * @throws {RangeError} If `mode` is none.
 * @throws {PcntlError} `ENOSYS` for groups and users without the native backend.
 * @throws {Deno.errors.NotCapable} For a process, without `--allow-sys=getPriority`.
 */
export function getpriority(
  pid: number | null = null,
  mode: number = PRIO_PROCESS,
): number | false {
  const id = check("getpriority", pid, mode);
  if (id === undefined) return refuse("getpriority", "ESRCH", false);
  if (mode === PRIO_PROCESS) return attempt("getpriority", () => os().getPriority(id));
  const result = backend.native!.getPriority(mode, id);
  return typeof result === "number" ? result : refuse("getpriority", result, false);
}

/**
 * Changes the priority of a process. Answers `pcntl_setpriority()` of PHP.
 *
 * On Linux this reaches one thread: of this process the main isolate, and threads, Workers and children that
 * are started afterwards. Deno's own threads that run already stay as they are. A group or a user, which only the native
 * backend reaches, changes with all threads.
 *
 * @param priority A whole number; beyond -20 and 19 it is the nearest of the two.
 * @param pid A process, a group or a user, as `mode` says; `null` and 0 mean our own.
 * @param mode `PRIO_PROCESS`; or, with the native backend, `PRIO_PGRP` or `PRIO_USER`.
 * @returns False, with ESRCH, with EPERM if the process is not ours, or with EACCES if we may not raise it.
 * @throws {TypeError} If a number is not whole.
 * @throws {RangeError} If `mode` is none.
 * @throws {PcntlError} `ENOSYS` for groups and users without the native backend.
 * @throws {Deno.errors.NotCapable} For a process, without `--allow-sys=setPriority`.
 */
export function setpriority(
  priority: number,
  pid: number | null = null,
  mode: number = PRIO_PROCESS,
): boolean {
  if (!Number.isInteger(priority)) {
    throw new TypeError(
      `Cannot setpriority: a whole number is needed, and ${given(priority)} was given`,
    );
  }
  const id = check("setpriority", pid, mode);
  if (id === undefined) return refuse("setpriority", "ESRCH", false);
  const value = Math.min(LOWEST, Math.max(HIGHEST, priority));
  if (mode === PRIO_PROCESS) {
    return attempt("setpriority", () => {
      os().setPriority(id, value);
      return true;
    });
  }
  const code = backend.native!.setPriority(mode, id, value);
  return code === undefined ? true : refuse("setpriority", code, false);
}

/** @returns The id for the system, or `undefined` if there can be no such process. */
function check(name: string, pid: number | null, mode: number): number | undefined {
  if (pid !== null && !Number.isInteger(pid)) {
    throw new TypeError(
      `Cannot ${name}: a process id is a whole number, and ${given(pid)} was given`,
    );
  }
  if (mode === PRIO_PGRP || mode === PRIO_USER) {
    if (backend.native === undefined) {
      unable(name, "Deno reaches single processes only; useNative() also groups and users");
    }
  } else if (mode !== PRIO_PROCESS) {
    throw new RangeError(
      `Cannot ${name}: mode is PRIO_PROCESS, PRIO_PGRP or PRIO_USER, and ${given(mode)} was given`,
    );
  }
  const id = pid ?? 0;
  return id >= 0 && id === (id | 0) ? id : undefined;
}

function attempt<T>(name: string, run: () => T): T | false {
  try {
    return run();
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    return refuse(name, code, false, error);
  }
}

/** Loaded only where priorities are asked for. */
function os(): {
  getPriority(pid: number): number;
  setPriority(pid: number, priority: number): void;
} {
  return process.getBuiltinModule("node:os");
}
