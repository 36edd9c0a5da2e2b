/**
 * Children in processes of their own: slower to start than workers, but their faults are theirs alone.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { childEnvironment } from "../process/child_environment.ts";
import { permissionFlags } from "../process/flags.ts";
import { type ChildChannel, ProcessLink } from "./process_link.ts";
import type { ForkProgram } from "./types.ts";

/** A process that has been started. */
export interface Spawned {
  pid: number;
  /** Makes the link to it; `greeting` is the first thing that it is told, `drainMs` what its listeners have at its end. */
  link(greeting: unknown, drainMs: number): ProcessLink;
}

/** Starts a process that runs a source and speaks to this one; `modules` are what the source loads. */
export function spawnChild(
  source: string,
  permissions: Deno.PermissionOptions,
  modules: readonly string[] = [],
): Spawned {
  // Node's spawn gives a Deno child every permission unless a flag says otherwise, so one always does.
  const flags = permissionFlags(permissions, modules);
  flags.push("--quiet", "--no-lock", "--unstable-worker-options", "--unstable-kv");
  return spawnDeno(flags, `data:text/javascript,${encodeURIComponent(source)}`, []);
}

/** Starts a program that speaks to this process, with these flags of Deno and no others. */
export function spawnProgram({ main, args = [], flags = [] }: ForkProgram): Spawned {
  const unused = "--deny-env=TANDEM_UNUSED";
  return spawnDeno(["--no-prompt", ...flags, unused], String(main), args);
}

function spawnDeno(flags: readonly string[], main: string, args: readonly string[]): Spawned {
  const { state } = Deno.permissions.querySync({ name: "run", command: "deno" });
  if (state !== "granted") {
    throw new Deno.errors.NotCapable("Cannot start a child process: it needs --allow-run=deno");
  }
  const child = spawn("deno", ["run", ...flags, main, ...args], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
    env: childEnvironment(true),
  });
  if (child.pid === undefined) {
    child.on("error", () => {});
    throw new Deno.errors.NotFound('Cannot start a child: there is no program "deno" on the path');
  }
  const channel = child as unknown as ChildChannel;
  return {
    pid: child.pid,
    link: (greeting, drainMs) => new ProcessLink(channel, greeting, drainMs),
  };
}
