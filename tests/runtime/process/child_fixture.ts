/**
 * What children of the tests run.
 *
 * @module
 */

import type { ForkContext } from "../../../runtime/process/mod.ts";

/** What a child is to do. */
export interface Job {
  /** Ends with this code. */
  exit?: number;
  /** Ends by this signal. */
  raise?: Deno.Signal;
  /** Computes for so many milliseconds. */
  busyMs?: number;
  /** Lives until it is killed. */
  live?: boolean;
  /** Says this of itself on standard output. */
  say?: "context" | "permissions" | "env";
  /** Throws an error. */
  throws?: boolean;
  /** Anything else. */
  value?: unknown;
}

/** The child. */
export async function main(context: ForkContext<Job>): Promise<void> {
  const { busyMs = 0, exit, raise, live, say, throws } = context.data;
  for (const end = performance.now() + busyMs; performance.now() < end;);
  if (say === "context") console.log(Deno.inspect(context, { breakLength: Infinity, depth: 9 }));
  if (say === "env") console.log(Deno.env.get("TANDEM_CHILD"));
  if (say === "permissions") {
    const names = ["env", "ffi", "import", "net", "read", "run", "sys", "write"] as const;
    const states = names.map((name) => Deno.permissions.querySync({ name }).state);
    console.log(states.map((state, index) => `${names[index]} ${state}`).join());
  }
  if (live) {
    console.log("live");
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  }
  if (throws) throw new Error("child");
  if (raise !== undefined) {
    Deno.kill(Deno.pid, raise);
    await new Promise((resolve) => setTimeout(resolve, 5000));
  }
  if (exit !== undefined) Deno.exit(exit);
}
