/**
 * Children in processes of their own: slower to start than workers, but their faults are theirs alone.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { allowHosts, permissionFlags } from "./flags.ts";
import { type ChildChannel, ProcessLink } from "./process_link.ts";

/** Starts a process that runs a source and speaks to this one; `modules` are what the source loads. */
export function spawnChild(
  source: string,
  permissions: Deno.PermissionOptions,
  modules: readonly string[] = [],
): { pid: number; link(greeting: unknown): ProcessLink } {
  const { state } = Deno.permissions.querySync({ name: "run", command: "deno" });
  if (state !== "granted") {
    throw new Deno.errors.NotCapable("Cannot start a child process: it needs --allow-run=deno");
  }
  // Node's spawn gives a Deno child every permission unless a flag says otherwise, so one always does.
  const flags = allowHosts(permissionFlags(permissions), modules);
  const args = ["run", "--quiet", "--no-prompt", "--no-lock", ...flags];
  args.push("--unstable-worker-options", "--unstable-kv");
  args.push(`data:text/javascript,${encodeURIComponent(source)}`);
  const child = spawn("deno", args, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
    env: environment(),
  });
  if (child.pid === undefined) {
    child.on("error", () => {});
    throw new Deno.errors.NotFound('Cannot start a child: there is no program "deno" on the path');
  }
  const channel = child as unknown as ChildChannel;
  return { pid: child.pid, link: (greeting) => new ProcessLink(channel, greeting) };
}

/** What Deno itself needs to find its program and its cache. */
const NEEDED = ["PATH", "HOME", "DENO_DIR", "XDG_CACHE_HOME", "TMPDIR"];

/** The variables of this process; those that matter to Deno if it may not read all, as far as it may. */
function environment(): Record<string, string> {
  if (Deno.permissions.querySync({ name: "env" }).state === "granted") return Deno.env.toObject();
  const found: Record<string, string> = {};
  for (const variable of NEEDED) {
    if (Deno.permissions.querySync({ name: "env", variable }).state !== "granted") continue;
    const value = Deno.env.get(variable);
    if (value !== undefined) found[variable] = value;
  }
  return found;
}
