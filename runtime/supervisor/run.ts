/**
 * A supervisor as a program: its admin port, the signal that reloads, and the watch over the site's files.
 *
 * @module
 */

import type { Drainable } from "../box/lifecycle.ts";
import { messageOf } from "../errors.ts";
import { serveAdmin } from "./admin.ts";
import type { SupervisorOptions } from "./options.ts";
import { type MachineStatus, Supervisor } from "./supervisor.ts";
import { watchSite } from "./watch.ts";

/** How it is run. */
export interface RunOptions extends SupervisorOptions {
  /** Port for commands on loopback, 0 for a free one; absent: none. */
  adminPort?: number;
  /** Whether new boxes are started when the site's files change. */
  watch?: boolean;
}

/** Several boxes that serve. */
export interface RunningMachine extends Drainable {
  /** Where they answer, with a slash at the end. */
  readonly url: string;
  /** Figures of the machine. */
  status(): MachineStatus;
}

/** Starts the boxes and everything around them; resolves when they serve. */
export async function runSupervisor(
  { adminPort, watch = false, ...options }: RunOptions,
): Promise<RunningMachine> {
  const { log, graceMs, site } = options;
  const supervisor = new Supervisor(options);
  await using stack = new AsyncDisposableStack();
  if (adminPort !== undefined) {
    const admin = stack.use(serveAdmin(supervisor, { port: adminPort, graceMs }));
    log.info("The admin port is open", { url: admin.url });
  }
  stack.use(supervisor);
  const onReload = () => {
    log.info("The boxes are replaced", { why: "SIGHUP" });
    supervisor.reload("SIGHUP").catch((error) => {
      log.error("The boxes could not be replaced", { why: messageOf(error) });
    });
  };
  Deno.addSignalListener("SIGHUP", onReload);
  stack.defer(() => Deno.removeSignalListener("SIGHUP", onReload));
  // What changes while the boxes start is not in them.
  if (watch) stack.use(watchSite(site, supervisor, log));
  await supervisor.start();
  const kept = stack.move();
  const finished = supervisor.finished.then(async (status) => {
    await kept.disposeAsync();
    return status;
  });
  return {
    url: supervisor.url,
    status: () => supervisor.status(),
    drain: (how) => supervisor.drain(how),
    cut: () => void supervisor.stop(),
    finished,
  };
}
