/**
 * Resources inside a worker: it joins before the site's documents are loaded, which may register some
 * while they load.
 *
 * @module
 */

import { joinDesk } from "./desk_thread.ts";

export { createGlobalsClient } from "./true_globals.ts";

/** Joins the manager in the entry, if the entry has enrolled this worker. */
export function prepare(
  call: (name: string, ...args: unknown[]) => Promise<unknown>,
  { threadId, options }: { threadId: number; options: Record<string, unknown> },
): void {
  const { desk } = options;
  if (desk instanceof SharedArrayBuffer) joinDesk(desk, call, threadId);
}
